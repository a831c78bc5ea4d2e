//! Several engines on one store: each shard has one owner, who hands it over or loses it.

use std::time::Duration;

use es_core::{engine::RunningEngine, prelude::*};

use super::{Contents, Diary, Log, engine, filled, fold_from_zero, happen, pot, rows};

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
