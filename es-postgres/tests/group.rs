//! Appends of many callers at once: they share statements, and nothing else.

use std::time::{Duration, Instant};

use crate::support::{
    append, as_runtime, asked_together, count, insert, open, open_with, raw, stored, until_one_waits,
    until_so_many_wait,
};
use es_core::{
    event::EventSchema,
    recorded::{Metadata, StreamVersion},
    store::{Append, EventStore as _, Expected, NewEvent, StoreError},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;
use futures_util::future::{join, join_all, poll_immediate};
use sqlx::{Connection as _, PgConnection};
use tokio::time::{sleep, timeout};

/// A store that sends one batch at a time: what is asked while it is under way goes together.
pub(crate) async fn narrow(database: &Database) -> PostgresStore {
    open_with(database, |config| config.max_connections(2)).await
}

fn bad(id: &str) -> Append {
    let event = NewEvent::new(EventSchema::new("Tested", 1), "{no json".to_owned(), Metadata::at(chrono::Utc::now()));
    Append::new(crate::support::stream(id), Expected::Any, vec![event])
}

/// How many transactions stored the events of this database.
pub(crate) async fn transactions(connection: &mut PgConnection) -> i64 {
    let distinct = "select count(distinct xmin::text) from es.events";
    sqlx::query_scalar(distinct).fetch_one(connection).await.expect("transactions can be counted")
}

pub(crate) async fn drawn(connection: &mut PgConnection) -> i64 {
    let last = "select coalesce(pg_sequence_last_value(pg_get_serial_sequence('es.events', 'position')::regclass), 0)";
    sqlx::query_scalar(last).fetch_one(connection).await.expect("positions can be counted")
}

pub(crate) async fn many_callers_share_statements(database: Database) {
    let store = narrow(&database).await;
    let appends = (0..200).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.append(append(&format!("s{number}"), Expected::NoStream, 2)).await })
    });
    for appended in join_all(appends).await {
        assert_eq!(appended.expect("the task").expect("an append").version(), 2);
    }
    let mut connection = raw(&database).await;
    let transactions = transactions(&mut connection).await;
    assert!(transactions <= 50, "200 appends took {transactions} statements");
    assert_in_order(&mut connection).await;
}

pub(crate) async fn assert_in_order(connection: &mut PgConnection) {
    let unordered: i64 = sqlx::query_scalar(
        "select count(*) from es.events as one join es.events as next using (stream_type, stream_id)
         where next.version = one.version + 1 and next.position <> one.position + 1",
    )
    .fetch_one(connection)
    .await
    .expect("an order");
    assert_eq!(unordered, 0, "positions are drawn in the order of the versions");
}

/// The planner may join in any way that its figures suggest, and whatever it chooses must not decide the order.
pub(crate) async fn positions_rise_with_the_versions_whatever_the_plan(database: Database) {
    open(&database).await;
    let off = [
        "-c%20enable_hashjoin%3Doff",
        "-c%20enable_hashjoin%3Doff%20-c%20enable_nestloop%3Doff",
        "-c%20enable_mergejoin%3Doff%20-c%20enable_nestloop%3Doff",
    ];
    for (number, options) in off.into_iter().enumerate() {
        let url = format!("{}%20{options}", as_runtime(database.url()));
        let config = PostgresConfig::new().max_connections(2);
        let store = PostgresStore::connect_with(&url, config).await.expect("the database is there");
        let appends = (0..60).map(|id| store.append(append(&format!("s{number}-{id}"), Expected::NoStream, 30)));
        for appended in join_all(appends).await {
            assert_eq!(appended.expect("an append").version(), 30);
        }
    }
    assert_in_order(&mut raw(&database).await).await;
}

pub(crate) async fn an_append_alone_waits_for_nobody(database: Database) {
    let store = open(&database).await;
    for number in 0..20 {
        store.append(append(&format!("s{number}"), Expected::NoStream, 1)).await.expect("an append");
    }
    assert_eq!(transactions(&mut raw(&database).await).await, 20);
}

