//! Several stores in one database, each in a schema of its own.

use std::time::Duration;

use es_core::{
    recorded::Position,
    store::{EventStore as _, Expected, ListStreams, Load, NewSnapshot},
};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::support::{append, open_schema, raw, read_all, stored, stream};

/// Each needs quotes, and neither may be taken for the other, for a part of it, or for a pattern.
const SCHEMAS: [&str; 2] = ["Books % \"es\" o'the $1", "books_% \"es\" O'the $1"];

async fn streams(store: &PostgresStore, list: ListStreams) -> Vec<String> {
    let listed: Vec<_> = store.streams(list).try_collect().await.expect("streams can be listed");
    listed.into_iter().map(|info| info.stream.id().to_owned()).collect()
}

pub(crate) async fn two_stores_in_one_database_do_not_see_each_other(database: Database) {
    let [one, other] = SCHEMAS;
    let (one, other) = (open_schema(&database, one).await, open_schema(&database, other).await);
    let placed = one.append(append("a", Expected::NoStream, 3)).await.expect("an append");
    assert_eq!(placed.position().get(), 3);
    let placed = other.append(append("a", Expected::NoStream, 1)).await.expect("the other's stream is empty");
    assert_eq!(placed.position().get(), 1, "positions are each store's own");
    other.append(append("b", Expected::NoStream, 1)).await.expect("an append");

    assert_eq!((stored(&one, "a").await.len(), stored(&other, "a").await.len()), (3, 1));
    assert_eq!((read_all(&one, Position::START).await.len(), read_all(&other, Position::START).await.len()), (3, 2));
    assert_eq!(streams(&one, ListStreams::all()).await, ["a"]);
    assert_eq!(streams(&other, ListStreams::all()).await, ["a", "b"]);

    let snapshot = NewSnapshot::new(stream("a"), 1.into(), 1.into(), "f", "{}".to_owned());
    other.save_snapshot(snapshot).await.expect("it is taken in");
    other.flush().await;
    let kept = |loaded: es_core::store::LoadedStream| loaded.snapshot.is_some();
    let request = Load::new(stream("a")).snapshot(Some("f"));
    assert!(kept(other.load(request.clone()).await.expect("a load")));
    assert!(!kept(one.load(request.clone()).await.expect("a load")));

    other.archive(stream("a")).await.expect("it exists");
    one.append(append("a", Expected::Any, 1)).await.expect("the one's stream is in use");
    assert!(other.append(append("a", Expected::Any, 1)).await.expect_err("it is archived").is_archived());
    assert_eq!(streams(&one, ListStreams::all().only_archived()).await, Vec::<String>::new());
    assert_eq!(streams(&other, ListStreams::all().only_archived()).await, ["a"]);

    let histories = (one.history().await.expect("it has one"), other.history().await.expect("it has one"));
    assert_ne!(histories.0, histories.1, "what was decided in one is not for the other");
}

pub(crate) async fn a_writer_in_one_store_does_not_hold_the_other(database: Database) {
    let [held, free] = SCHEMAS;
    let insert = format!(
        "insert into \"{}\".events (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
         values ('test', 'slow', 1, 'Tested', 1, gen_random_uuid(), '{{}}', '{{\"occurred_at\":\"2026-01-01T00:00:00Z\"}}')",
        held.replace('"', "\"\"")
    );
    let (held, free) = (open_schema(&database, held).await, open_schema(&database, free).await);
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    transaction.execute(AssertSqlSafe(insert)).await.expect("an event");
    // A hole in each: of the one the owner is open, of the other it has given up.
    held.append(append("a", Expected::Any, 1)).await.expect("an append");
    let bad = append("a", Expected::Any, 1).idempotency_key("k");
    free.append(bad.clone()).await.expect("an append");
    let burn =
        format!("select setval('\"{}\".events_position_seq', 5)", SCHEMAS[1].replace('"', "\"\"").replace('\'', "''"));
    raw(&database).await.execute(AssertSqlSafe(burn)).await.expect("positions are used up");
    free.append(append("b", Expected::Any, 1)).await.expect("an append");
    let read = read_all(&free, Position::START).await;
    assert_eq!(read.iter().map(|event| event.position.get()).collect::<Vec<_>>(), [1, 6]);
    let read = tokio::time::timeout(Duration::from_secs(20), read_all(&held, Position::START)).await;
    assert_eq!(read.expect("the read ends before the hole").len(), 0);
    transaction.rollback().await.expect("a rollback");
    assert_eq!(read_all(&held, Position::START).await.len(), 1);
}
