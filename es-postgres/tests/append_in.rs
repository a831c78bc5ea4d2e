//! Appends inside a transaction of the caller's.

use std::time::{Duration, Instant};

use crate::support::{append, count, insert, open, raw, stored, stream};
use es_core::{
    recorded::StreamVersion,
    store::{EventStore as _, Expected, HistoryId, StoreError},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;
use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Postgres, Transaction};

fn exact(version: u64) -> Expected {
    Expected::Exact(StreamVersion::new(version))
}

async fn begin<'c>(connection: &'c mut PgConnection, level: &str) -> Transaction<'c, Postgres> {
    let begin = format!("begin transaction isolation level {level}");
    connection.begin_with(AssertSqlSafe(begin)).await.expect("a transaction")
}

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    let setting = "select current_setting($1)";
    sqlx::query_scalar(setting).bind(name).fetch_one(connection).await.expect("a setting")
}

fn must_retry(answer: Result<es_core::store::Appended, StoreError>, id: &str) {
    match answer {
        Err(StoreError::RetryTransaction { stream, .. }) => assert_eq!(stream.id(), id),
        other => panic!("expected to be told to run the transaction again, got {other:?}"),
    }
}

pub(crate) async fn events_are_stored_with_what_else_the_transaction_did_or_not_at_all(database: Database) {
    let store = open(&database).await;
    let mut connection = raw(&database).await;
    connection.execute("create table invoices (id integer, paid bigint)").await.expect("a table");
    for (level, first) in [("read committed", 0), ("repeatable read", 5), ("serializable", 10)] {
        for commit in [false, true] {
            let mut transaction = begin(&mut connection, level).await;
            let invoices: i64 =
                sqlx::query_scalar("select count(*) from invoices").fetch_one(&mut *transaction).await.expect("a read");
            assert_eq!(invoices, i64::try_from(first / 5).expect("few"));
            let one = store.append_in(&mut transaction, append("a", exact(first), 2)).await.expect("it fits");
            let paid = i64::try_from(one.version().get()).expect("small");
            let pay = sqlx::query("insert into invoices values (1, $1)").bind(paid);
            pay.execute(&mut *transaction).await.expect("an invoice");
            let two = store.append_in(&mut transaction, append("a", exact(first + 2), 3)).await.expect("it fits");
            assert_eq!((one.version().get(), two.version().get()), (first + 2, first + 5));
            assert!(one.position() < two.position() && !one.replayed && !two.replayed);
            assert_eq!(stored(&store, "a").await.len() as u64, first, "nobody else sees them yet");
            if commit {
                transaction.commit().await.expect("a commit");
                let places: Vec<_> = stored(&store, "a").await.iter().map(|event| event.position).collect();
                assert!(places.ends_with(&[two.events[0].position, two.events[1].position, two.position()]));
            } else {
                transaction.rollback().await.expect("a rollback");
            }
        }
    }
    let appended = store.append(append("a", exact(15), 1)).await.expect("what was rolled back has left no trace");
    assert_eq!(appended.version(), 16);
    let paid: Vec<i64> =
        sqlx::query_scalar("select paid from invoices order by 1").fetch_all(&mut connection).await.expect("a read");
    assert_eq!(paid, [2, 7, 12]);
}

pub(crate) async fn a_conflict_leaves_the_transaction_as_it_was(database: Database) {
    let store = open(&database).await;
    store.append(append("a", Expected::NoStream, 2)).await.expect("an append");
    let mut connection = raw(&database).await;
    for level in ["read committed", "repeatable read", "serializable"] {
        let mut transaction = begin(&mut connection, level).await;
        let before = count(&mut transaction, "b").await;
        let conflict = store.append_in(&mut transaction, append("a", exact(1), 1)).await.expect_err("it is at 2");
        assert!(matches!(&conflict, StoreError::Conflict(conflict) if conflict.actual == 2), "{conflict:?}");
        let invalid = store.append_in(&mut transaction, append("a", exact(2), 0)).await.expect_err("no events");
        assert!(matches!(invalid, StoreError::Invalid(_)), "{invalid:?}");
        let known = HistoryId::new();
        let stale = append("b", Expected::Any, 1).decided_in(known);
        let diverged = store.append_in(&mut transaction, stale).await.expect_err("it was decided elsewhere");
        assert!(matches!(&diverged, StoreError::HistoryDiverged(other) if other.known == known), "{diverged:?}");
        let history = store.history().await.expect("a store knows its history");
        let decided = append("b", Expected::Any, 1).decided_in(history);
        store.append_in(&mut transaction, decided).await.expect("it was decided here");
        let twice = vec![append("b", Expected::Any, 1), append("b", Expected::Any, 1)];
        let invalid = store.append_all_in(&mut transaction, twice).await.expect_err("one stream, twice");
        assert!(matches!(invalid, StoreError::Invalid(_)), "{invalid:?}");
        let group = vec![append("b", Expected::Any, 1), append("a", exact(7), 1)];
        let conflict = store.append_all_in(&mut transaction, group).await.expect_err("it is at 2");
        assert!(matches!(&conflict, StoreError::Conflict(conflict) if conflict.stream.id() == "a"), "{conflict:?}");
        store.append_in(&mut transaction, append("b", Expected::Any, 1)).await.expect("the transaction goes on");
        transaction.commit().await.expect("a commit");
        assert_eq!(count(&mut connection, "b").await, before + 2);
    }
}

