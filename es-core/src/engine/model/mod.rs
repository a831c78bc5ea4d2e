//! Ownership, fence and checkpoint, tried in every order of events: engines that pause, die and come back, calls whose
//! answers are lost or that arrive late, a server that another takes over from, and a person who redrives.
//!
//! The runners are the engine's own (`runners.rs`), on a store that the explorer answers for (`script.rs`). The database
//! (`database.rs`) does what the contract of `ProjectionStore` says; `state.rs`, `calls.rs` and `surroundings.rs` have
//! everything that can happen. This file explores, and holds every state against the claims:
//!
//! - what handlers have made of a key's events, with those that are parked, are the key's events up to the checkpoint,
//!   each once, in their order;
//! - of one shard one transaction is open at the most, and who has lost a claim changes nothing;
//! - nobody is told of an event that is not in the store yet;
//! - from every state there is a way to the end, at which everything is applied.
//!
//! A [`Mutation`] is a way in which the contract or the engine could be wrong. Each has a test that it is found out.

mod calls;
mod database;
mod log;
mod pages;
mod runners;
mod scenes;
mod script;
mod state;
mod surroundings;

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
};

use self::{
    log::{Event, Key, Logs, OTHERS},
    runners::Runners,
    state::{Budget, Deed, Runner, State, Step},
};
use crate::projection::FailurePolicy;

/// What could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutation {
    /// The fence is the last statement of a transaction.
    FenceLast,
    /// The fence looks at the position, and not at who asks.
    ClaimNotCompared,
    /// The fence does not look at the epoch; or a claim keeps that of the one before it.
    EpochNotCompared,
    /// The fence does not look at the position. By itself it does no harm: it is there for engines that are wrong about it.
    PositionNotCompared,
    /// The fence does not look at the history.
    HistoryNotCompared,
    /// A shard can be claimed when its lease has run out, whether a transaction is open or not.
    LeaseAloneCounts,
    /// The checkpoint is moved by a statement of its own, before the transaction.
    CheckpointOutside,
    /// A commit whose answer is lost counts as failed.
    UncertainIsFailed,
    /// A commit whose answer is lost counts as done.
    UncertainIsDone,
    /// An owner does not ask which keys are parked.
    ParkedKeysForgotten,
    /// Parked events are tried again outside of the fence.
    RedriveUnfenced,
    /// Who has seen to a wish to try parked events again ends all that were made, and not just that one.
    WishIsAFlag,
    /// Who stops a shard keeps the claim, and may stop it once more.
    StopKeepsTheClaim,
}

/// Who takes part, and what may happen.
#[derive(Clone, Debug)]
struct Scene {
    name: &'static str,
    engines: u8,
    shards: u32,
    /// The keys of the events, in each history.
    logs: &'static [&'static [Key]],
    /// Up to where the histories have the same events.
    common: u8,
    /// How many events a page has.
    page: usize,
    policy: FailurePolicy,
    /// The event that its handler does not understand at first.
    poison: Option<Event>,
    deeds: &'static [Deed],
    budget: Budget,
}

/// A scene, and what is wrong in it.
#[derive(Debug)]
struct Rules {
    scene: Scene,
    logs: Arc<Logs>,
    mutations: &'static [Mutation],
}

impl Rules {
    fn is(&self, mutation: Mutation) -> bool {
        self.mutations.contains(&mutation)
    }
}

/// What the exploration found.
#[derive(Debug)]
struct Explored {
    states: usize,
    /// In how many ways the runners went.
    places: usize,
    /// What is wrong, and the way to it.
    counterexample: Option<(&'static str, Vec<Step>)>,
}

/// What is wrong in a state.
fn fault(state: &State, rules: &Rules, runners: &Runners) -> Option<&'static str> {
    let (database, logs) = (&state.database, &rules.logs);
    let stored = &database.stored;
    let of_keys = (0..OTHERS).find_map(|key| {
        let upto = stored.shards[logs.shard_of(key)].position;
        let expected = logs.of_key(stored.history, key, upto);
        let list = &stored.lists[usize::from(key)];
        let parked = stored.parked.iter().filter(|(of, _)| *of == key).map(|(_, at)| logs.at(stored.history, *at));
        let there: Vec<Event> = list.iter().copied().chain(parked).collect();
        if there == expected {
            return None;
        }
        let mut once = list.clone();
        once.sort_unstable();
        once.dedup();
        Some(match () {
            () if once.len() < list.len() => "an event is applied twice",
            () if once != *list => "the events of a key are applied in another order",
            () if expected.iter().any(|event| !there.contains(event)) => "an event is passed over",
            () => "what is applied is not what the checkpoint says",
        })
    });
    database.fault.or(of_keys).or_else(|| {
        told_early(state, rules, runners).then_some("somebody is told of an event that is not in the store")
    })
}

