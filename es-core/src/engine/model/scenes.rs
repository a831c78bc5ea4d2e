//! Who takes part, and the tests.

use super::{
    Budget, Deed, Explored, Mutation, Scene, explore,
    log::{Event, OTHERS},
};
use crate::projection::FailurePolicy;

const NOTHING: Budget = Budget { faults: 0, pauses: 0, deaths: 0, failovers: 0 };

const PLAIN: Scene = Scene {
    name: "",
    engines: 2,
    shards: 1,
    logs: &[&[0, 0, 1]],
    common: 0,
    page: 2,
    policy: FailurePolicy::Stop,
    poison: None,
    deeds: &[],
    budget: NOTHING,
};

const POISON: Scene = Scene {
    logs: &[&[0, 0, 1]],
    page: 3,
    policy: FailurePolicy::DeadLetter,
    poison: Some(Event(1)),
    deeds: &[Deed::Redrive, Deed::Mend, Deed::Redrive],
    ..PLAIN
};

/// Scenes that between them have everything, the small ones first.
fn scenes() -> Vec<Scene> {
    vec![
        Scene { name: "two answers that are lost", budget: Budget { faults: 2, ..NOTHING }, ..PLAIN },
        Scene { name: "a wish while an earlier one is seen to", engines: 1, logs: &[&[0]], ..POISON },
        Scene {
            name: "an event at which it stops",
            logs: &[&[0, 0]],
            policy: FailurePolicy::Stop,
            deeds: &[Deed::Mend, Deed::Resume],
            budget: Budget { faults: 1, deaths: 1, ..NOTHING },
            ..POISON
        },
        Scene {
            name: "another server takes over while there is nothing to take in",
            logs: &[&[OTHERS], &[0, 0]],
            budget: Budget { faults: 1, failovers: 1, ..NOTHING },
            ..PLAIN
        },
        Scene {
            name: "another server takes over",
            logs: &[&[0, 0, 1], &[0, 1, 0]],
            common: 1,
            page: 3,
            budget: Budget { faults: 1, failovers: 1, ..NOTHING },
            ..PLAIN
        },
        Scene {
            name: "another server takes over while parked events are tried again",
            logs: &[&[0, 0], &[0, 0]],
            common: 2,
            deeds: &[Deed::Mend, Deed::Redrive],
            budget: Budget { failovers: 1, ..NOTHING },
            ..POISON
        },
        Scene {
            name: "an event that is parked, and tried again by an owner that loses an answer",
            budget: Budget { faults: 1, ..NOTHING },
            ..POISON
        },
        Scene { name: "two shards", shards: 2, logs: &[&[0, 1]], budget: Budget { pauses: 1, ..NOTHING }, ..PLAIN },
        Scene {
            name: "an owner that pauses, dies, and loses answers",
            logs: &[&[0, 0]],
            page: 1,
            budget: Budget { faults: 1, pauses: 1, deaths: 1, ..NOTHING },
            ..PLAIN
        },
        Scene {
            name: "three engines, two of them pause",
            engines: 3,
            logs: &[&[0]],
            budget: Budget { pauses: 2, ..NOTHING },
            ..PLAIN
        },
        Scene {
            name: "an event that is parked, and tried again by owners that pause",
            logs: &[&[0, 0]],
            page: 1,
            deeds: &[Deed::Mend, Deed::Redrive],
            budget: Budget { pauses: 1, ..NOTHING },
            ..POISON
        },
    ]
}

#[test]
fn no_order_of_events_loses_one_or_applies_it_twice() {
    let mut total = 0;
    for scene in scenes() {
        let Explored { states, places, counterexample } = explore(&scene, &[], usize::MAX);
        assert!(counterexample.is_none(), "{}: {counterexample:#?}", scene.name);
        println!("{}: {states} states, {places} ways of a runner", scene.name);
        total += states;
    }
    assert!(total > 20_000, "{total} states are too few: the model does not move");
}

/// An engine that is right asks for a position only where it is; one that is wrong about it is refused.
#[test]
fn a_lost_answer_taken_for_a_failure_is_held_by_the_position() {
    for mutations in [&[Mutation::UncertainIsFailed], &[Mutation::PositionNotCompared]] {
        for scene in scenes().into_iter().filter(|scene| scene.budget.faults > 1) {
            let found = explore(&scene, mutations, usize::MAX).counterexample;
            assert!(found.is_none(), "{mutations:?}, {}: {found:#?}", scene.name);
        }
    }
}

/// Where something is wrong an engine may go on for ever; what is wrong shows sooner.
const MOST: usize = 10_000;

/// The shortest way to a fault.
fn counterexample(mutations: &'static [Mutation]) -> Option<(&'static str, Explored)> {
    scenes()
        .into_iter()
        .map(|scene| (scene.name, explore(&scene, mutations, MOST)))
        .find(|(_, it)| it.counterexample.is_some())
}

macro_rules! each_is_found_out {
    ($($test:ident: $($mutation:ident)&+,)+) => {$(
        #[test]
        fn $test() {
            let mutations = &[$(Mutation::$mutation),+];
            let Some((scene, found)) = counterexample(mutations) else { panic!("{mutations:?} is not found out") };
            println!("{mutations:?}, {scene}: {found:#?}");
        }
    )+};
}

each_is_found_out! {
    the_fence_as_the_last_statement: FenceLast,
    a_fence_that_does_not_look_at_who_asks: ClaimNotCompared,
    a_fence_that_does_not_look_at_the_epoch: EpochNotCompared,
    a_fence_that_does_not_look_at_the_history: HistoryNotCompared,
    a_claim_past_an_open_transaction: LeaseAloneCounts,
    a_checkpoint_outside_of_the_transaction: CheckpointOutside,
    a_lost_answer_taken_for_a_failure_and_no_look_at_the_position: UncertainIsFailed & PositionNotCompared,
    a_lost_answer_taken_for_a_success: UncertainIsDone,
    an_owner_that_does_not_know_what_is_parked: ParkedKeysForgotten,
    parked_events_tried_again_outside_of_the_fence: RedriveUnfenced,
    a_wish_that_is_ended_with_an_earlier_one: WishIsAFlag,
    a_shard_that_is_stopped_once_more_by_who_was_not_answered: StopKeepsTheClaim,
}
