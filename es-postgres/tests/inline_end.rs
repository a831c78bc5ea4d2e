//! Read models whose rows changed with the appends, and are not to any more.

use es_core::{
    engine::ProjectionEngine,
    prelude::*,
    projection::{Activity, PrepareError, Rows},
    store::StoreError,
};
use es_postgres::PostgresStore;
use es_tests::database::Database;

use crate::stores::inline::{Pile, Place, V1, activity, carried, engine, request};

async fn owner(database: &Database) -> PostgresStore {
    let store = PostgresStore::connect(database.url()).await.expect("the database is there");
    store.migrate().await.expect("it can be migrated");
    store
}

fn plain(store: &PostgresStore) -> ProjectionEngine<PostgresStore> {
    ProjectionEngine::new(store).lease(std::time::Duration::from_millis(500)).read_model::<Pile>()
}

async fn carry(store: &PostgresStore, number: i64) -> Result<Position, StoreError> {
    let append = request("stone", Expected::Any, [carried(1, 2, number)]);
    store.append(append).await.map(|appended| appended.position())
}

async fn pile(store: &PostgresStore) -> Option<Pile> {
    store.read_model::<Pile>().get(&Place("place-2".to_owned())).await.expect("a row")
}

pub(crate) async fn who_registers_it_plainly_ends_it(database: Database) {
    let store = owner(&database).await;
    engine(&store).run_to_frontier().await.expect("the frontier");
    carry(&store, 1).await.expect("its row changes with it");
    assert_eq!(activity(&store, V1).await, Activity::Inline);

    let next = PostgresStore::connect(database.url()).await.expect("the database is there");
    carry(&next, 2).await.expect_err("it would not change the row");
    let running = plain(&next).start().await.expect("an engine");
    assert_eq!(activity(&store, V1).await, Activity::Running);
    let last = carry(&next, 3).await.expect("nothing is to change with it");
    running.wait_for(last).await.expect("it comes so far");
    running.shutdown().await;
    let mut expected = Rows::<Pile>::new();
    expected.catch_up(&next).await.expect("a fold");
    assert_eq!(pile(&next).await.as_ref(), expected.get(&Place("place-2".to_owned())));
    assert_eq!(pile(&next).await.map(|pile| pile.carried), Some(2));
}

pub(crate) async fn nobody_ends_what_an_engine_keeps_up(database: Database) {
    let store = owner(&database).await;
    let running = engine(&store).start().await.expect("an engine");
    while activity(&store, V1).await != Activity::Inline {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let next = PostgresStore::connect(database.url()).await.expect("the database is there");
    let answer = plain(&next).start().await.map(drop);
    assert!(matches!(answer, Err(PrepareError::StillInline { projection: V1 })), "{answer:?}");
    let told = plain(&next).controls().health().await;
    assert!(told.status_code() == 503 && told.to_string().contains("refused to this one"), "{told}");
    carry(&store, 1).await.expect("its row changes with it");
    assert_eq!((activity(&store, V1).await, pile(&store).await.map(|pile| pile.carried)), (Activity::Inline, Some(1)));

    // Paused, it may be run by the next program, which has it go on as soon as the other is gone.
    running.controls().pause("piles").await.expect("paused");
    let next_running = plain(&next).shards(1).start().await.expect("an engine");
    let last = carry(&next, 2).await.expect("nothing is to change with it");
    running.shutdown().await;
    next_running.controls().resume("piles").await.expect("resumed");
    next_running.wait_for(last).await.expect("it comes so far");
    assert_eq!((activity(&store, V1).await, pile(&store).await.map(|pile| pile.carried)), (Activity::Running, Some(2)));
    next_running.shutdown().await;
}
