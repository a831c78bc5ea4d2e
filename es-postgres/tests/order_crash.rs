//! The frontier when a server crashes, is a standby, or takes over.

use std::time::Duration;

use crate::support::{append, connect, insert, positions, run};
use es_core::{
    recorded::Position,
    store::{EventStore as _, Expected, ReadAll, StoreError},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::{database::Database, server::Server};
use futures_util::TryStreamExt as _;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_mins(1);

async fn append_one(store: &PostgresStore, id: &str) -> u64 {
    store.append(append(id, Expected::Any, 1)).await.expect("an append").events[0].position.get()
}

async fn read(store: &PostgresStore, after: u64) -> Result<Vec<u64>, StoreError> {
    let events: Vec<_> = store.read_all(ReadAll::after(Position::new(after))).try_collect().await?;
    Ok(positions(&events))
}

/// Reads until there are so many: a standby follows after a while, and takes over after another.
async fn read_at_least(store: &PostgresStore, events: usize) -> Vec<u64> {
    let enough = async {
        loop {
            match read(store, 0).await {
                Ok(found) if found.len() >= events => return found,
                Ok(_) | Err(StoreError::Unavailable(_) | StoreError::HistoryDiverged(_)) => {
                    sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    timeout(PATIENCE, enough).await.expect("the events come")
}

/// A crash gives prepared transactions other names. Readers that wait for them go on waiting: whether they were prepared
/// before readers asked for writers, or after.
pub(crate) async fn prepared_transactions_hold_the_frontier_across_a_crash(_: Database) {
    let Some(server) = Server::start() else { return };
    let config = PostgresConfig::new().settle_timeout(Duration::from_millis(50));
    let store = PostgresStore::connect_with(&server.url(), config).await.expect("the server is there");
    store.migrate().await.expect("it can be migrated");
    let (mut first, mut second, mut third) = (server.connect().await, server.connect().await, server.connect().await);
    for (number, connection) in (1..).zip([&mut first, &mut second, &mut third]) {
        run(connection, "begin").await;
        assert_eq!(insert(connection, &format!("p{number}"), 1).await, number);
    }
    run(&mut first, "prepare transaction 'before'").await;
    assert_eq!(append_one(&store, "a").await, 4);
    assert_eq!(read(&store, 0).await.expect("a read"), [0_u64; 0], "all three are waited for");
    run(&mut second, "prepare transaction 'after'").await;
    server.crash_and_start();
    let again = loop {
        match read(&store, 0).await {
            Ok(events) => break events,
            Err(error) => assert!(error.is_unavailable(), "{error:?}"),
        }
    };
    assert_eq!(again, [0_u64; 0], "the third is gone, and the prepared ones may still commit");
    for _ in 0..3 {
        assert_eq!(read(&store, 0).await.expect("a read"), [0_u64; 0]);
    }
    let status = store.status().await.expect("a status");
    let mut names: Vec<_> = status.holders.iter().filter_map(|holder| holder.prepared.as_deref()).collect();
    names.sort_unstable();
    assert_eq!((names, status.holders.len()), (vec!["after", "before"], 2));

    let mut other = server.connect().await;
    run(&mut other, "commit prepared 'after'").await;
    assert_eq!(read(&store, 0).await.expect("a read"), [0_u64; 0], "1 may still come");
    run(&mut other, "commit prepared 'before'").await;
    assert_eq!(read(&store, 0).await.expect("a read"), [1, 2, 4], "3 is dead");
}

pub(crate) async fn a_standby_goes_as_far_as_was_stored_and_takes_over_with_another_history(_: Database) {
    let Some(primary) = Server::start() else { return };
    let store = connect(&primary.url()).await;
    append_one(&store, "a").await;
    let standby = primary.standby();
    let copy = PostgresStore::connect(&standby.url()).await.expect("a standby can be connected to");
    let refused = read(&copy, 0).await.expect_err("nobody has stored how far all is settled");
    assert!(refused.is_unavailable() && refused.to_string().contains("standby"), "{refused}");

    // A dead hole, an event, and then one that may still come.
    let mut other = primary.connect().await;
    run(&mut other, "begin").await;
    assert_eq!(insert(&mut other, "gone", 1).await, 2);
    run(&mut other, "rollback").await;
    append_one(&store, "a").await;
    assert_eq!(read(&store, 0).await.expect("a read"), [1, 3]);
    let history = store.history().await.expect("a history");
    run(&mut other, "begin").await;
    assert_eq!(insert(&mut other, "slow", 1).await, 4);
    append_one(&store, "a").await;
    store.close().await;
    let after = read_at_least(&copy, 2).await;
    assert_eq!(after, [1, 3], "it goes as far as was stored");
    let replayed = async {
        while copy.status().await.expect("a status").highest < Position::new(5) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, replayed).await.expect("it follows the primary");
    assert_eq!(read(&copy, 3).await.expect("a read"), [0_u64; 0], "5 is there, and 4 may still come");
    assert_eq!(copy.settled().await.expect("settled"), Position::new(3));

    // It takes over, and what was unfinished on the primary is gone; 4 may be given out again, or never.
    drop(other);
    drop(primary);
    standby.promote();
    let taken_over = read_at_least(&copy, 3).await;
    assert_eq!(taken_over, [1, 3, 5]);
    let new = connect(&standby.url()).await;
    assert_ne!(new.history().await.expect("a history"), history);
    assert!(append_one(&new, "a").await > 5);
    assert_eq!(read(&new, 0).await.expect("a read").len(), 4);
}

pub(crate) async fn a_server_that_may_lose_what_it_acknowledged_is_refused(_: Database) {
    let Some(server) = Server::start() else { return };
    let mut other = server.connect().await;
    for setting in ["fsync", "full_page_writes"] {
        run(&mut other, &format!("alter system set {setting} = off")).await;
        run(&mut other, "select pg_reload_conf()").await;
        let error = loop {
            match PostgresStore::connect(&server.url()).await {
                Ok(store) => store.close().await,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
        assert!(error.to_string().contains(&format!("set `{setting} = on`")), "{error}");
        run(&mut other, &format!("alter system reset {setting}")).await;
        run(&mut other, "select pg_reload_conf()").await;
        while PostgresStore::connect(&server.url()).await.is_err() {}
    }
}