/// Whether a runner says that it has come further than the store knows, past events of its own.
fn told_early(state: &State, rules: &Rules, runners: &Runners) -> bool {
    let stored = &state.database.stored;
    let says_too_much = |(shard, runner): (usize, &Runner)| {
        let Runner::Runs { place, .. } = runner else { return false };
        let (reached, position) = (runners.reached(*place).unwrap_or_default(), stored.shards[shard].position);
        let ours = (0..OTHERS).filter(|key| rules.logs.shard_of(*key) == shard);
        ours.into_iter().any(|key| {
            let events = |upto| rules.logs.of_key(stored.history, key, upto).len();
            events(reached) > events(position)
        })
    };
    // What was said of a history that has ended may well not be there.
    stored.history == 0 && state.engines.iter().any(|engine| engine.runners.iter().enumerate().any(says_too_much))
}

/// Every state that can be reached, from the nearest on; so a counterexample is a short one. Nothing is known of a scene
/// that has more states than `most`.
fn explore(scene: &Scene, mutations: &'static [Mutation], most: usize) -> Explored {
    let logs = Arc::new(Logs::new(scene.logs, scene.common, scene.shards, scene.page));
    let mut runners = Runners::new(Arc::clone(&logs), scene.policy);
    let rules = Rules { scene: scene.clone(), logs, mutations };
    let mut found = HashMap::from([(State::new(&rules), 0)]);
    let mut open = VecDeque::from([(0, State::new(&rules))]);
    // By which step each state was reached, and from which; and from which others.
    let mut ways: Vec<(usize, Option<Step>)> = vec![(0, None)];
    let mut before: Vec<Vec<usize>> = vec![Vec::new()];
    let mut done = Vec::new();
    while let Some((number, state)) = open.pop_front() {
        if state.is_done(&rules) {
            done.push(number);
        }
        if ways.len() > most {
            return Explored { states: ways.len(), places: runners.places(), counterexample: None };
        }
        for (step, next) in state.next(&rules, &mut runners) {
            let fresh = ways.len();
            match found.entry(next) {
                Entry::Occupied(known) => before[*known.get()].push(number),
                Entry::Vacant(vacant) => {
                    let next = vacant.key().clone();
                    vacant.insert(fresh);
                    ways.push((number, Some(step)));
                    before.push(vec![number]);
                    if let Some(fault) = fault(&next, &rules, &runners) {
                        let counterexample = Some((fault, way(&ways, fresh)));
                        return Explored { states: fresh, places: runners.places(), counterexample };
                    }
                    open.push_back((fresh, next));
                }
            }
        }
    }
    let stuck = first_without_an_end(&before, done);
    let counterexample = stuck.map(|stuck| ("there is no way to the end any more", way(&ways, stuck)));
    Explored { states: ways.len(), places: runners.places(), counterexample }
}

/// The nearest state from which none of those can be reached.
fn first_without_an_end(before: &[Vec<usize>], mut ends: Vec<usize>) -> Option<usize> {
    let mut leads_there = vec![false; before.len()];
    while let Some(state) = ends.pop() {
        if !std::mem::replace(&mut leads_there[state], true) {
            ends.extend(before[state].iter().filter(|earlier| !leads_there[**earlier]));
        }
    }
    leads_there.iter().position(|leads| !leads)
}

fn way(ways: &[(usize, Option<Step>)], mut at: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    while let (before, Some(step)) = &ways[at] {
        steps.push(step.clone());
        at = *before;
    }
    steps.reverse();
    steps
}
