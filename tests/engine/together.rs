//! Several engines on one store: each shard has one owner, who hands it over or loses it.

use std::time::Duration;

use es_core::{
    engine::{EngineError, RunningEngine},
    prelude::*,
    projection::{Advance, EngineId, EngineInfo, ProjectionId, ShardId},
};

use super::{Contents, Diary, Filled, Log, engine, filled, fold_from_zero, happen, pot, rows};

async fn owners<S: ProjectionStore>(running: &RunningEngine<S>) -> Vec<String> {
    let status = running.status().await.expect("a status");
    let shards = status.projections.iter().flat_map(|projection| &projection.shards);
    shards.map(|shard| shard.state.owner.as_ref().map_or_else(String::new, |(_, label)| label.clone())).collect()
}

async fn until_owned<S: ProjectionStore>(running: &RunningEngine<S>, expected: &[(&str, usize)]) {
    loop {
        let owners = owners(running).await;
        if expected.iter().all(|(label, count)| owners.iter().filter(|owner| owner == label).count() == *count) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn shards_are_spread_evenly_and_handed_over<S: ProjectionStore>(store: &S) {
    let log = Log::default();
    let start = async |label: &str| {
        let definition = engine(store).label(label).projection(Diary(log.clone())).shards(4);
        definition.read_model::<Contents>().shards(2).start().await.expect("an engine")
    };
    let first = start("first").await;
    until_owned(&first, &[("first", 6)]).await;
    let second = start("second").await;
    until_owned(&first, &[("first", 3), ("second", 3)]).await;
    let mut last = Position::START;
    for round in 0..100 {
        last = happen(store, &pot(round % 10), [filled(1)]).await;
    }
    first.wait_for(last).await.expect("they come so far");
    second.wait_for(last).await.expect("they come so far");
    first.shutdown().await;
    until_owned(&second, &[("second", 6)]).await;
    for round in 0..100 {
        last = happen(store, &pot(round % 10), [filled(1)]).await;
    }
    second.wait_for(last).await.expect("they come so far");
    second.shutdown().await;
    for number in 0..10 {
        assert_eq!(log.of(&pot(number)), (1..=20).collect::<Vec<_>>());
    }
    assert_eq!(rows(store).await, fold_from_zero(store).await);
}

pub(crate) async fn who_knows_another_division_leaves_it_to_others<S: ProjectionStore>(store: &S) {
    let first = engine(store).label("first").read_model::<Contents>().start().await.expect("an engine");
    let mut last = Position::START;
    for number in 0..20 {
        last = happen(store, &pot(number), [filled(1)]).await;
    }
    first.wait_for(last).await.expect("it comes so far");
    first.controls().pause("pot_contents").await.expect("paused");
    until_owned(&first, &[("", 1)]).await;
    let divided = engine(store).label("second").read_model::<Contents>().shards(2);
    divided.prepare().await.expect("nobody has it");
    first.controls().resume("pot_contents").await.expect("resumed");
    for number in 0..20 {
        last = happen(store, &pot(number), [filled(2)]).await;
    }
    let second = divided.start().await.expect("an engine");
    second.wait_for(last).await.expect("it has all of it");
    assert_eq!(rows(store).await, fold_from_zero(store).await);
    first.shutdown().await;
    second.shutdown().await;
}

const CONTENTS: ProjectionId = ProjectionId { name: "pot_contents", version: 1 };

pub(crate) async fn a_job_leaves_shards_to_whoever_owns_them_and_waits_for_the_end<S: ProjectionStore>(store: &S) {
    let job = || engine(store).label("job").read_model::<Contents>().shards(2);
    job().prepare().await.expect("the tables");
    let mut last = Position::START;
    for number in 0..10 {
        last = happen(store, &pot(number), [filled(1)]).await;
    }
    let lease = Duration::from_mins(10);
    let owner = EngineInfo::new(EngineId::random(), "owner".to_owned(), vec![CONTENTS], lease);
    store.keep_alive(&owner, &[]).await.expect("it is alive");
    let shard = ShardId { projection: CONTENTS, shard: 0 };
    let claim = store.claim(&owner, shard).await.expect("an answer").expect("nobody has it");
    let running = tokio::spawn(job().run_to_frontier());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!running.is_finished(), "it waits for the owner");
    let history = store.history().await.expect("a history");
    let moved = store.advance(&claim, &Advance::new(Position::START, last, 0, history)).await;
    assert!(moved.expect("an answer"));
    running.await.expect("the task").expect("all have come to the end");
    assert_eq!(store.roster(&[CONTENTS]).await.expect("a roster").shards[1].position, last);
}

/// Takes its time.
#[derive(Projection, Debug)]
#[projection(name = "slow")]
struct Slow;

#[event_handler]
impl Slow {
    async fn filled(&self, _: &Filled) {
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

pub(crate) async fn a_job_keeps_what_it_has_and_nobody_counts_on_it<S: ProjectionStore>(store: &S) {
    happen(store, &pot(0), [filled(1), filled(2), filled(3), filled(4)]).await;
    let slow = ProjectionId { name: "slow", version: 1 };
    let job = || engine(store).lease(Duration::from_millis(600)).batch_size(1).projection(Slow);
    job().prepare().await.expect("the store knows it");
    let running = tokio::spawn(job().run_to_frontier());
    let mut looks = 0;
    while !running.is_finished() {
        let roster = store.roster(&[slow]).await.expect("a roster");
        assert!(roster.engines.iter().all(|(_, runs)| runs.is_empty()), "{roster:?}");
        looks += usize::from(!roster.engines.is_empty());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(looks > 0, "it did not say that it is alive");
    running.await.expect("the task").expect("the frontier");
}

pub(crate) async fn a_job_says_what_is_in_its_way<S: ProjectionStore>(store: &S) {
    let job =
        || engine(store).lease(Duration::from_millis(100)).read_model::<Contents>().projection(Diary(Log::default()));
    let controls = job().controls();
    job().prepare().await.expect("the tables");
    controls.pause("pot_contents").await.expect("paused");
    let last = happen(store, &pot(0), [filled(1)]).await;
    let answer = job().run_to_frontier().await.map_err(|error| error.to_string());
    let paused = "pot_contents v1, shard 0 is paused; have it go on with `Controls::resume(\"pot_contents\")`";
    assert_eq!(answer, Err(paused.to_owned()));
    controls.wait_for(last).projection("diary").await.expect("the others are run nevertheless");

    controls.resume("pot_contents").await.expect("resumed");
    let lease = Duration::from_mins(10);
    let owner = EngineInfo::new(EngineId::random(), "web-1".to_owned(), vec![CONTENTS], lease);
    store.claim(&owner, ShardId { projection: CONTENTS, shard: 0 }).await.expect("an answer").expect("nobody has it");
    let answer = job().run_to_frontier().await;
    let Err(error @ EngineError::Held { .. }) = answer else { panic!("{answer:?}") };
    let text = error.to_string();
    assert!(text.starts_with("pot_contents v1, shard 0 is owned by web-1, and stands at position 0 for "), "{text}");
    store.leave(owner.id).await.expect("it gives all back");
    job().run_to_frontier().await.expect("nobody is in its way");
    assert_eq!(rows(store).await, fold_from_zero(store).await);
}
