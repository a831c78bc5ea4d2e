//! Replay by the macros' code and by hand-written code, in turn.

use std::{
    fmt::Debug,
    fs,
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use es_core::{Aggregate, EventSet, Metadata, prelude::DateTime};

use crate::{domain, figures};

/// An event as a store hands it out.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its JSON.
    pub payload: Vec<u8>,
}

/// One way of replay: how an event is decoded, and how it changes the state.
#[derive(Clone, Copy, Debug)]
pub struct Way<D, F> {
    /// The event from its stored form.
    pub decode: D,
    /// The change of the state.
    pub fold: F,
}

/// Compares the replay of an aggregate by the macros' code with that by hand, and prints two rows of a table.
///
/// # Panics
/// When the two come to different states.
pub fn compare<A, S, E>(rounds: u32, count: u32, by_hand: &Way<impl Fn(&Stored) -> E, impl Fn(&mut S, E)>)
where
    A: Aggregate + Debug,
    S: Default + Debug,
{
    let metadata = Metadata::at(DateTime::UNIX_EPOCH);
    let by_macros = Way {
        decode: |stored: &Stored| {
            let decoded = A::Event::decode(&stored.name, stored.version, &stored.payload);
            decoded.expect("it is an event of the set").expect("it is not retired")
        },
        fold: |state: &mut A, event| state.fold(event, &metadata),
    };
    let stored = stored::<A::Event>(count);
    let (mut whole, mut folds) = (Pairs::default(), Pairs::default());
    for round in 0..rounds {
        let ours = || timed(|| by_macros.replay(A::initial(), &stored));
        let theirs = || timed(|| by_hand.replay(S::default(), &stored));
        whole.add(round, ours, theirs);
        let ours = || by_macros.fold_alone(A::initial(), &stored);
        let theirs = || by_hand.fold_alone(S::default(), &stored);
        folds.add(round, ours, theirs);
    }
    let events = A::Event::SCHEMAS.len();
    whole.print(&format!("decode and fold, {events} kinds of event"), count);
    folds.print(&format!("fold alone, {events} kinds of event"), count);
}

/// Events of all kinds, in an order that a processor cannot foresee.
fn stored<Set: EventSet>(count: u32) -> Vec<Stored> {
    let kinds = Set::SCHEMAS.len() as u64;
    let mut random: u64 = 1;
    let events = (0..u64::from(count)).map(|reference| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let kind = usize::try_from((random >> 33) % kinds).expect("there are few kinds");
        let schema = Set::SCHEMAS[kind];
        Stored { name: schema.name.to_owned(), version: schema.version, payload: domain::payload(reference) }
    });
    events.collect()
}

impl<D, F> Way<D, F> {
    #[inline(never)]
    fn replay<S, E>(&self, mut state: S, stored: &[Stored]) -> S
    where
        D: Fn(&Stored) -> E,
        F: Fn(&mut S, E),
    {
        for stored in stored {
            (self.fold)(&mut state, (self.decode)(stored));
        }
        state
    }

    /// The time that goes into the fold; each event is decoded before.
    fn fold_alone<S, E>(&self, state: S, stored: &[Stored]) -> (Cost, S)
    where
        D: Fn(&Stored) -> E,
        F: Fn(&mut S, E),
    {
        let events: Vec<E> = stored.iter().map(&self.decode).collect();
        timed(|| self.fold_all(state, events))
    }

    #[inline(never)]
    fn fold_all<S, E>(&self, mut state: S, events: Vec<E>) -> S
    where
        F: Fn(&mut S, E),
    {
        for event in events {
            (self.fold)(&mut state, event);
        }
        state
    }
}

/// What a run cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

fn timed<S>(run: impl FnOnce() -> S) -> (Cost, S) {
    let (cpu, start) = (cpu_time(), Instant::now());
    let state = black_box(run());
    let wall = start.elapsed();
    (Cost { wall, cpu: cpu_time().saturating_sub(cpu) }, state)
}

/// The time that this thread had a processor. Linux tells it; elsewhere it is nought.
///
/// Linux counts it at each tick and each switch only; giving way makes it count now.
fn cpu_time() -> Duration {
    thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// The costs of both ways, round by round.
#[derive(Debug, Default)]
struct Pairs(Vec<(Cost, Cost)>);

impl Pairs {
    /// Runs both, in each second round the other way round: what comes first may find the machine in another state.
    fn add<A: Debug, S: Debug>(
        &mut self,
        round: u32,
        ours: impl FnOnce() -> (Cost, A),
        theirs: impl FnOnce() -> (Cost, S),
    ) {
        let (ours, theirs) = if round.is_multiple_of(2) {
            let ours = ours();
            (ours, theirs())
        } else {
            let theirs = theirs();
            (ours(), theirs)
        };
        assert_eq!(format!("{:?}", ours.1), format!("{:?}", theirs.1), "both come to the same state");
        self.0.push((ours.0, theirs.0));
    }

    fn print(&self, what: &str, count: u32) {
        let each = |figure: fn(&(Cost, Cost)) -> f64| self.0.iter().map(figure).collect::<Vec<_>>();
        let per_event = |figure: fn(&(Cost, Cost)) -> f64| {
            let values = each(figure).into_iter().map(|seconds| seconds * 1e9 / f64::from(count));
            figures::spread(values.collect(), 1)
        };
        println!(
            "| {what} | {} | {} | {} | {} |",
            per_event(|(ours, _)| ours.cpu.as_secs_f64()),
            per_event(|(_, theirs)| theirs.cpu.as_secs_f64()),
            figures::spread(each(|(ours, theirs)| ours.cpu.as_secs_f64() / theirs.cpu.as_secs_f64()), 2),
            figures::spread(each(|(ours, theirs)| ours.wall.as_secs_f64() / theirs.wall.as_secs_f64()), 2),
        );
    }
}