pub(crate) async fn each_append_of_a_batch_has_its_own_outcome(database: Database) {
    let store = narrow(&database).await;
    let exact = |version| Expected::Exact(StreamVersion::new(version));
    for id in ["any", "exact", "stale", "taken", "exists"] {
        store.append(append(id, Expected::NoStream, 2)).await.expect("an append");
    }
    let keyed = append("keyed", Expected::NoStream, 3).idempotency_key("k");
    let same = append("same", Expected::NoStream, 2);
    let named = append("named", Expected::Any, 2);
    for first in [&keyed, &same, &named] {
        store.append(first.clone()).await.expect("an append");
    }
    let mut connection = raw(&database).await;
    let (before, batches) = (drawn(&mut connection).await, transactions(&mut connection).await);
    let other_key = append("keyed", exact(3), 1).idempotency_key("other");
    let answers = asked_together(
        &database,
        join_all([
            store.append(append("zero", Expected::NoStream, 1)),
            store.append(append("any", Expected::Any, 2)),
            store.append(append("exact", exact(2), 1)),
            store.append(append("exists", Expected::StreamExists, 3)),
            store.append(append("stale", exact(1), 4)),
            store.append(append("taken", Expected::NoStream, 4)),
            store.append(append("missing", Expected::StreamExists, 4)),
            store.append(append("beyond", exact(7), 4)),
            store.append(append("keyed", Expected::Any, 4).idempotency_key("k")),
            store.append(same),
            store.append(named),
            store.append(other_key),
            store.append(append("alone", Expected::NoStream, 1)),
        ]),
    )
    .await;
    let said: Vec<String> = answers
        .iter()
        .map(|answer| match answer {
            Ok(appended) => {
                let versions = appended.events.iter().map(|placed| placed.version.get());
                format!("{:?}{}", versions.collect::<Vec<_>>(), if appended.replayed { " replayed" } else { "" })
            }
            Err(StoreError::Conflict(conflict)) => {
                format!("{} is at {}, not {}", conflict.stream, conflict.actual, conflict.expected)
            }
            Err(other) => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        said,
        [
            "[1]",
            "[3, 4]",
            "[3]",
            "[3, 4, 5]",
            "test/stale is at 2, not version 1",
            "test/taken is at 2, not no stream",
            "test/missing is at 0, not an existing stream",
            "test/beyond is at 0, not version 7",
            "[1, 2, 3] replayed",
            "[1, 2] replayed",
            "[1, 2] replayed",
            "[4]",
            "[1]",
        ]
    );
    let ids = |events: &[es_core::store::StoredEvent]| events.iter().map(|event| event.event_id).collect::<Vec<_>>();
    for (id, number) in [("zero", 0), ("any", 1), ("exact", 2), ("exists", 3), ("alone", 12)] {
        let placed = answers[number].as_ref().expect("it was stored").events.iter().map(|placed| placed.event_id);
        assert!(ids(&stored(&store, id).await).ends_with(&placed.collect::<Vec<_>>()), "the answer to {id}");
    }
    assert_eq!(drawn(&mut connection).await - before, 9, "who stores nothing draws no position");
    assert!(transactions(&mut connection).await - batches <= 4, "they did not go together");
}

pub(crate) async fn a_bad_append_fails_alone(database: Database) {
    let store = narrow(&database).await;
    for _ in 0..5 {
        let appends = (0..40).map(|number| {
            let id = format!("s{number}");
            store.append(if number % 13 == 5 { bad(&id) } else { append(&id, Expected::Any, 1) })
        });
        for (number, answer) in join_all(appends).await.into_iter().enumerate() {
            match answer {
                Ok(_) if number % 13 != 5 => {}
                Err(StoreError::Backend { .. }) if number % 13 == 5 => {}
                other => panic!("append {number}: {other:?}"),
            }
        }
    }
    let mut connection = raw(&database).await;
    for number in 0..40 {
        let expected = if number % 13 == 5 { 0 } else { 5 };
        assert_eq!(count(&mut connection, &format!("s{number}")).await, expected);
    }
}

pub(crate) async fn one_stream_that_is_held_does_not_stall_the_others(database: Database) {
    const HELD: usize = 8;
    let store = open(&database).await;
    let mut holder = raw(&database).await;
    let mut transaction = holder.begin().await.expect("a transaction");
    for number in 0..HELD {
        insert(&mut transaction, &format!("held{number}"), 1).await;
    }
    let mut held = Vec::new();
    for number in 0..HELD {
        let store = store.clone();
        held.push(tokio::spawn(async move { store.append(append(&format!("held{number}"), Expected::Any, 1)).await }));
        // The first of them each get a lane to themselves, and the others go together when these come back.
        sleep(Duration::from_millis(3)).await;
    }
    // The held ones are more than there are lanes, and some of these here travel with them.
    let started = Instant::now();
    let free = (0..64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                store.append(append(&format!("free{number}"), Expected::Any, 1)).await.expect("this stream is free");
            }
        })
    });
    join_all(free).await.into_iter().for_each(|task| task.expect("the task"));
    let took = started.elapsed();
    assert!(took < Duration::from_secs(4), "they waited for the held ones: {took:?}");
    assert!(held.iter().any(|held| !held.is_finished()), "nothing was held, so nothing was tested");
    transaction.commit().await.expect("a commit");
    for held in held {
        assert_eq!(held.await.expect("the task").expect("it is stored behind the other").version(), 2);
    }
}