pub(crate) async fn an_archived_stream_leaves_the_transaction_as_it_was(database: Database) {
    let store = open(&database).await;
    let (plain, keyed) = (append("a", exact(0), 2), append("a", exact(2), 2).idempotency_key("k"));
    for first in [&plain, &keyed] {
        store.append(first.clone()).await.expect("an append");
    }
    store.archive(stream("a")).await.expect("it is archived");
    let mut connection = raw(&database).await;
    let mut transaction = begin(&mut connection, "read committed").await;
    for late in [append("a", Expected::Any, 1), append("a", exact(4), 1), append("a", exact(1), 1)] {
        let error = store.append_in(&mut transaction, late.clone()).await.expect_err("it is archived");
        assert!(error.is_archived(), "{error:?}");
        let together = vec![append("b", Expected::Any, 1), late];
        let error = store.append_all_in(&mut transaction, together).await.expect_err("one is archived");
        assert!(error.is_archived(), "{error:?}");
    }
    for repeat in [plain, keyed] {
        assert!(store.append_in(&mut transaction, repeat).await.expect("it stands").replayed);
    }
    store.append_in(&mut transaction, append("b", exact(0), 1)).await.expect("the transaction goes on");
    transaction.commit().await.expect("a commit");
    assert_eq!((stored(&store, "a").await.len(), stored(&store, "b").await.len()), (4, 1));
}

pub(crate) async fn a_race_ends_the_transaction_and_says_to_run_it_again(database: Database) {
    let store = open(&database).await;
    let (mut one, mut other) = (raw(&database).await, raw(&database).await);
    for (level, id) in [("read committed", "a"), ("repeatable read", "b"), ("serializable", "c")] {
        // The other commits while the append waits for it: at no level can it be seen before.
        let mut transaction = begin(&mut one, level).await;
        let mut winner = other.begin().await.expect("a transaction");
        store.append_in(&mut winner, append(id, Expected::NoStream, 1)).await.expect("it is the first");
        let (answer, ()) = tokio::join!(store.append_in(&mut transaction, append(id, Expected::NoStream, 1)), async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            winner.commit().await.expect("a commit");
        });
        must_retry(answer, id);
        must_retry(store.append_in(&mut transaction, append("z", Expected::Any, 1)).await, "z");
        transaction.rollback().await.expect("a rollback");
        let mut again = begin(&mut one, level).await;
        let conflict =
            store.append_in(&mut again, append(id, Expected::NoStream, 1)).await.expect_err("it is seen now");
        assert!(conflict.is_conflict(), "{conflict:?}");
        store.append_in(&mut again, append(id, exact(1), 1)).await.expect("it fits");
        again.commit().await.expect("a commit");
        // The other commits before the append begins, and after what the transaction can see.
        let mut transaction = begin(&mut one, level).await;
        assert_eq!(count(&mut transaction, id).await, 2);
        store.append(append(id, exact(2), 1)).await.expect("another comes first");
        let answer = store.append_in(&mut transaction, append(id, exact(2), 1)).await;
        if level == "read committed" {
            assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
        } else {
            must_retry(answer, id);
        }
        transaction.rollback().await.expect("a rollback");
    }
    // Two that read what the other writes: one of them is told, at the append or at its commit.
    let mut first = begin(&mut one, "serializable").await;
    let mut second = begin(&mut other, "serializable").await;
    let sum = "select count(*) from es.events";
    for transaction in [&mut first, &mut second] {
        transaction.fetch_one(sum).await.expect("a read");
    }
    store.append_in(&mut first, append("x", Expected::NoStream, 1)).await.expect("nobody has committed yet");
    first.commit().await.expect("the first commits");
    let answer = store.append_in(&mut second, append("y", Expected::NoStream, 1)).await;
    match answer {
        Ok(_) => drop(second.commit().await.expect_err("a serialization failure")),
        refused => must_retry(refused, "y"),
    }
}

