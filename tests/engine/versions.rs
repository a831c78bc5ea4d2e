//! A new version of a read model is built beside the old one, and takes over when it has come as far.

use std::time::Duration;

use es_core::{
    engine::{ProjectionEngine, WaitError},
    prelude::*,
    projection::{ProjectionId, Rows},
    store::StoreError,
};

use super::{Contents, Emptied, Filled, PotId, engine, filled, happen, pot};

/// The next version: it keeps what went through, and remembers emptied pots.
#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "pot_contents", version = 2)]
pub(crate) struct ContentsV2 {
    #[read_model(key)]
    pub(crate) id: PotId,
    pub(crate) amount: i64,
    pub(crate) throughput: i64,
}

#[event_handler]
impl ContentsV2 {
    fn filled(&mut self, event: &Filled) {
        self.amount += event.amount;
        self.throughput += event.amount;
    }

    fn emptied(&mut self, _: &Emptied) {
        self.amount = 0;
    }
}

fn old<S: ProjectionStore>(store: &S) -> ProjectionEngine<S> {
    engine(store).read_model::<Contents>()
}

fn new<S: ProjectionStore>(store: &S) -> ProjectionEngine<S> {
    engine(store).read_model::<ContentsV2>()
}

async fn active<S: ProjectionStore>(store: &S) -> u32 {
    let roster = store.roster(&[ProjectionId { name: "pot_contents", version: 2 }]).await.expect("a roster");
    roster.active.iter().find(|id| id.name == "pot_contents").map_or(0, |id| id.version)
}

pub(crate) async fn a_new_version_takes_over_when_it_is_complete<S: ProjectionStore>(store: &S) {
    for number in 0..50 {
        happen(store, &pot(number % 7), [filled(1)]).await;
    }
    old(store).run_to_frontier().await.expect("the frontier");
    // Prepared, nothing changes for readers.
    new(store).prepare().await.expect("the tables");
    assert_eq!(active(store).await, 1);
    assert_eq!(store.read_model::<Contents>().all().await.expect("rows").len(), 7);
    let first = old(store).start().await.expect("an engine");
    let second = new(store).start().await.expect("an engine");
    while active(store).await < 2 {
        let last = happen(store, &pot(0), [filled(1)]).await;
        first.wait_for(last).timeout(Duration::from_secs(20)).await.expect("who is active comes so far");
    }
    let last = happen(store, &pot(8), [filled(1)]).await;
    second.wait_for(last).await.expect("it comes so far");
    let mut expected = Rows::<ContentsV2>::new();
    expected.catch_up(store).await.expect("a fold");
    let rows = store.read_model::<ContentsV2>().all().await.expect("rows");
    assert_eq!(rows.len(), 8);
    for row in rows {
        assert_eq!(expected.get(&row.id), Some(&row));
    }
    // A program that knows only the old version waits for the one that readers see.
    let last = happen(store, &pot(8), [filled(1)]).await;
    old(store).controls().wait_for(last).await.expect("it comes so far");
    assert_eq!(store.read_model::<ContentsV2>().get(&pot(8)).await.expect("a row").map(|row| row.amount), Some(2));
    // Whoever runs the old version goes on, and changes nothing for readers; dropped, it ends.
    old(store).prepare().await.expect("it is there still");
    assert_eq!(active(store).await, 2);
    second.controls().drop_older("pot_contents").await.expect("dropped");
    old(store).prepare().await.expect("it is not made anew");
    let ids = [ProjectionId { name: "pot_contents", version: 1 }, ProjectionId { name: "pot_contents", version: 2 }];
    let roster = store.roster(&ids).await.expect("a roster");
    assert!(roster.shards.iter().all(|state| state.shard.projection.version == 2), "{roster:?}");
    first.shutdown().await;
    second.shutdown().await;
    assert_eq!(active(store).await, 2);
}

pub(crate) async fn a_job_makes_a_new_version_the_active_one<S: ProjectionStore>(store: &S) {
    happen(store, &pot(1), [filled(1), filled(2)]).await;
    old(store).run_to_frontier().await.expect("the frontier");
    new(store).run_to_frontier().await.expect("the frontier");
    assert_eq!(active(store).await, 2);
    let row = store.read_model::<ContentsV2>().get(&pot(1)).await.expect("a row");
    assert_eq!(row, Some(ContentsV2 { id: pot(1), amount: 3, throughput: 3 }));
    // Who knows only the old version waits for what readers see.
    let last = happen(store, &pot(1), [filled(4)]).await;
    let waiting = old(store).controls().wait_for(last).timeout(Duration::from_millis(30));
    assert!(matches!(waiting.await, Err(WaitError::TimedOut { .. })));
    // An older binary does not switch back.
    old(store).run_to_frontier().await.expect("the frontier");
    assert_eq!(active(store).await, 2);
}

pub(crate) async fn whoever_reads_another_version_is_told_which<S: ProjectionStore>(store: &S) {
    happen(store, &pot(1), [filled(1), filled(2)]).await;
    old(store).run_to_frontier().await.expect("the frontier");
    new(store).prepare().await.expect("the tables");
    let (one, all) =
        (store.read_model::<ContentsV2>().get(&pot(1)).await, store.read_model::<ContentsV2>().all().await);
    for error in [one.expect_err("v1 has no such column"), all.expect_err("v1 has no such column")] {
        let StoreError::OtherVersion { read_model: "pot_contents", wanted: 2, active: 1, .. } = error else {
            panic!("{error:?}")
        };
        assert!(error.to_string().contains("readers see version 1 until the newer one is complete"), "{error}");
    }
    // What fits is read, whichever version it is of.
    assert_eq!(store.read_model::<Amounts>().get(&pot(1)).await.expect("a row").map(|row| row.amount), Some(3));

    new(store).run_to_frontier().await.expect("the frontier");
    let error = store.read_model::<Contents>().get(&pot(1)).await.expect_err("v2 has no such column");
    assert!(matches!(error, StoreError::OtherVersion { wanted: 1, active: 2, .. }), "{error:?}");
    assert!(
        error.to_string().ends_with("since it has taken over: read it with a program that has that version"),
        "{error}"
    );
    assert_eq!(store.read_model::<Amounts>().get(&pot(1)).await.expect("a row").map(|row| row.amount), Some(3));
}

/// What all versions have.
#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "pot_contents", version = 3)]
struct Amounts {
    #[read_model(key)]
    id: PotId,
    amount: i64,
}

#[event_handler]
impl Amounts {
    fn filled(&mut self, event: &Filled) {
        self.amount += event.amount;
    }
}
