//! The protocol without its database: what to ask next, and what follows from the answer.
//!
//! 1. *Scan*: visible positions that follow the last settled one without a hole are settled. There is nothing to wait for.
//! 2. At a hole, after another look: *Highest*, the highest visible position H; then *Writers*, the transactions that hold
//!    the lock which a writer takes before it draws a position and keeps until it ends. The owner of every hole up to H is
//!    one of them, or has ended.
//! 3. When all of them have ended, whatever a fresh snapshot does not show up to H is dead.
//!
//! Each question is a statement of its own, asked after the answer to the one before, and sees what is committed when it
//! starts. An answer may be lost and its question asked again at any place. `model.rs` tries every order of events on
//! this code.

use std::collections::BTreeSet;

/// How often a hole is looked at before writers are asked for: most close by themselves in the time that it takes.
const LOOKS: u8 = 2;

/// What is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    /// How far it was stored to be settled.
    Stored,
    /// What can be seen behind a position.
    Scan { after: u64 },
    /// The highest position that can be seen. Never the sequence's last value.
    Highest,
    /// Who may own positions that cannot be seen.
    Writers,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Stored(Option<u64>),
    Scan(Scan),
    Highest(u64),
    Writers(Vec<Writer>),
}

/// What can be seen behind a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scan {
    /// The last of those that follow it, and one another, without a hole; itself where there are none.
    pub(super) dense: u64,
    /// The last of all that were looked at; itself where there are none.
    pub(super) last: u64,
    /// Whether there may be more than were looked at.
    pub(super) full: bool,
}

/// The name of a transaction, its virtual id: `4/1234`. A prepared one keeps it; after a crash it is `-1/xid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Transaction {
    pub(super) backend: i32,
    pub(super) local: u32,
}

impl Transaction {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (backend, local) = text.split_once('/')?;
        Some(Self { backend: backend.parse().ok()?, local: local.parse().ok()? })
    }
}

/// A transaction that may own positions which cannot be seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Writer {
    pub(super) transaction: Transaction,
    /// Whether it has no process: it is prepared.
    pub(super) prepared: bool,
}

impl Writer {
    /// The local part 0 is that of a process between transactions: it has ended, and is about to let its locks go.
    fn has_ended(self) -> bool {
        self.transaction.local == 0
    }
}

/// What to do after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Next {
    /// Ask the next question.
    Ask,
    /// Wait a little for writers to end, and ask the next question then; or leave it for later.
    Pause,
    /// All that could be seen when this flight began is settled.
    Done,
}

/// How far all is settled, and what is under way to get further.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Proof {
    settled: u64,
    at: At,
    pending: Option<Pending>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
enum At {
    #[default]
    Stored,
    Scan {
        looks: u8,
    },
    Highest,
    Writers {
        highest: u64,
    },
    Poll,
}

/// The writers that have to end before all up to `highest` is settled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pending {
    highest: u64,
    members: BTreeSet<Transaction>,
    /// Whether it was begun in an earlier flight, and so says nothing of what has become visible since.
    earlier: bool,
}

impl Proof {
    pub(super) fn settled(&self) -> u64 {
        self.settled
    }

    /// Begins a flight. Writers that are waited for stay so: who asks often and waits little gets on all the same.
    pub(super) fn begin(&mut self) {
        if self.at != At::Stored {
            self.at = At::Scan { looks: 0 };
        }
        if let Some(pending) = &mut self.pending {
            pending.earlier = true;
        }
    }

    pub(super) fn question(&self) -> Question {
        match self.at {
            At::Stored => Question::Stored,
            At::Scan { .. } => Question::Scan { after: self.settled },
            At::Highest => Question::Highest,
            At::Writers { .. } | At::Poll => Question::Writers,
        }
    }

    /// Takes the answer to [`question`](Self::question).
    pub(super) fn answered(&mut self, answer: &Answer) -> Next {
        match (self.at, answer) {
            (At::Stored, Answer::Stored(stored)) => {
                self.settle(stored.unwrap_or(0));
                self.at = At::Scan { looks: 0 };
                Next::Ask
            }
            (At::Scan { looks }, Answer::Scan(scan)) => self.scanned(looks + 1, *scan),
            (At::Highest, Answer::Highest(highest)) => {
                self.at = At::Writers { highest: *highest };
                Next::Ask
            }
            (At::Writers { highest }, Answer::Writers(writers)) => {
                let members = running(writers).collect();
                self.waited(Pending { highest, members, earlier: false }, false)
            }
            (At::Poll, Answer::Writers(writers)) => match self.pending.take() {
                Some(mut pending) => {
                    let someone_ended = pending.poll(writers);
                    self.waited(pending, someone_ended)
                }
                None => Next::Done,
            },
            // The answer to another question says nothing.
            _ => Next::Ask,
        }
    }

    fn scanned(&mut self, looks: u8, scan: Scan) -> Next {
        self.settle(scan.dense);
        self.pending = self.pending.take().filter(|pending| self.settled < pending.highest);
        let hole = scan.dense < scan.last;
        self.at = if self.pending.is_some() && (hole || scan.full) {
            At::Poll
        } else if scan.full || (hole && looks >= LOOKS) {
            // Far behind, nothing is gained by looking at each position.
            At::Highest
        } else if hole {
            At::Scan { looks }
        } else {
            return Next::Done;
        };
        Next::Ask
    }

