//! Loads of many callers at once: they share statements, and nothing else.

use std::{pin::Pin, time::Duration};

use crate::support::{append, open, open_with, raw, stream, until_so_many_wait};
use es_core::store::{EventStore as _, Expected, Load, LoadedStream, NewSnapshot, StoreError};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use futures_util::future::{join, join_all, poll_immediate};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::{sleep, timeout};

const LONG: Duration = Duration::from_mins(1);

/// Loads that all want to be read while the first are held up, so that they gather.
async fn gathered(store: &PostgresStore, other: &mut PgConnection, loads: Vec<Load>) -> Vec<LoadedStream> {
    let mut held = other.begin().await.expect("a transaction");
    held.execute("lock table es.events in access exclusive mode").await.expect("a lock");
    let tasks = loads.into_iter().map(|load| {
        let store = store.clone();
        tokio::spawn(async move { store.load(load).await })
    });
    let tasks: Vec<_> = tasks.collect();
    sleep(Duration::from_millis(300)).await;
    held.rollback().await.expect("the lock is given back");
    let answers = timeout(LONG, join_all(tasks)).await.expect("nobody is forgotten");
    answers.into_iter().map(|answer| answer.expect("the task").expect("a load")).collect()
}

pub(crate) async fn each_load_of_many_has_the_answer_that_it_would_have_alone(database: Database) {
    let store = open(&database).await;
    let mut other = raw(&database).await;
    for (id, events) in [("short", 3), ("at the limit", 256), ("beyond it", 257), ("far beyond", 1_000)] {
        let keyed = append(id, Expected::NoStream, events).idempotency_key("k");
        let last = store.append(keyed).await.expect("an append");
        if id == "short" || id == "far beyond" {
            let position = last.events[1].position;
            let state = format!("{{\"of\":\"{id}\"}}");
            store
                .save_snapshot(NewSnapshot::new(stream(id), 2.into(), position, "f", state))
                .await
                .expect("a snapshot");
        }
    }
    store.flush().await;
    let mut loads = Vec::new();
    for id in ["short", "at the limit", "beyond it", "far beyond", "none"] {
        let load = Load::new(stream(id));
        loads.extend([
            load.clone(),
            load.clone().without_metadata(),
            load.clone().snapshot(Some("f")),
            load.clone().snapshot(Some("another")),
            load.clone().snapshot(Some("f")).snapshot_at_most(1.into()),
            load.clone().idempotency_key(Some("k".to_owned())),
            load.idempotency_key(Some("another".to_owned())),
        ]);
    }
    let together = gathered(&store, &mut other, loads.clone()).await;
    for (load, gathered) in loads.into_iter().zip(together) {
        let alone = store.load(load.clone()).await.expect("a load");
        assert_eq!(gathered, alone, "{load:?}");
    }
}

pub(crate) async fn many_loads_share_statements(database: Database) {
    let store = open(&database).await;
    let mut other = raw(&database).await;
    for id in 0..200 {
        store.append(append(&id.to_string(), Expected::NoStream, 1)).await.expect("an append");
    }
    let ended = |store: PostgresStore| async move {
        store.close().await;
        drop(store);
    };
    ended(store).await;
    let before = transactions(&mut other).await;
    let store = open(&database).await;
    let loads = (0..200).map(|id: u32| Load::new(stream(&id.to_string()))).collect();
    let loaded = gathered(&store, &mut other, loads).await;
    assert!(loaded.iter().all(|loaded| loaded.events.len() == 1));
    ended(store).await;
    let statements = transactions(&mut other).await - before;
    // With those that opening a store and its connections takes.
    assert!(statements < 100, "200 loads took {statements} statements");
}

/// Two go alone, one on a lane, and one on another when that takes long.
pub(crate) async fn a_statement_that_takes_long_has_another_beside_it(database: Database) {
    let store = open(&database).await;
    store.append(append("a", Expected::NoStream, 5)).await.expect("an append");
    let (mut holder, mut looker) = (raw(&database).await, raw(&database).await);
    let mut held = holder.begin().await.expect("a transaction");
    held.execute("lock table es.events in access exclusive mode").await.expect("a lock");
    let load = || store.load(Load::new(stream("a")));
    let last = async {
        timeout(LONG, until_so_many_wait(&mut looker, 3)).await.expect("two alone, and the third on a lane");
        let release = async {
            timeout(LONG, until_so_many_wait(&mut looker, 4)).await.expect("the last waits for the third");
            held.rollback().await.expect("the lock is given back");
        };
        join(load(), release).await.0
    };
    let (mut loads, last) = join(join_all([load(), load(), load()]), last).await;
    loads.push(last);
    for loaded in loads {
        assert_eq!(loaded.expect("a load").events.len(), 5);
    }
}

