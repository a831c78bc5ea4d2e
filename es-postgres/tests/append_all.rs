//! Appends to several streams on the real server: all or none, whoever races, dies or goes away.

use std::time::Duration;

use crate::{
    group::{assert_in_order, drawn, transactions},
    support::{append, connect, count, insert, open, open_with, raw, through, until_one_waits},
};
use es_core::{
    recorded::StreamVersion,
    store::{Append, EventStore as _, Expected, StoreError},
};
use es_postgres::PostgresConfig;
use es_tests::database::Database;
use futures_util::future::{join_all, poll_immediate};
use sqlx::Connection as _;
use tokio::time::sleep;

fn exact(version: u64) -> Expected {
    Expected::Exact(StreamVersion::new(version))
}

/// Two streams, in an order that is not that of their names.
fn pair(round: impl std::fmt::Display, expected: Expected) -> Vec<Append> {
    vec![append(&format!("b{round}"), expected, 2), append(&format!("a{round}"), expected, 1)]
}

pub(crate) async fn a_group_is_one_statement_and_draws_nothing_where_one_of_it_does_not_fit(database: Database) {
    let store = open(&database).await;
    let mut connection = raw(&database).await;
    store.append(append("taken", Expected::NoStream, 1)).await.expect("an append");
    let keyed = append("keyed", Expected::Any, 1).idempotency_key("k");
    store.append(keyed.clone()).await.expect("an append");
    let before = (drawn(&mut connection).await, transactions(&mut connection).await);
    for one in [append("taken", Expected::NoStream, 1), append("none", exact(3), 1), keyed] {
        for place in 0..=2 {
            let mut group = pair("", Expected::NoStream);
            group.insert(place, one.clone());
            store.append_all(group).await.expect_err("one of them does not fit");
        }
    }
    assert_eq!((drawn(&mut connection).await, transactions(&mut connection).await), before);
    let group = (0..300).map(|number| append(&format!("s{number}"), Expected::NoStream, 2)).collect();
    store.append_all(group).await.expect("all of them fit");
    assert_eq!((drawn(&mut connection).await, transactions(&mut connection).await), (before.0 + 600, before.1 + 1));
}

pub(crate) async fn positions_of_groups_rise_with_the_versions_whatever_the_plan(database: Database) {
    let separator = if database.url().contains('?') { '&' } else { '?' };
    let off = [
        "-c%20enable_hashjoin%3Doff",
        "-c%20enable_hashjoin%3Doff%20-c%20enable_nestloop%3Doff",
        "-c%20enable_mergejoin%3Doff%20-c%20enable_nestloop%3Doff",
    ];
    for (number, options) in off.into_iter().enumerate() {
        let store = connect(&format!("{}{separator}options={options}", database.url())).await;
        let group = || (0..60).map(|id| append(&format!("s{number}-{id}"), Expected::Any, 30)).collect();
        for round in 1..=2 {
            for appended in store.append_all(group()).await.expect("all of them fit") {
                assert_eq!(appended.version(), 30 * round);
                assert!(appended.events.is_sorted_by_key(|placed| (placed.version, placed.position)));
            }
        }
    }
    let mut connection = raw(&database).await;
    let unordered = "select count(*) from es.events as one join es.events as next using (stream_type, stream_id)
                     where next.version = one.version + 1 and next.position <= one.position";
    let unordered: i64 = sqlx::query_scalar(unordered).fetch_one(&mut connection).await.expect("an order");
    assert_eq!(unordered, 0);
}

pub(crate) async fn a_group_whose_backend_is_killed_is_stored_once(database: Database) {
    let store = open(&database).await;
    let (mut other, mut killer) = (raw(&database).await, raw(&database).await);
    for round in 0..10 {
        let mut transaction = other.begin().await.expect("a transaction");
        insert(&mut transaction, &format!("b{round}"), 1).await;
        let sent = tokio::spawn({
            let store = store.clone();
            async move { store.append_all(pair(round, Expected::Any)).await }
        });
        // It waits for the open transaction; now its connection dies, and the other gives up.
        let pid = until_one_waits(&mut killer).await;
        sqlx::query("select pg_terminate_backend($1)").bind(pid).execute(&mut killer).await.expect("a kill");
        transaction.rollback().await.expect("a rollback");
        sent.await.expect("the task").expect("it is sent again");
        assert_eq!(count(&mut killer, &format!("a{round}")).await, 1);
        assert_eq!(count(&mut killer, &format!("b{round}")).await, 2);
    }
}

