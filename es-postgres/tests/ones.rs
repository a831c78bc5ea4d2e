//! Batches of single events, which are stored by a statement that is silent about what does not fit.

use es_core::{
    recorded::{StreamId, StreamVersion},
    store::{Append, EventStore as _, Expected, StoreError},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;
use futures_util::future::join_all;

use crate::{
    group::{drawn, narrow, transactions},
    support::{append, as_runtime, asked_together, raw, stream},
};

fn of_type(stream_type: &str, id: &str) -> Append {
    let mut append = append(id, Expected::NoStream, 1);
    append.stream = StreamId::new(stream_type, id);
    append
}

pub(crate) async fn each_single_event_of_a_batch_has_its_own_outcome(database: Database) {
    let store = narrow(&database).await;
    let exact = |version| Expected::Exact(StreamVersion::new(version));
    for id in ["any", "exact", "stale", "taken", "exists", "archived"] {
        store.append(append(id, Expected::NoStream, 2)).await.expect("an append");
    }
    store.archive(stream("archived")).await.expect("it exists");
    let keyed = append("keyed", Expected::NoStream, 1).idempotency_key("k");
    let same = append("same", Expected::NoStream, 1);
    let named = append("named", Expected::Any, 1);
    for first in [&keyed, &same, &named] {
        store.append(first.clone()).await.expect("an append");
    }
    let mut connection = raw(&database).await;
    let (before, batches) = (drawn(&mut connection).await, transactions(&mut connection).await);
    let answers = join_all([
        store.append(append("alone", Expected::NoStream, 1)),
        store.append(append("any", Expected::Any, 1)),
        store.append(append("exact", exact(2), 1)),
        store.append(append("exists", Expected::StreamExists, 1)),
        store.append(append("stale", exact(1), 1)),
        store.append(append("taken", Expected::NoStream, 1)),
        store.append(append("missing", Expected::StreamExists, 1)),
        store.append(append("beyond", exact(7), 1)),
        store.append(append("keyed", Expected::Any, 1).idempotency_key("k")),
        store.append(same),
        store.append(named),
        store.append(append("archived", exact(2), 1)),
        store.append(of_type("a", "any")),
        store.append(of_type("z", "any")),
    ]);
    let answers = asked_together(&database, answers).await;
    let said = answers.into_iter().map(|answer| match answer {
        Ok(appended) => {
            format!("{}{}", appended.version(), if appended.replayed { " replayed" } else { "" })
        }
        Err(StoreError::Conflict(conflict)) => {
            format!("{} is at {}, not {}", conflict.stream, conflict.actual, conflict.expected)
        }
        Err(StoreError::Archived { stream }) => format!("{stream} is archived"),
        Err(other) => panic!("{other:?}"),
    });
    assert_eq!(
        said.collect::<Vec<_>>(),
        [
            "1",
            "3",
            "3",
            "3",
            "test/stale is at 2, not version 1",
            "test/taken is at 2, not no stream",
            "test/missing is at 0, not an existing stream",
            "test/beyond is at 0, not version 7",
            "1 replayed",
            "1 replayed",
            "1 replayed",
            "test/archived is archived",
            "1",
            "1",
        ]
    );
    assert_eq!(drawn(&mut connection).await, before + 6, "what does not fit draws no position");
    let transactions = transactions(&mut connection).await - batches;
    // The first may have gone alone.
    assert!(transactions <= 2, "they did not go together: {transactions}");
}

/// Two batches that write to the same streams in different orders would wait for each other.
pub(crate) async fn single_events_are_stored_in_the_order_of_their_streams_whatever_the_plan(database: Database) {
    narrow(&database).await;
    let off = [
        "-c%20enable_hashjoin%3Doff",
        "-c%20enable_hashjoin%3Doff%20-c%20enable_nestloop%3Doff",
        "-c%20enable_mergejoin%3Doff%20-c%20enable_nestloop%3Doff",
    ];
    for (number, options) in off.into_iter().enumerate() {
        let url = format!("{}%20{options}", as_runtime(database.url()));
        let config = PostgresConfig::new().max_connections(2);
        let store = PostgresStore::connect_with(&url, config).await.expect("the database is there");
        let ids = (0..60).map(|id| format!("s{number}-{}", id * 7 % 60));
        let appends: Vec<_> = ids.map(|id| store.append(append(&id, Expected::NoStream, 1))).collect();
        for appended in asked_together(&database, join_all(appends)).await {
            assert_eq!(appended.expect("an append").version(), 1);
        }
    }
    let mut connection = raw(&database).await;
    let unordered: i64 = sqlx::query_scalar(
        "select count(*) from (
             select position < lag(position) over (partition by xmin::text order by stream_id) as unordered from es.events
         ) as events where unordered",
    )
    .fetch_one(&mut connection)
    .await
    .expect("an order");
    assert_eq!(unordered, 0);
    assert!(transactions(&mut connection).await <= 6, "they went together");
}
