//! Appends to one stream that expect no version: many go together, one behind the other.

use std::time::Duration;

use crate::{
    group::{assert_in_order, narrow, transactions},
    support::{append, asked_together, count, insert, open_with, raw, stored, stream},
};
use es_core::{
    event::EventSchema,
    recorded::{Metadata, StreamVersion},
    store::{Append, Appended, EventStore as _, Expected, NewEvent, StoreError},
};
use es_tests::database::Database;
use futures_util::future::{join_all, poll_immediate};
use sqlx::Connection as _;
use tokio::time::sleep;

fn exact(version: u64) -> Expected {
    Expected::Exact(StreamVersion::new(version))
}

fn bad(id: &str) -> Append {
    let event = NewEvent::new(EventSchema::new("Tested", 1), "{no json".to_owned(), Metadata::at(chrono::Utc::now()));
    Append::new(stream(id), Expected::Any, vec![event])
}

fn said(answer: &Result<Appended, StoreError>) -> String {
    match answer {
        Ok(appended) => {
            let versions = appended.events.iter().map(|placed| placed.version.get());
            format!("{:?}{}", versions.collect::<Vec<_>>(), if appended.replayed { " replayed" } else { "" })
        }
        Err(StoreError::Conflict(conflict)) => format!("{} is at {}", conflict.stream, conflict.actual),
        Err(StoreError::Backend { .. }) => "refused".to_owned(),
        Err(other) => panic!("{other:?}"),
    }
}

pub(crate) async fn callers_that_expect_no_version_share_statements_on_one_stream(database: Database) {
    let store = narrow(&database).await;
    let before = transactions(&mut raw(&database).await).await;
    let appends = (0..100).map(|number| store.append(append("hot", Expected::Any, 1 + number % 3)));
    let mut version = 0;
    for (number, answer) in asked_together(&database, join_all(appends)).await.into_iter().enumerate() {
        let appended = answer.expect("nothing stands against it");
        assert_eq!(appended.events[0].version, version + 1, "in the order in which they came");
        version += 1 + number as u64 % 3;
        assert_eq!(appended.version(), version);
    }
    let mut connection = raw(&database).await;
    let transactions = transactions(&mut connection).await - before;
    assert!(transactions <= 4, "100 appends to one stream took {transactions} statements");
    assert_in_order(&mut connection).await;
}

pub(crate) async fn each_append_of_a_chain_has_its_own_outcome(database: Database) {
    let store = narrow(&database).await;
    for id in ["a", "b", "c", "d", "e"] {
        store.append(append(id, Expected::NoStream, 2)).await.expect("an append");
    }
    let (keyed, named) = (append("a", Expected::Any, 3).idempotency_key("k"), append("b", Expected::Any, 1));
    for first in [&keyed, &named] {
        store.append(first.clone()).await.expect("an append");
    }
    let new = append("d", Expected::Any, 2).idempotency_key("new");
    let answers = join_all(vec![
        store.append(append("zero", Expected::Any, 1)),
        // Repeats in a chain store nothing, and those behind them go on.
        store.append(append("a", Expected::Any, 1)),
        store.append(keyed.clone()),
        store.append(append("a", Expected::Any, 2)),
        store.append(append("a", Expected::Any, 1).idempotency_key("other")),
        // The first of a chain may expect a version, in vain or not; what follows is stored in any case.
        store.append(append("b", exact(1), 5)),
        store.append(named),
        store.append(append("b", Expected::Any, 2)),
        store.append(append("c", exact(2), 2)),
        store.append(append("c", Expected::Any, 1)),
        // One that expects a version is never behind another, and names its version rightly or not.
        store.append(append("c", exact(5), 1)),
        store.append(append("c", exact(5), 1)),
        // The same twice: the second is a repeat of the first.
        store.append(new.clone()),
        store.append(new),
        store.append(append("d", Expected::Any, 1)),
        store.append(append("zero", Expected::StreamExists, 1)),
        store.append(append("e", exact(7), 1)),
        store.append(append("e", Expected::Any, 1)),
    ])
    .await;
    assert_eq!(
        answers.iter().map(said).collect::<Vec<_>>(),
        [
            "[1]",
            "[6]",
            "[3, 4, 5] replayed",
            "[7, 8]",
            "[9]",
            "test/b is at 3",
            "[3] replayed",
            "[4, 5]",
            "[3, 4]",
            "[5]",
            "[6]",
            "test/c is at 6",
            "[3, 4]",
            "[3, 4] replayed",
            "[5]",
            "[2]",
            "test/e is at 2",
            "[3]",
        ]
    );
    // Each was told the places of its own events.
    for id in ["a", "b", "c", "d", "zero"] {
        let events = stored(&store, id).await;
        let told = answers.iter().flatten().flat_map(|appended| &appended.events);
        for placed in told {
            if let Some(event) = events.iter().find(|event| event.event_id == placed.event_id) {
                assert_eq!((event.version, event.position), (placed.version, placed.position));
            }
        }
    }
}