pub(crate) async fn a_group_whose_answer_is_lost_is_stored_once_or_says_that_it_may_be(database: Database) {
    let (url, line) = through(&database).await;
    let store = crate::support::connect_quietly(&url).await;
    let mut connection = raw(&database).await;
    for (round, expected) in (1_i64..).zip([Expected::NoStream, Expected::Any, Expected::StreamExists]) {
        // On a new connection the first answer is to the preparing of the statement, before anything is stored.
        store.append_all(pair("warm", Expected::Any)).await.expect("an append");
        line.lose_next_answer();
        let answers = store.append_all(pair("", expected)).await.expect("the outcome is found out");
        assert!(line.lost_one(), "the answer was not lost, so nothing was tested");
        assert!(answers.iter().all(|appended| appended.replayed), "it was stored the first time");
        assert_eq!((count(&mut connection, "a").await, count(&mut connection, "b").await), (round, 2 * round));
        assert_eq!(answers[0].version(), 2 * round.unsigned_abs());
    }
    store.append_all(pair("warm", Expected::Any)).await.expect("an append");
    line.cut_after_next_answer();
    let group = pair("unknown", Expected::NoStream);
    let error = store.append_all(group.clone()).await.expect_err("nobody is there to ask");
    let first = group[0].events[0].metadata.event_id;
    assert!(matches!(&error, StoreError::OutcomeUnknown { first_event, .. } if *first_event == first), "{error:?}");
    line.mend();
    assert!(store.append_all(group).await.expect("the line is up again").iter().all(|appended| appended.replayed));
    assert_eq!(count(&mut connection, "aunknown").await, 1);
}

pub(crate) async fn a_group_waits_for_a_held_stream_but_not_for_ever_and_alone(database: Database) {
    let set = |config: PostgresConfig| config.lock_timeout(Duration::from_millis(600));
    let store = open_with(&database, set).await;
    let mut holder = raw(&database).await;
    let mut transaction = holder.begin().await.expect("a transaction");
    insert(&mut transaction, "held", 1).await;
    let held = |id: usize| vec![append(&format!("x{id}"), Expected::Any, 1), append("held", Expected::Any, 1)];
    // More than may be under way at a time.
    let waiting: Vec<_> = (0..12)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { store.append_all(held(id)).await })
        })
        .collect();
    sleep(Duration::from_millis(20)).await;
    for round in 0..20 {
        store.append_all(pair(round, Expected::NoStream)).await.expect("these streams are free");
        store.append(append(&format!("s{round}"), Expected::NoStream, 1)).await.expect("so is this");
    }
    assert!(waiting.iter().any(|waiting| !waiting.is_finished()), "nothing was held, so nothing was tested");
    let mut answers = join_all(waiting).await.into_iter().map(|answer| answer.expect("the task"));
    assert!(answers.all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))), "all waited, and none for ever");
    let waiting = tokio::spawn({
        let (store, group) = (store.clone(), held(0));
        async move { store.append_all(group).await }
    });
    sleep(Duration::from_millis(250)).await;
    assert!(!waiting.is_finished(), "it waits on the slow lane");
    transaction.commit().await.expect("a commit");
    let answers = waiting.await.expect("the task").expect("it is stored behind the other");
    assert_eq!((answers[0].version().get(), answers[1].version().get()), (1, 2));
}

pub(crate) async fn a_group_under_way_outlives_its_caller_and_closing_waits_for_it(database: Database) {
    let mut connection = raw(&database).await;
    let mut holder = raw(&database).await;
    // Once on its way to the slow lane while the store closes, and before and behind that.
    for (id, pause, longer) in [("usual", 0, 20), ("between", 0, 200), ("slow", 250, 20)] {
        let store = open(&database).await;
        let mut transaction = holder.begin().await.expect("a transaction");
        insert(&mut transaction, &format!("b{id}"), 1).await;
        let group = pair(id, Expected::Any);
        let caller = tokio::spawn({
            let (store, group) = (store.clone(), group.clone());
            async move { store.append_all(group).await }
        });
        until_one_waits(&mut connection).await;
        sleep(Duration::from_millis(pause)).await;
        caller.abort();
        caller.await.expect_err("a stream is held");
        let closing = tokio::spawn({
            let store = store.clone();
            async move { store.close().await }
        });
        sleep(Duration::from_millis(longer)).await;
        let refused = store.append_all(pair("late", Expected::Any)).await.expect_err("it is closing");
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
        assert!(!closing.is_finished(), "one is not answered yet");
        drop(store);
        transaction.rollback().await.expect("a rollback");
        closing.await.expect("the task");
        assert_eq!(count(&mut connection, &format!("a{id}")).await, 1, "it ran to its end");
        let again = open(&database).await.append_all(group).await.expect("it can be sent again");
        assert!(again.iter().all(|appended| appended.replayed));
    }
    // One that still waits for its turn goes with its caller.
    let store = open(&database).await;
    let mut transaction = holder.begin().await.expect("a transaction");
    insert(&mut transaction, "b", 1).await;
    let mut first = Box::pin(store.append_all(pair("", Expected::Any)));
    assert!(poll_immediate(&mut first).await.is_none());
    for _ in 0..50 {
        let mut waiting = Box::pin(store.append_all(pair("", Expected::Any)));
        assert!(poll_immediate(&mut waiting).await.is_none());
    }
    transaction.rollback().await.expect("a rollback");
    first.await.expect("it is stored");
    store.close().await;
    assert_eq!(count(&mut connection, "b").await, 2);
    assert_in_order(&mut connection).await;
}
