//! Which history a store has, and what was decided in another.

use es_core::store::{EventStore as _, Expected, Load, NewSnapshot, StoreError};
use es_tests::database::Database;
use sqlx::Executor as _;

use crate::support::{append, open, raw, stored, stream};

pub(crate) async fn tables_made_anew_are_another_history(database: Database) {
    let store = open(&database).await;
    let known = store.history().await.expect("a store knows its history");
    assert_eq!(open(&database).await.history().await.expect("a store knows its history"), known, "the same for all");
    store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    let loaded = store.load(Load::new(stream("a"))).await.expect("a load");

    // What a restore does, or a standby that takes over: other events at the same versions, and new connections.
    let mut other = raw(&database).await;
    other.execute("drop schema es cascade").await.expect("the schema is dropped");
    let again = open(&database).await;
    again.append(append("a", Expected::NoStream, 1)).await.expect("another event at the same version");
    other
        .execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .await
        .expect("connections can be ended");

    let found = store.history().await.expect("a store knows its history");
    let stale = append("a", Expected::Exact(1.into()), 1).decided_in(loaded.history);
    let refused = store.append(stale).await.expect_err("it was decided upon an event that is gone");
    let StoreError::HistoryDiverged(diverged) = refused else { panic!("{refused:?}") };
    assert_eq!(diverged.known, known);
    assert_eq!(diverged.found, found);
    assert_eq!(again.history().await.expect("a store knows its history"), found);
    assert_eq!(stored(&store, "a").await.len(), 1, "nothing was stored");
}

pub(crate) async fn a_snapshot_of_events_that_are_gone_is_not_written(database: Database) {
    let store = open(&database).await;
    let known = store.history().await.expect("a store knows its history");
    let gone = store.append(append("a", Expected::NoStream, 10)).await.expect("an append");
    // It waits to be written while the server comes back without the events.
    let mut other = raw(&database).await;
    other.execute("drop schema es cascade").await.expect("the schema is dropped");
    let again = open(&database).await;
    again.append(append("a", Expected::NoStream, 8)).await.expect("other events");
    other
        .execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .await
        .expect("connections can be ended");
    let snapshot = NewSnapshot::new(stream("a"), gone.version(), gone.position(), "f", "{}".to_owned());
    store.save_snapshot(snapshot.of_history(known)).await.expect("it is taken in");
    store.flush().await;
    assert_eq!(again.kept_snapshot(stream("a")).await.expect("a look"), None);
    assert_eq!(again.load(Load::new(stream("a")).snapshot(Some("f"))).await.expect("a load").events.len(), 8);
}
