//! The reader of the model: `proof.rs`, asked and answered, and what was read up to where it came.
//!
//! A mutation asks in another order, or understands the answers in another way. Then what was really seen at a moment is
//! kept, and given as the answer at another.

use super::{Mutation, Positions, Step, up_to, world::World};
use crate::frontier::proof::{Answer, Next, Proof, Question, Scan, Transaction, Writer};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reader {
    proof: Proof,
    at: At,
    /// What was read, and up to where.
    seen: Positions,
    after: u64,
    mutation: Option<Mutation>,
    /// Writers that were asked for too early.
    early_writers: Option<Vec<Writer>>,
    /// A snapshot that was taken too early.
    early_visible: Option<Positions>,
    /// Whether this flight has asked for writers.
    waiting: bool,
    /// What a mutation takes for settled.
    beyond: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Begin,
    Ask,
    Pause,
    /// Only where something is wrong: the highest position is asked for once more.
    HighestAgain,
    Read,
}

impl Reader {
    pub(super) fn new(mutation: Option<Mutation>) -> Self {
        Self {
            proof: Proof::default(),
            at: At::Begin,
            seen: 0,
            after: 0,
            mutation,
            early_writers: None,
            early_visible: None,
            waiting: false,
            beyond: 0,
        }
    }

    pub(super) fn settled(&self) -> u64 {
        self.proof.settled().max(self.beyond)
    }

    pub(super) fn seen(&self) -> Positions {
        self.seen
    }

    pub(super) fn after(&self) -> u64 {
        self.after
    }

    /// The reader's next step. It has one only.
    pub(super) fn next(&self, world: &World) -> (Step, Self) {
        let mut reader = self.clone();
        let step = match self.at {
            At::Begin => {
                reader.proof.begin();
                reader.waiting = false;
                reader.at = At::Ask;
                if self.is(Mutation::RepeatableRead) {
                    reader.early_visible = Some(world.visible());
                }
                "begins a flight"
            }
            At::Ask | At::Pause => reader.ask(world),
            At::HighestAgain => {
                reader.beyond = World::highest(world.visible());
                reader.at = At::Read;
                "asks again for the highest position"
            }
            At::Read => {
                let visible = reader.early_visible.take().unwrap_or(world.visible());
                let settled = reader.settled();
                reader.seen |= visible & up_to(settled) & !up_to(reader.after);
                reader.after = settled;
                reader.early_writers = None;
                reader.at = At::Begin;
                "reads what is settled"
            }
        };
        (Step { who: 0, what: step }, reader)
    }

    /// At a pause a flight may end: what is settled is read, and the next flight goes on.
    pub(super) fn interrupted(&self) -> Option<Self> {
        (self.at == At::Pause).then(|| Self { at: At::Read, ..self.clone() })
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn ask(&mut self, world: &World) -> &'static str {
        let question = self.proof.question();
        if question == Question::Highest && self.is(Mutation::WritersBeforeHighest) && self.early_writers.is_none() {
            self.early_writers = Some(world.holders());
            return "asks for writers, too early";
        }
        if question == Question::Writers && !self.waiting {
            if self.is(Mutation::WritersAfterRead) {
                self.waiting = true;
                self.early_visible = Some(world.visible());
                return "reads, too early";
            }
            if self.is(Mutation::WritersWithinRead) && self.early_visible.is_none() {
                self.early_visible = Some(world.visible());
                return "takes the snapshot of a statement";
            }
        }
        let answer = self.answer(question, world);
        let waited = question == Question::Writers;
        let before = self.proof.settled();
        let next = self.proof.answered(&answer);
        self.waiting |= waited;
        self.at = match next {
            Next::Ask => At::Ask,
            Next::Pause => At::Pause,
            Next::Done => At::Read,
        };
        let proved = waited && before < self.proof.settled();
        if proved && self.is(Mutation::HighestAgainAfterWriters) {
            self.at = At::HighestAgain;
        }
        // A statement that had to be repeated has a snapshot of its own.
        if self.is(Mutation::WritersWithinRead) && waited && !proved {
            self.early_visible = None;
        }
        match question {
            Question::Stored => "asks for what is stored",
            Question::Scan { .. } => "looks behind what is settled",
            Question::Highest => "asks for the highest position",
            Question::Writers => "asks for writers",
        }
    }

    fn answer(&mut self, question: Question, world: &World) -> Answer {
        let frozen = if self.is(Mutation::RepeatableRead) { self.early_visible } else { None };
        let visible = frozen.unwrap_or(world.visible());
        match question {
            Question::Stored => Answer::Stored(None),
            Question::Scan { after } => Answer::Scan(scan(visible, after)),
            Question::Highest if self.is(Mutation::HighestIsLastValue) => Answer::Highest(world.last_value()),
            Question::Highest => Answer::Highest(World::highest(visible)),
            Question::Writers => {
                Answer::Writers(self.early_writers.take().unwrap_or_else(|| self.understood(world.holders())))
            }
        }
    }

    fn understood(&self, mut holders: Vec<Writer>) -> Vec<Writer> {
        match self.mutation {
            Some(Mutation::NoWaiting) => holders.clear(),
            Some(Mutation::NoAdoption) => holders.iter_mut().for_each(|holder| holder.prepared = false),
            Some(Mutation::MemberIsProcess) => {
                holders.retain(|holder| !holder.prepared);
                for holder in &mut holders {
                    holder.transaction = Transaction { local: holder.transaction.local.min(1), ..holder.transaction };
                }
            }
            _ => {}
        }
        holders
    }
}

/// What `sql/frontier_scan.sql` answers.
fn scan(visible: Positions, after: u64) -> Scan {
    let mut dense = after;
    while visible & up_to(dense + 1) & !up_to(dense) != 0 {
        dense += 1;
    }
    Scan { dense, last: World::highest(visible).max(after), full: false }
}
