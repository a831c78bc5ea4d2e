//! Subscriptions through kills and restarts, and never from one history into another.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    stores::{
        positions,
        subscribe::{LONG, all, next},
    },
    support::{append, insert, open, open_with, raw, read_all, stream, through},
};
use es_core::{
    recorded::Position,
    store::{Checkpoint, EventStore as _, Expected, ReadAll, StoreError, StoredEvent},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::{database::Database, server::Server};
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

/// The checkpoint behind the last event.
async fn checkpoint(store: &PostgresStore) -> Checkpoint {
    let last = read_all(store, Position::START).await.pop().expect("there are events");
    Checkpoint::behind(&last, store.history().await.expect("a history"))
}

fn is_missing(answer: Option<&Result<StoredEvent, StoreError>>, checkpoint: Checkpoint) {
    match answer {
        Some(Err(StoreError::HistoryDiverged(diverged))) => assert_eq!(diverged.missing, Some(checkpoint)),
        other => panic!("expected another history, got {other:?}"),
    }
}

pub(crate) async fn a_checkpoint_is_of_no_use_where_another_event_stands(database: Database) {
    let store = open(&database).await;
    store.append(append("a", Expected::Any, 3)).await.expect("an append");
    let kept = checkpoint(&store).await;
    let mut seen = pin!(store.subscribe(ReadAll::resume(kept)));
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    assert_eq!(next(&mut seen, 1).await, [4]);
    // As a restore would, which nobody noticed: the numbers begin again.
    let again = "set session_replication_role = replica; truncate es.events restart identity";
    raw(&database).await.execute(sqlx::raw_sql(again)).await.expect("a truncate");
    store.append(append("b", Expected::Any, 5)).await.expect("an append");
    let store = open(&database).await;
    let followed: Vec<_> = timeout(LONG, store.subscribe(ReadAll::resume(kept)).collect()).await.expect("it ends");
    assert_eq!(followed.len(), 1);
    is_missing(followed.first(), kept);
}

/// Puts tables with another history in the place of the store's, as a failover does: nobody can reach the server
/// meanwhile, and no connection outlives it. Of the events the first `kept` are there, and behind them others.
async fn fail_over(database: &Database, line: &crate::support::Line, kept: i64, others: &[&str]) {
    let mut beside = raw(database).await;
    line.cut();
    let other = open_with(database, |config| config.schema("other")).await;
    other.close().await;
    let columns = "position, stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata";
    let sql = format!(
        "insert into other.events ({columns}) overriding system value
         select {columns} from es.events where position <= {kept} order by position;
         select setval(pg_get_serial_sequence('other.events', 'position'), {kept});
         alter schema es rename to former; alter schema other rename to es;
         select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()"
    );
    beside.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.expect("the tables change places");
    for id in others {
        insert(&mut beside, id, 100).await;
    }
    line.mend();
}

/// That its last event is there does not say that all before it are: it ends, and whoever knows better says so. One that has
/// handed out nothing begins anew.
pub(crate) async fn a_subscription_goes_on_in_another_history_only_if_told_to(database: Database) {
    let (url, line) = through(&database).await;
    let store = crate::support::connect(&url).await;
    store.append(append("seen", Expected::Any, 2)).await.expect("an append");
    store.append(append("other", Expected::Any, 6)).await.expect("an append");
    let request = all().streams([stream("seen")]);
    let last = store.read_all(request.clone()).try_collect::<Vec<_>>().await.expect("events").remove(1);
    let kept = Checkpoint::behind(&last, store.history().await.expect("a history"));
    let mut events = pin!(store.subscribe(request.clone()));
    let mut none_yet = pin!(store.subscribe(all().streams([stream("new")])));
    assert_eq!(next(&mut events, 2).await, [1, 2]);
    let (answer, new, ()) = tokio::join!(
        timeout(LONG, events.next()),
        next(&mut none_yet, 1),
        fail_over(&database, &line, 4, &["x", "seen", "new"])
    );
    let Some(Err(StoreError::HistoryDiverged(diverged))) = answer.expect("it ends") else { panic!("it goes on") };
    assert_eq!((diverged.known, diverged.missing), (kept.history, None));
    assert!(events.next().await.is_none());
    assert_eq!(new, [7], "it stands where there was another before");

    let request = |kept| ReadAll::resume(kept).streams([stream("seen")]);
    let refused = store.read_page(&request(kept)).await.expect_err("nobody has said that it is complete");
    assert!(matches!(refused, StoreError::HistoryDiverged(_)), "{refused:?}");
    let page = store.read_page(&request(kept.assume_complete_in(diverged.found))).await.expect("it goes on");
    assert_eq!(positions(&page.events), [6]);
}

/// Follows until the last event, which is in the stream `end`.
fn follow(store: &PostgresStore, read: ReadAll) -> JoinHandle<Vec<u64>> {
    let events = store.subscribe(read);
    tokio::spawn(async move {
        let mut events = pin!(events);
        let mut seen = Vec::new();
        while let Some(event) = events.try_next().await.expect("a subscription goes on") {
            seen.push(event.position.get());
            if event.stream.id() == "end" {
                break;
            }
        }
        seen
    })
}

/// Appends so many times, each as often as it takes.
async fn write(store: PostgresStore, id: String, times: u32) {
    for _ in 0..times {
        let append = append(&id, Expected::Any, 2);
        while let Err(error) = store.append(append.clone()).await {
            assert!(error.is_unavailable(), "{error:?}");
            sleep(Duration::from_millis(20)).await;
        }
        sleep(Duration::from_millis(3)).await;
    }
}

pub(crate) async fn every_event_is_seen_once_in_order_whatever_happens(_: Database) {
    let Some(server) = Server::start() else { return };
    let config = || PostgresConfig::new().acquire_timeout(Duration::from_secs(2));
    let url = |name: &str| format!("{}?application_name={name}", server.url());
    let connect =
        async |name: &str| PostgresStore::connect_with(&url(name), config()).await.expect("the server is there");
    let (reading, writing) = (connect("reader").await, connect("writer").await);
    writing.migrate().await.expect("it can be migrated");

    let some = || [stream("w0"), stream("w3"), stream("end")];
    let followers = [
        follow(&reading, all()),
        follow(&reading, all().event_types(["Tested"])),
        follow(&reading, all().streams(some())),
        follow(&reading, all().streams(some()).streams((0..100).map(|number| stream(&format!("none{number}"))))),
        follow(&writing, all()),
    ];
    let writers: Vec<_> =
        (0..6).map(|number| tokio::spawn(write(writing.clone(), format!("w{number}"), 150))).collect();
    let busy = Arc::new(AtomicBool::new(true));
    let killer = tokio::spawn({
        let (url, busy) = (url("killer"), Arc::clone(&busy));
        async move {
            let mut kills = 0;
            while busy.load(Ordering::SeqCst) {
                sleep(Duration::from_millis(40)).await;
                let Ok(mut killer) = PgConnection::connect(&url).await else { continue };
                let kill =
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'reader'";
                if let Ok(killed) = sqlx::query_scalar::<_, i64>(kill).fetch_one(&mut killer).await {
                    kills += killed;
                }
            }
            kills
        }
    });
    sleep(Duration::from_millis(600)).await;
    server.crash_and_start();
    for writer in writers {
        writer.await.expect("a writer");
    }
    busy.store(false, Ordering::SeqCst);
    let kills = killer.await.expect("the killer");
    write(writing.clone(), "end".to_owned(), 1).await;

    let stored = read_all(&writing, Position::START).await;
    assert!(kills > 10 && stored.len() == 1_802, "{kills} kills, {} events", stored.len());
    let last = stored.len() - 1;
    let end = |read: &[StoredEvent]| positions(read);
    let whole = end(&stored[..last]);
    let part: Vec<_> = stored[..last].iter().filter(|event| some().contains(&event.stream)).cloned().collect();
    for (number, follower) in followers.into_iter().enumerate() {
        let seen = timeout(LONG, follower).await.expect("it ends").expect("a follower");
        let expected = if [2, 3].contains(&number) { end(&part) } else { whole.clone() };
        assert_eq!(seen, expected, "follower {number}");
    }
    reading.close().await;
    writing.close().await;
}