/// Few appends go one behind the other, but not behind one that waits for somebody else.
pub(crate) async fn a_batch_that_takes_long_has_another_beside_it(database: Database) {
    let store = open(&database).await;
    let (mut holder, mut looker) = (raw(&database).await, raw(&database).await);
    let mut hold = holder.begin().await.expect("a transaction");
    sqlx::query("lock table es.events in share mode").execute(&mut *hold).await.expect("a lock");
    let release = async {
        let both = until_so_many_wait(&mut looker, 2);
        timeout(Duration::from_mins(1), both).await.expect("the second waits for the first");
        hold.rollback().await.expect("a rollback");
    };
    let appends = join_all(["a", "b"].map(|id| store.append(append(id, Expected::NoStream, 1))));
    for appended in join(appends, release).await.0 {
        assert_eq!(appended.expect("an append").version(), 1);
    }
}

pub(crate) async fn an_append_under_way_outlives_its_caller_and_the_store(database: Database) {
    let mut connection = raw(&database).await;
    let mut holder = raw(&database).await;
    // Once on a lane, once on its way to the slow lane, once on that, and once on a connection that dies.
    for (id, pause, longer) in [("lane", 0, 0), ("between", 0, 250), ("slow", 250, 0), ("killed", 250, 0)] {
        let store = open(&database).await;
        let mut transaction = holder.begin().await.expect("a transaction");
        insert(&mut transaction, id, 1).await;
        let request = append(id, Expected::Any, 2);
        let caller = tokio::spawn({
            let request = request.clone();
            async move { store.append(request).await }
        });
        until_one_waits(&mut connection).await;
        sleep(Duration::from_millis(pause)).await;
        caller.abort();
        caller.await.expect_err("the stream is held, and the store is gone with its caller");
        sleep(Duration::from_millis(longer)).await;
        if id == "killed" {
            let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                        where datname = current_database() and wait_event_type = 'Lock'";
            let killed: i64 = sqlx::query_scalar(kill).fetch_one(&mut connection).await.expect("a kill");
            assert_eq!(killed, 1, "it waits on the slow lane");
            sleep(Duration::from_millis(50)).await;
        }
        transaction.rollback().await.expect("a rollback");
        let stored = async {
            while count(&mut connection, id).await == 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(10), stored).await.expect("it runs to its end");
        let again = open(&database).await.append(request).await.expect("it can be sent again");
        assert!(again.replayed);
        assert_eq!(count(&mut connection, id).await, 2);
    }
}