pub(crate) async fn a_repeat_is_known_whoever_stored_the_first(database: Database) {
    let store = open(&database).await;
    let mut connection = raw(&database).await;
    let keyed = append("a", Expected::Any, 2).idempotency_key("k");
    let (named, fixed) = (append("a", Expected::StreamExists, 1), append("b", Expected::NoStream, 2));
    let all = [&keyed, &named, &fixed];
    // Within the transaction, committed, and from outside of it.
    let mut transaction = connection.begin().await.expect("a transaction");
    let mut first = Vec::new();
    for request in all {
        first.push(store.append_in(&mut transaction, request.clone()).await.expect("it is new"));
    }
    store.append_in(&mut transaction, append("b", exact(2), 1)).await.expect("it fits");
    let known = async |transaction: &mut Transaction<'_, Postgres>| {
        for (request, first) in all.into_iter().zip(&first) {
            let again = store.append_in(transaction, request.clone()).await.expect("it is known");
            assert!(again.replayed && again.events == first.events, "{again:?}");
        }
        let both = store.append_all_in(transaction, vec![fixed.clone(), keyed.clone()]).await.expect("both are known");
        assert!(both.iter().all(|appended| appended.replayed));
        let mixed = store.append_all_in(transaction, vec![append("c", Expected::Any, 1), keyed.clone()]).await;
        assert!(matches!(mixed, Err(StoreError::PartlyStored(_))), "{mixed:?}");
    };
    known(&mut transaction).await;
    transaction.commit().await.expect("a commit");
    let mut transaction = connection.begin().await.expect("a transaction");
    known(&mut transaction).await;
    transaction.commit().await.expect("a commit");
    assert!(store.append(keyed).await.expect("it is known").replayed);
    assert_eq!((count(&mut connection, "a").await, count(&mut connection, "b").await), (3, 3));
    assert_eq!(count(&mut connection, "c").await, 0);
}

pub(crate) async fn synchronous_commit_is_turned_on_where_it_is_off(database: Database) {
    let store = open(&database).await;
    let mut connection = raw(&database).await;
    for (round, (before, within)) in (0..).zip([("off", "on"), ("on", "on"), ("local", "local"), ("off", "on")]) {
        let set = format!("set synchronous_commit = {before}; set lock_timeout = '1234ms'");
        connection.execute(sqlx::raw_sql(AssertSqlSafe(set))).await.expect("a setting");
        let mut transaction = connection.begin().await.expect("a transaction");
        if round == 3 {
            transaction.execute("set local synchronous_commit = off").await.expect("a setting");
        }
        store.append_in(&mut transaction, append("a", Expected::Any, 1)).await.expect("it fits");
        assert_eq!(setting(&mut transaction, "synchronous_commit").await, within);
        assert_eq!(setting(&mut transaction, "lock_timeout").await, "1234ms", "the caller's patience is its own");
        transaction.commit().await.expect("a commit");
        assert_eq!(setting(&mut connection, "synchronous_commit").await, before, "for that transaction only");
        assert_eq!(setting(&mut connection, "lock_timeout").await, "1234ms");
    }
}

