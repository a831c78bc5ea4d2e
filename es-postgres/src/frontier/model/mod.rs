//! The protocol, tried in every order of events: all that two or three writers can do, one reader, and a database that may
//! crash. The reader runs `proof.rs` itself.
//!
//! `world.rs` is the database, as PostgreSQL does it: positions are drawn before the commit, a commit is visible a moment
//! before its locks are let go. `reader.rs` asks and reads. This file explores, and holds every state against the claim:
//!
//! - what the reader takes for settled never changes afterwards, and no event behind its back becomes visible;
//! - what is settled only grows;
//! - when all writers have ended, the reader soon has every event.
//!
//! A [`Mutation`] is a way in which the protocol could be wrong. Each has a test that it is found out; otherwise the model
//! would prove nothing.

mod reader;
mod world;

use std::{
    collections::{HashSet, VecDeque},
    fmt,
};

use self::{
    reader::Reader,
    world::{Plan, World},
};

/// What could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mutation {
    /// Writers are asked for before the highest position.
    WritersBeforeHighest,
    /// The events are read before writers are asked for, and handed out when all have ended.
    WritersAfterRead,
    /// The events are read by the statement that asks for writers: its snapshot is older than the locks that it sees.
    WritersWithinRead,
    /// The last value of the sequence is taken for the highest visible position.
    HighestIsLastValue,
    /// The highest position is asked for again when all writers have ended.
    HighestAgainAfterWriters,
    /// A writer is known by its process.
    MemberIsProcess,
    /// Prepared transactions do not take the place of members that are gone.
    NoAdoption,
    /// All statements of a flight share a snapshot.
    RepeatableRead,
    /// Nobody waits for writers.
    NoWaiting,
    /// Processes draw positions in advance.
    Cache,
    /// A position is drawn before the lock that is watched is taken.
    DrawBeforeLock,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    world: World,
    reader: Reader,
}

/// Who did what. Writers are numbered from 1.
#[derive(Clone, Copy)]
struct Step {
    who: usize,
    what: &'static str,
}

impl fmt::Debug for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.who {
            0 => write!(formatter, "the reader {}", self.what),
            SERVER => write!(formatter, "the server {}", self.what),
            number => write!(formatter, "writer {number} {}", self.what),
        }
    }
}

const SERVER: usize = usize::MAX;

/// What the exploration found.
#[derive(Debug)]
struct Explored {
    states: usize,
    /// What is wrong, and the way to it.
    counterexample: Option<(&'static str, Vec<Step>)>,
}

impl State {
    fn new(plans: &[Plan], mutation: Option<Mutation>) -> Self {
        Self { world: World::new(plans, mutation), reader: Reader::new(mutation) }
    }

    fn next(&self) -> Vec<(Step, Self)> {
        let of_world =
            self.world.next().into_iter().map(|(step, world)| (step, Self { world, reader: self.reader.clone() }));
        let (step, reader) = self.reader.next(&self.world);
        let of_reader = [(step, Self { world: self.world.clone(), reader })];
        // A caller may have enough of waiting, at any pause. An answer that is lost changes nothing, and is no step.
        let gives_up = self
            .reader
            .interrupted()
            .map(|reader| (Step { who: 0, what: "gives up waiting" }, Self { world: self.world.clone(), reader }));
        of_world.chain(of_reader).chain(gives_up).collect()
    }

    fn fault(&self) -> Option<&'static str> {
        if self.world.may_fill_up_to(self.reader.settled()) {
            return Some("a position that counts as settled may still be filled");
        }
        if self.has_missed(&self.reader) {
            return Some("the reader has passed an event that it never saw");
        }
        self.world.all_ended().then(|| self.fault_at_the_end()).flatten()
    }

    fn has_missed(&self, reader: &Reader) -> bool {
        self.world.visible() & !reader.seen() & up_to(reader.after()) != 0
    }

    /// From here on only the reader moves; it must come to have all events.
    fn fault_at_the_end(&self) -> Option<&'static str> {
        const STEPS: usize = 40;
        let mut reader = self.reader.clone();
        for _ in 0..STEPS {
            if self.has_missed(&reader) {
                return Some("the reader is about to pass an event that it never saw");
            }
            if reader.seen() == self.world.visible() {
                return None;
            }
            reader = reader.next(&self.world).1;
        }
        Some("all writers have ended, and the reader does not get on")
    }
}