pub(crate) async fn a_caller_that_goes_away_while_it_waits_leaves_no_trace(database: Database) {
    let store = narrow(&database).await;
    let mut holder = raw(&database).await;
    let mut transaction = holder.begin().await.expect("a transaction");
    insert(&mut transaction, "held", 1).await;
    // The only lane waits for the held stream.
    let mut held = Box::pin(store.append(append("held", Expected::Any, 1)));
    assert!(poll_immediate(&mut held).await.is_none());
    sleep(Duration::from_millis(20)).await;
    for number in 0..100 {
        for id in ["held".to_owned(), format!("s{number}")] {
            let mut waiting = Box::pin(store.append(append(&id, Expected::Any, 1)));
            assert!(poll_immediate(&mut waiting).await.is_none(), "the lane is out");
        }
    }
    transaction.rollback().await.expect("a rollback");
    held.await.expect("it is stored");
    store.append(append("after", Expected::Any, 1)).await.expect("the lane goes on");
    store.close().await;
    let mut connection = raw(&database).await;
    let all: i64 =
        sqlx::query_scalar("select count(*) from es.events").fetch_one(&mut connection).await.expect("a count");
    assert_eq!(all, 2);
}

pub(crate) async fn an_append_waits_for_its_turn_but_not_for_ever(database: Database) {
    let set = |config: PostgresConfig| config.acquire_timeout(Duration::from_millis(400));
    let store = open_with(&database, set).await;
    let mut holder = raw(&database).await;
    let mut transaction = holder.begin().await.expect("a transaction");
    insert(&mut transaction, "held", 1).await;
    let held = tokio::spawn({
        let store = store.clone();
        async move { store.append(append("held", Expected::Any, 1)).await }
    });
    sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    let error = store.append(append("held", Expected::Any, 1)).await.expect_err("another is before it");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(2));
    transaction.rollback().await.expect("a rollback");
    held.await.expect("the task").expect("the first is stored");
    store.close().await;
    assert_eq!(count(&mut raw(&database).await, "held").await, 1, "what was answered so is not stored later");
}

pub(crate) async fn closing_answers_what_was_accepted_and_refuses_the_rest(database: Database) {
    let store = narrow(&database).await;
    let mut holder = raw(&database).await;
    let mut transaction = holder.begin().await.expect("a transaction");
    insert(&mut transaction, "s0", 1).await;
    let mut accepted: Vec<_> = (0..100_u32)
        .map(|number| {
            let request = append(&format!("s{}", number % 40), Expected::Any, 1);
            let store = store.clone();
            Box::pin(async move { store.append(request).await })
        })
        .collect();
    for append in &mut accepted {
        assert!(poll_immediate(append).await.is_none(), "it was accepted");
    }
    let accepted = accepted.into_iter().map(|append| tokio::spawn(append)).collect::<Vec<_>>();
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    sleep(Duration::from_millis(50)).await;
    let refused = store.append(append("late", Expected::Any, 1)).await.expect_err("it is closing");
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    assert!(!closing.is_finished(), "it did not wait for what was accepted");
    transaction.rollback().await.expect("a rollback");
    closing.await.expect("the task");
    for append in accepted {
        append.await.expect("the task").expect("it was accepted before the store was closed");
    }
    let mut connection = raw(&database).await;
    let all: i64 =
        sqlx::query_scalar("select count(*) from es.events").fetch_one(&mut connection).await.expect("a count");
    assert_eq!(all, 100);
    let refused = store.append(append("later", Expected::Any, 1)).await.expect_err("it is closed");
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
}

pub(crate) async fn a_lock_on_the_whole_table_is_waited_for_once(database: Database) {
    let set = |config: PostgresConfig| config.max_connections(2).lock_timeout(Duration::from_millis(400));
    let store = open_with(&database, set).await;
    store.append(append("warm", Expected::Any, 1)).await.expect("an append");
    let mut holder = raw(&database).await;
    let mut transaction = holder.begin().await.expect("a transaction");
    sqlx::query("lock table es.events in access exclusive mode").execute(&mut *transaction).await.expect("a lock");
    let started = Instant::now();
    for answer in join_all((0..30).map(|id| store.append(append(&format!("s{id}"), Expected::Any, 1)))).await {
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(4), "each waited for itself: {:?}", started.elapsed());
    transaction.rollback().await.expect("a rollback");
    store.append(append("s0", Expected::NoStream, 1)).await.expect("nothing was stored, and the store goes on");
}