/// How many transactions this database has seen, when nobody else is connected any more: those who leave have said so.
async fn transactions(connection: &mut PgConnection) -> i64 {
    loop {
        let (others, transactions): (i64, i64) = sqlx::query_as(
            "select (select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()),
                    pg_stat_get_db_xact_commit(oid) from pg_database where datname = current_database()",
        )
        .fetch_one(&mut *connection)
        .await
        .expect("figures");
        if others == 0 {
            return transactions;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Polls each once. Those that are done by then, which takes a server that is faster than we are, are left out.
async fn begin<F: Future>(loads: impl Iterator<Item = F>) -> Vec<Pin<Box<F>>> {
    let mut begun = Vec::new();
    for mut load in loads.map(Box::pin) {
        if poll_immediate(&mut load).await.is_none() {
            begun.push(load);
        }
    }
    begun
}

/// Whoever asks for something and then does not look after it must not keep others waiting.
pub(crate) async fn a_caller_that_holds_its_load_and_does_not_poll_it_keeps_nobody_waiting(database: Database) {
    let store = open(&database).await;
    store.append(append("a", Expected::NoStream, 5)).await.expect("an append");
    let held = begin((0..4).map(|_| store.load(Load::new(stream("a"))))).await;
    for _ in 0..10 {
        let loads = join_all((0..20).map(|_| store.load(Load::new(stream("a")))));
        for loaded in timeout(LONG, loads).await.expect("nobody is kept waiting") {
            assert_eq!(loaded.expect("a load").events.len(), 5);
        }
    }
    for load in held {
        assert_eq!(load.await.expect("a load").events.len(), 5);
    }
}

/// Callers come and go, and connections are lost; whoever stays has an answer.
pub(crate) async fn nobody_who_waits_for_a_load_is_forgotten(database: Database) {
    let store = open_with(&database, |config| config.max_connections(3)).await;
    store.append(append("a", Expected::NoStream, 5)).await.expect("an append");
    let callers = (0..64_u64).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0..60 {
                let limit = if (caller + round) % 3 == 0 { Duration::from_micros(caller * 40) } else { LONG };
                match timeout(limit, store.load(Load::new(stream("a")))).await {
                    Ok(Ok(loaded)) => assert_eq!(loaded.events.len(), 5),
                    Ok(Err(StoreError::Unavailable(_))) => {}
                    Ok(Err(error)) => panic!("{error:?}"),
                    Err(_) => assert!(limit < LONG, "a load was forgotten"),
                }
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    let mut other = raw(&database).await;
    for _ in 0..20 {
        let kill = "select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and pid <> pg_backend_pid() limit 1";
        other.execute(kill).await.expect("a backend can be ended");
        sleep(Duration::from_millis(10)).await;
    }
    for caller in callers {
        caller.await.expect("the caller had its answers");
    }
    assert_eq!(store.load(Load::new(stream("a"))).await.expect("lanes are free").events.len(), 5);
}

pub(crate) async fn callers_that_hold_their_loads_leave_a_connection_to_others(database: Database) {
    let store = open_with(&database, |config| config.max_connections(2)).await;
    store.append(append("a", Expected::NoStream, 5)).await.expect("an append");
    let load = || store.load(Load::new(stream("a")));
    let begun = begin((0..8).map(|_| load())).await;
    let loads = join_all((0..20).map(|_| load()));
    for loaded in timeout(LONG / 6, loads).await.expect("nobody waits for those") {
        assert_eq!(loaded.expect("a load").events.len(), 5);
    }
    for loaded in join_all(begun).await {
        assert_eq!(loaded.expect("a load").events.len(), 5);
    }
}

pub(crate) async fn loads_that_fail_together_fail_alike(database: Database) {
    let store = open_with(&database, |config| config.lock_timeout(Duration::from_millis(100))).await;
    let mut other = raw(&database).await;
    let mut held = other.begin().await.expect("a transaction");
    held.execute("lock table es.events in access exclusive mode").await.expect("a lock");
    let loads = (0..20).map(|id: u32| store.load(Load::new(stream(&id.to_string()))));
    for answer in join_all(loads).await {
        let error = answer.expect_err("the table is locked");
        assert!(error.is_unavailable(), "{error:?}");
    }
}