    fn waited(&mut self, pending: Pending, someone_ended: bool) -> Next {
        if pending.members.is_empty() {
            self.settle(pending.highest);
            if !pending.earlier {
                return Next::Done;
            }
            self.at = At::Scan { looks: 0 };
            return Next::Ask;
        }
        self.pending = Some(pending);
        if someone_ended {
            // It may have closed the hole, whatever the others do.
            self.at = At::Scan { looks: LOOKS };
            return Next::Ask;
        }
        self.at = At::Poll;
        Next::Pause
    }

    fn settle(&mut self, position: u64) {
        self.settled = self.settled.max(position);
    }
}

impl Pending {
    /// Takes out those that have ended, and says whether any has. A member that is gone may have been prepared, and after
    /// a crash a prepared transaction has another name: so whenever one is gone, every prepared one seen in the same
    /// moment takes its place.
    fn poll(&mut self, writers: &[Writer]) -> bool {
        let running: BTreeSet<_> = running(writers).collect();
        let before = self.members.len();
        self.members.retain(|member| running.contains(member));
        let someone_ended = self.members.len() < before;
        if someone_ended {
            let prepared = writers.iter().filter(|writer| writer.prepared && !writer.has_ended());
            self.members.extend(prepared.map(|writer| writer.transaction));
        }
        someone_ended
    }
}

fn running(writers: &[Writer]) -> impl Iterator<Item = Transaction> {
    writers.iter().filter(|writer| !writer.has_ended()).map(|writer| writer.transaction)
}

#[cfg(test)]
mod tests {
    use super::{Answer, Next, Proof, Question, Scan, Transaction, Writer};

    fn writers<const N: usize>(names: [&str; N]) -> Answer {
        let writer = |name| Writer { transaction: Transaction::parse(name).expect("a name"), prepared: false };
        Answer::Writers(names.map(writer).to_vec())
    }

    /// Asks, checks the question, and answers.
    fn step(proof: &mut Proof, question: Question, answer: &Answer) -> Next {
        assert_eq!(proof.question(), question);
        proof.answered(answer)
    }

    fn scan(dense: u64, last: u64) -> Answer {
        Answer::Scan(Scan { dense, last, full: false })
    }

    /// At a hole behind 10, below 20, held by two writers.
    fn at_a_hole() -> Proof {
        let mut proof = Proof::default();
        proof.begin();
        assert_eq!(step(&mut proof, Question::Stored, &Answer::Stored(Some(8))), Next::Ask);
        assert_eq!(step(&mut proof, Question::Scan { after: 8 }, &scan(9, 19)), Next::Ask);
        assert_eq!(step(&mut proof, Question::Scan { after: 9 }, &scan(10, 20)), Next::Ask, "most close by themselves");
        assert_eq!(step(&mut proof, Question::Highest, &Answer::Highest(20)), Next::Ask);
        assert_eq!(step(&mut proof, Question::Writers, &writers(["3/10", "4/20", "5/0"])), Next::Pause);
        assert_eq!(proof.settled(), 10);
        proof
    }

    #[test]
    fn without_a_hole_one_look_is_enough() {
        let mut proof = Proof::default();
        step(&mut proof, Question::Stored, &Answer::Stored(None));
        assert_eq!(step(&mut proof, Question::Scan { after: 0 }, &scan(7, 7)), Next::Done);
        proof.begin();
        assert_eq!(step(&mut proof, Question::Scan { after: 7 }, &scan(7, 7)), Next::Done);
        assert_eq!(proof.settled(), 7);
    }

    #[test]
    fn who_is_far_behind_asks_for_writers_at_once() {
        let mut proof = Proof::default();
        step(&mut proof, Question::Stored, &Answer::Stored(None));
        let full = Answer::Scan(Scan { dense: 4_096, last: 4_096, full: true });
        assert_eq!(step(&mut proof, Question::Scan { after: 0 }, &full), Next::Ask);
        assert_eq!(step(&mut proof, Question::Highest, &Answer::Highest(1_000_000)), Next::Ask);
        assert_eq!(step(&mut proof, Question::Writers, &writers([])), Next::Done);
        assert_eq!(proof.settled(), 1_000_000);
    }

    #[test]
    fn newcomers_and_those_that_ended_are_not_waited_for() {
        let mut proof = at_a_hole();
        assert_eq!(step(&mut proof, Question::Writers, &writers(["3/10", "4/20", "6/1"])), Next::Pause);
        assert_eq!(step(&mut proof, Question::Writers, &writers(["3/11", "4/20"])), Next::Ask, "3/10 has ended");
        assert_eq!(step(&mut proof, Question::Scan { after: 10 }, &scan(12, 25)), Next::Ask, "and closed a hole");
        assert_eq!(proof.settled(), 12);
        assert_eq!(step(&mut proof, Question::Writers, &writers(["3/11", "4/0"])), Next::Done);
        assert_eq!(proof.settled(), 20);
    }

    #[test]
    fn a_later_flight_goes_on_with_the_same_writers_and_then_sees_what_is_new() {
        let mut proof = at_a_hole();
        proof.begin();
        assert_eq!(step(&mut proof, Question::Scan { after: 10 }, &scan(10, 30)), Next::Ask);
        assert_eq!(step(&mut proof, Question::Writers, &writers(["9/1"])), Next::Ask);
        assert_eq!(proof.settled(), 20, "those that were waited for have ended");
        assert_eq!(step(&mut proof, Question::Scan { after: 20 }, &scan(30, 30)), Next::Done);
    }

    #[test]
    fn names_of_transactions() {
        assert_eq!(Transaction::parse("4/1234"), Some(Transaction { backend: 4, local: 1_234 }));
        assert_eq!(Transaction::parse("-1/777"), Some(Transaction { backend: -1, local: 777 }));
        assert_eq!(Transaction::parse("777"), None);
    }
}