pub(crate) async fn several_streams_go_together_and_those_in_opposite_order_are_told_to_retry(database: Database) {
    let store = open(&database).await;
    let mut tasks = Vec::new();
    for task in 0..6 {
        let (store, mut connection) = (store.clone(), raw(&database).await);
        // Only some roles may set it; with the others the test takes longer.
        let _ = connection.execute("set deadlock_timeout = '20ms'").await;
        tasks.push(tokio::spawn(async move {
            let (mut done, mut retried) = (0, 0);
            while done < 15 {
                let mut transaction = connection.begin().await.expect("a transaction");
                let mut group = vec![append("a", Expected::Any, 1), append("b", Expected::Any, 2)];
                // In one statement they are sorted; in two the caller's order is kept, and two may wait for each other.
                let answer = if task < 3 {
                    if task == 1 {
                        group.reverse();
                    }
                    store.append_all_in(&mut transaction, group).await.map(drop)
                } else {
                    if task == 4 {
                        group.reverse();
                    }
                    let second = group.remove(1);
                    match store.append_in(&mut transaction, group.remove(0)).await {
                        Ok(_) => store.append_in(&mut transaction, second).await.map(drop),
                        refused => refused.map(drop),
                    }
                };
                match answer {
                    Ok(()) => {
                        transaction.commit().await.expect("a commit");
                        done += 1;
                    }
                    Err(error) if error.is_retry_transaction() => {
                        transaction.rollback().await.expect("a rollback");
                        retried += 1;
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
            retried
        }));
    }
    // Those of the store's own never hear of it.
    for _ in 0..15 {
        let group = vec![append("b", Expected::Any, 2), append("a", Expected::Any, 1)];
        store.append_all(group).await.expect("it is sent again after a deadlock");
    }
    let retried: usize = join_all(tasks).await.into_iter().map(|retried| retried.expect("the task")).sum();
    assert!(retried > 0, "they never met: nothing was tested");
    let mut connection = raw(&database).await;
    assert_eq!((count(&mut connection, "a").await, count(&mut connection, "b").await), (105, 210));
}

pub(crate) async fn an_idle_transaction_on_a_hot_stream_does_not_stall_the_store(database: Database) {
    let store = open(&database).await;
    let mut connection = raw(&database).await;
    let mut transaction = connection.begin().await.expect("a transaction");
    let group = vec![append("hot", Expected::Any, 1), append("warm", Expected::Any, 1)];
    store.append_all_in(&mut transaction, group).await.expect("it fits");
    let held: Vec<_> = ["hot", "warm", "hot"]
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { store.append(append(id, Expected::Any, 1)).await })
        })
        .into();
    let started = Instant::now();
    let free = (0..40).map(|number| {
        let store = store.clone();
        async move {
            for _ in 0..10 {
                store.append(append(&format!("free{number}"), Expected::Any, 1)).await.expect("this stream is free");
            }
        }
    });
    join_all(free).await;
    assert!(started.elapsed() < Duration::from_secs(4), "they waited for the held ones");
    assert!(held.iter().all(|held| !held.is_finished()), "nothing was held, so nothing was tested");
    transaction.rollback().await.expect("a rollback");
    for held in held {
        held.await.expect("the task").expect("it is stored");
    }
    assert_eq!(stored(&store, "hot").await.len(), 2);
}

pub(crate) async fn a_connection_that_is_lost_leaves_nothing(database: Database) {
    let store = open(&database).await;
    let (mut connection, mut killer) = (raw(&database).await, raw(&database).await);
    let mut transaction = connection.begin().await.expect("a transaction");
    store.append_in(&mut transaction, append("a", Expected::Any, 1)).await.expect("it fits");
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *transaction).await.expect("a process");
    sqlx::query("select pg_terminate_backend($1)").bind(pid).execute(&mut killer).await.expect("a kill");
    let error = store.append_in(&mut transaction, append("a", Expected::Any, 1)).await.expect_err("it is lost");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    drop(transaction);
    // The session's patience is its own, and when it is over nothing was stored, too.
    let mut connection = raw(&database).await;
    connection.execute("set lock_timeout = '50ms'").await.expect("a setting");
    let mut holder = killer.begin().await.expect("a transaction");
    insert(&mut holder, "a", 1).await;
    let mut transaction = connection.begin().await.expect("a transaction");
    let error = store.append_in(&mut transaction, append("a", Expected::Any, 1)).await.expect_err("it is held");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    holder.rollback().await.expect("a rollback");
    transaction.rollback().await.expect("a rollback");
    assert_eq!(store.append(append("a", Expected::NoStream, 1)).await.expect("nothing is there").version(), 1);
}

pub(crate) async fn a_database_without_tables_says_what_to_do(database: Database) {
    let config = PostgresConfig::new().schema("elsewhere");
    let store = PostgresStore::connect_with(database.url(), config).await.expect("the database is there");
    let mut connection = raw(&database).await;
    let mut transaction = connection.begin().await.expect("a transaction");
    let error = store.append_in(&mut transaction, append("a", Expected::Any, 1)).await.expect_err("no tables");
    assert!(matches!(error, StoreError::WrongSchema { found: 0, .. }), "{error:?}");
}