pub(crate) async fn a_bad_append_of_a_chain_fails_alone(database: Database) {
    let store = narrow(&database).await;
    let appends = (0..60).map(|number| {
        let id = if number % 2 == 0 { "a" } else { "b" };
        store.append(if number % 13 == 5 { bad(id) } else { append(id, Expected::Any, 1) })
    });
    let mut versions = [0, 0];
    for (number, answer) in join_all(appends).await.iter().enumerate() {
        if number % 13 == 5 {
            assert_eq!(said(answer), "refused", "append {number}");
        } else {
            versions[number % 2] += 1;
            assert_eq!(said(answer), format!("[{}]", versions[number % 2]), "append {number}");
        }
    }
}

pub(crate) async fn a_chain_on_a_held_stream_waits_together_and_keeps_its_order(database: Database) {
    let set = |config: es_postgres::PostgresConfig| config.max_connections(8).lock_timeout(Duration::from_secs(5));
    let store = open_with(&database, set).await;
    let (mut holder, mut gate) = (raw(&database).await, raw(&database).await);
    for (round, pause) in [0, 20, 120, 300].into_iter().enumerate() {
        let mut transaction = holder.begin().await.expect("a transaction");
        let version = i64::try_from(round * 40).expect("small") + 1;
        insert(&mut transaction, "held", version).await;
        // All lanes are out for a moment, so that all of what follows is one batch.
        let mut lanes = gate.begin().await.expect("a transaction");
        let mut out = Vec::new();
        for lane in 0..4 {
            let id = format!("lane{lane}");
            insert(&mut lanes, &id, i64::try_from(round).expect("small") + 1).await;
            let store = store.clone();
            out.push(tokio::spawn(async move { store.append(append(&id, Expected::Any, 1)).await }));
        }
        sleep(Duration::from_millis(20)).await;
        let mut appends: Vec<_> = (0..40)
            .map(|number| {
                // A bad one takes the chain apart, and the parts still wait one behind the other.
                let mut appends = vec![if number == 21 { bad("held") } else { append("held", Expected::Any, 1) }];
                if number % 4 == 0 {
                    appends.push(append(&format!("free{number}"), Expected::Any, 1));
                }
                join_all(appends.into_iter().map(|append| store.append(append)))
            })
            .map(Box::pin)
            .collect();
        for append in &mut appends {
            assert!(poll_immediate(append).await.is_none(), "it was accepted");
        }
        lanes.rollback().await.expect("a rollback");
        for out in out {
            out.await.expect("the task").expect("it is stored");
        }
        let released = async {
            sleep(Duration::from_millis(pause)).await;
            transaction.commit().await.expect("a commit");
        };
        let (mut answers, ()) = tokio::join!(join_all(appends), released);
        assert_eq!(said(&answers.remove(21)[0]), "refused");
        let versions = answers.iter().map(|answer| answer[0].as_ref().expect("it is stored").version().get());
        let first = version.unsigned_abs() + 1;
        assert_eq!(versions.collect::<Vec<_>>(), (first..first + 39).collect::<Vec<_>>(), "after {pause} ms");
    }
    assert_eq!(count(&mut raw(&database).await, "held").await, 4 * 40);
}

pub(crate) async fn positions_of_a_chain_rise_with_the_versions_whatever_the_plan(database: Database) {
    let separator = if database.url().contains('?') { '&' } else { '?' };
    let off = [
        "-c%20enable_hashjoin%3Doff",
        "-c%20enable_hashjoin%3Doff%20-c%20enable_nestloop%3Doff",
        "-c%20enable_mergejoin%3Doff%20-c%20enable_nestloop%3Doff",
    ];
    for options in off {
        let url = format!("{}{separator}options={options}", database.url());
        let config = es_postgres::PostgresConfig::new().max_connections(2);
        let store = es_postgres::PostgresStore::connect_with(&url, config).await.expect("the database is there");
        store.migrate().await.expect("it can be migrated");
        let appends = (0..120).map(|number| store.append(append(&format!("s{}", number % 3), Expected::Any, 10)));
        assert!(join_all(appends).await.iter().all(Result::is_ok));
    }
    let mut connection = raw(&database).await;
    let unordered = "select count(*) from es.events as one join es.events as next using (stream_type, stream_id)
                     where next.version = one.version + 1 and next.position <= one.position";
    let unordered: i64 = sqlx::query_scalar(unordered).fetch_one(&mut connection).await.expect("an order");
    assert_eq!(unordered, 0);
    assert_eq!(count(&mut connection, "s0").await, 3 * 400);
}