/// A set of positions, one bit each; the first is bit 1.
type Positions = u16;

fn up_to(position: u64) -> Positions {
    Positions::try_from((2_u64 << position) - 2).unwrap_or(Positions::MAX)
}

/// Every state that can be reached, from the nearest on; so a counterexample is a short one.
fn explore(plans: &[Plan], mutation: Option<Mutation>) -> Explored {
    let begin = State::new(plans, mutation);
    let mut found = HashSet::from([begin.clone()]);
    let mut open = VecDeque::from([(0, begin)]);
    // By which step each state was reached, and from which.
    let mut ways = vec![(0, Step { who: 0, what: "" })];
    while let Some((number, state)) = open.pop_front() {
        for (step, next) in state.next() {
            let shrunk = next.reader.settled() < state.reader.settled();
            let fresh = found.insert(next.clone());
            let fault = if shrunk { Some("what is settled has shrunk") } else { fresh.then(|| next.fault()).flatten() };
            if let Some(fault) = fault {
                return Explored { states: found.len(), counterexample: Some((fault, way(&ways, number, step))) };
            }
            if fresh {
                open.push_back((ways.len(), next));
                ways.push((number, step));
            }
        }
    }
    Explored { states: found.len(), counterexample: None }
}

fn way(ways: &[(usize, Step)], mut at: usize, last: Step) -> Vec<Step> {
    let mut steps = vec![last];
    while at != 0 {
        steps.push(ways[at].1);
        at = ways[at].0;
    }
    steps.reverse();
    steps
}

/// Writers that between them do all that writers can do.
fn scenes() -> Vec<(&'static str, Vec<Plan>)> {
    let all = Plan { positions: 2, prepares: true, crashes: true };
    let one = Plan { positions: 1, prepares: true, crashes: true };
    let plain = Plan { positions: 1, prepares: false, crashes: false };
    let two = Plan { positions: 2, ..plain };
    vec![
        ("two writers that can do everything", vec![all, all]),
        ("three writers of one event, two of them plain", vec![one, plain, plain]),
        ("three writers of one and two events", vec![two, plain, plain]),
    ]
}

#[test]
fn no_order_of_events_makes_the_reader_miss_one() {
    let mut total = 0;
    for (scene, plans) in scenes() {
        let explored = explore(&plans, None);
        assert!(explored.counterexample.is_none(), "{scene}: {:#?}", explored.counterexample);
        println!("{scene}: {} states", explored.states);
        total += explored.states;
    }
    assert!(total > 10_000, "{total} states are too few: the model does not move");
}

macro_rules! each_is_found_out {
    ($($test:ident: $mutation:ident,)+) => {$(
        #[test]
        fn $test() {
            let counterexample = scenes().into_iter().find_map(|(scene, plans)| {
                let explored = explore(&plans, Some(Mutation::$mutation));
                explored.counterexample.map(|found| (scene, explored.states, found))
            });
            let Some((scene, states, (fault, way))) = counterexample else {
                panic!("{:?} is not found out", Mutation::$mutation)
            };
            println!("{:?}, {scene}, {states} states: {fault}: {way:#?}", Mutation::$mutation);
        }
    )+};
}

each_is_found_out! {
    writers_asked_for_before_the_highest_position: WritersBeforeHighest,
    writers_asked_for_after_the_events_were_read: WritersAfterRead,
    writers_asked_for_by_the_statement_that_reads: WritersWithinRead,
    the_last_value_of_the_sequence: HighestIsLastValue,
    the_highest_position_asked_for_again: HighestAgainAfterWriters,
    members_known_by_their_process: MemberIsProcess,
    prepared_transactions_not_adopted: NoAdoption,
    one_snapshot_for_all: RepeatableRead,
    nobody_waits: NoWaiting,
    positions_drawn_in_advance: Cache,
    a_position_drawn_before_the_lock: DrawBeforeLock,
}
