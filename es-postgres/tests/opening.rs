//! Opening a store: migrations, wrong servers, wrong tables, and a server that goes away and comes back.

use std::time::Duration;

use crate::support::{append, open, open_with, raw, read_all, stored, stream};
use es_core::{
    recorded::Position,
    store::{EventStore as _, Expected, Load, StoreError},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;
use sqlx::{Connection as _, Executor as _};

pub(crate) async fn migrating_again_changes_nothing(database: Database) {
    let store = PostgresStore::connect(database.url()).await.expect("the database is there");
    store.migrate().await.expect("a first time");
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    store.migrate().await.expect("a second time");
    assert_eq!(stored(&store, "a").await.len(), 1);
}

pub(crate) async fn many_processes_may_migrate_at_once(database: Database) {
    let mut migrations = Vec::new();
    for _ in 0..8 {
        let store = PostgresStore::connect(database.url()).await.expect("the database is there");
        migrations.push(tokio::spawn(async move { store.migrate().await }));
    }
    for migration in migrations {
        migration.await.expect("the task").expect("each succeeds");
    }
}

pub(crate) async fn tables_of_a_newer_program_are_refused(database: Database) {
    let store = open(&database).await;
    let newer = "insert into es.migrations (version, name) values (99, 'of the future')";
    raw(&database).await.execute(newer).await.expect("an insert");
    let connected = PostgresStore::connect(database.url()).await.map(drop);
    for outcome in [connected, store.migrate().await] {
        match outcome {
            Err(StoreError::WrongSchema { found: 99, needed }) => assert!(needed < 99),
            other => panic!("expected the tables to be refused, got {other:?}"),
        }
    }
}

pub(crate) async fn a_store_that_was_not_migrated_says_what_to_do(database: Database) {
    let store = PostgresStore::connect(database.url()).await.expect("the database is there");
    let appended = store.append(append("a", Expected::Any, 1)).await.map(drop);
    let loaded = store.load(Load::new(stream("a"))).await.map(drop);
    for outcome in [appended, loaded] {
        let error = outcome.expect_err("there are no tables");
        assert!(matches!(error, StoreError::WrongSchema { found: 0, .. }), "{error:?}");
        assert!(error.to_string().contains("migrate()"), "{error}");
    }
}

pub(crate) async fn a_server_that_is_not_there_is_named_without_its_password(_: Database) {
    let config = PostgresConfig::new().acquire_timeout(Duration::from_secs(2));
    let url = "postgres://someone:s3cret@127.0.0.1:1/bank";
    let error = PostgresStore::connect_with(url, config).await.expect_err("nobody listens there");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("`bank` at 127.0.0.1:1"), "{error}");
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}

pub(crate) async fn settings_that_cannot_work_are_told_from_a_server_that_is_away(database: Database) {
    let missing = format!("{}_that_is_not_there", database.url());
    for (url, words) in [
        ("mysql://someone:s3cret@127.0.0.1/bank", "postgres://"),
        ("", "postgres://"),
        ("postgres://someone:s3cret@127.0.0.1:99999999/bank", "invalid port"),
        ("postgres://someone:s3cret#1@127.0.0.1/bank", "%23"),
        (missing.as_str(), "does not exist"),
    ] {
        let error = PostgresStore::connect(url).await.expect_err(words);
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
        assert!(!error.is_unavailable() && error.to_string().contains(words), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

/// The events only grow: by the usual settings a fifth of them must be new before they are vacuumed, and the vacuum
/// against wraparound would freeze them all at once.
pub(crate) async fn the_tables_are_vacuumed_by_what_is_inserted(database: Database) {
    open(&database).await;
    let options: Vec<String> =
        sqlx::query_scalar("select unnest(reloptions) from pg_class where oid = 'es.events'::regclass order by 1")
            .fetch_all(&mut raw(&database).await)
            .await
            .expect("settings");
    let expected = [
        "autovacuum_freeze_min_age=0",
        "autovacuum_vacuum_insert_scale_factor=0.05",
        "autovacuum_vacuum_insert_threshold=100000",
    ];
    assert_eq!(options, expected);
}

pub(crate) async fn connections_that_died_are_replaced(database: Database) {
    let store = open(&database).await;
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()";
    let mut killer = raw(&database).await;
    for round in 1..=5 {
        let all = (0..8).map(|_| store.load(Load::new(stream("a"))));
        futures_util::future::join_all(all).await;
        killer.execute(kill).await.expect("a kill");
        store.append(append("a", Expected::Any, 1)).await.expect("an append on a new connection");
        killer.execute(kill).await.expect("a kill");
        assert_eq!(stored(&store, "a").await.len(), round);
        killer.execute(kill).await.expect("a kill");
        assert_eq!(read_all(&store, Position::START).await.len(), round);
    }
}

pub(crate) async fn a_busy_store_answers_that_it_is(database: Database) {
    let set = |config: PostgresConfig| config.max_connections(1).acquire_timeout(Duration::from_millis(200));
    let store = open_with(&database, set).await;
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    crate::support::insert(&mut transaction, "a", 1).await;
    let held = tokio::spawn({
        let store = store.clone();
        async move { store.append(append("a", Expected::Any, 1)).await }
    });
    // By now it is on the slow lane, which may hold the only connection.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let error = store.load(Load::new(stream("b"))).await.expect_err("the only connection is in use");
    assert!(error.is_unavailable(), "{error:?}");
    transaction.commit().await.expect("a commit");
    held.await.expect("the task").expect("it goes on");
    store.load(Load::new(stream("b"))).await.expect("the connection is free again");
}

pub(crate) async fn a_closed_store_answers_that_it_is(database: Database) {
    let store = open(&database).await;
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    let clone = store.clone();
    store.close().await;
    let error = clone.append(append("a", Expected::Any, 1)).await.expect_err("it is closed");
    assert!(error.is_unavailable(), "{error:?}");
    assert_eq!(stored(&open(&database).await, "a").await.len(), 1);
}

pub(crate) async fn the_cancelled_do_not_use_up_connections(database: Database) {
    let store = open_with(&database, |config| config.max_connections(2)).await;
    for round in 0..50 {
        let limit = Duration::from_micros(round * 20);
        let _ = tokio::time::timeout(limit, store.load(Load::new(stream("a")))).await;
    }
    store.load(Load::new(stream("a"))).await.expect("connections are free");
}

/// With a pool that callers share, a dropped `begin()` leaves a connection inside a transaction, and an append that
/// gets it is acknowledged and then lost. The store's connections are its own, whatever happens on others.
pub(crate) async fn a_transaction_that_a_caller_left_open_cannot_swallow_an_append(database: Database) {
    let store = open_with(&database, |config| config.max_connections(1)).await;
    let pool = sqlx::PgPool::connect(database.url()).await.expect("the database is there");
    for round in 0..50 {
        let limit = Duration::from_micros(round * 10);
        let _ = tokio::time::timeout(limit, pool.begin()).await;
        let _ = tokio::time::timeout(limit, store.append(append("dropped", Expected::Any, 1))).await;
        store.append(append("kept", Expected::Any, 1)).await.expect("an append");
    }
    assert_eq!(crate::support::count(&mut raw(&database).await, "kept").await, 50);
    pool.close().await;
}
