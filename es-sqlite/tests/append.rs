//! Appends: append-only, other writers, archives that are dropped, large ones, and a clock that runs back.

use std::time::{Duration, Instant};

use es_core::store::{Append, EventStore as _, Expected, Load, StoreError};
use es_sqlite::SqliteConfig;
use sqlx::Executor as _;
use tokio::time::timeout;

use crate::support::{File, append, hold, insert, new_event, positions, read_all, run, stored, stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_and_deletes_are_refused() {
    let file = File::new();
    let store = file.open().await;
    store.append(append("a", Expected::NoStream, 3)).await.expect("an append");
    let mut connection = file.raw().await;
    for statement in [
        "update es_events set payload = '{}'",
        "delete from es_events where version = 2",
        "insert into es_events select * from es_events where true
         on conflict (stream_type, stream_id, version) do update set payload = '{}'",
    ] {
        let error = connection.execute(statement).await.expect_err(statement);
        assert!(error.to_string().contains("append an event that says so"), "{statement}: {error}");
    }
    assert_eq!(stored(&store, "a").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_elsewhere_is_waited_for_but_not_for_ever() {
    let file = File::new();
    let store = file.open_with(SqliteConfig::new().lock_timeout(Duration::from_millis(300))).await;
    let mut other = file.raw().await;
    hold(&mut other).await;
    let begun = Instant::now();
    for outcome in [
        store.append(append("a", Expected::NoStream, 1)).await.map(drop),
        store.append_all(vec![append("a", Expected::NoStream, 1)]).await.map(drop),
        store.archive(stream("a")).await,
    ] {
        let error = outcome.expect_err("the file is held");
        assert!(matches!(error, StoreError::Unavailable(_)) && !error.is_closed(), "{error:?}");
        assert!(error.to_string().contains("another writer had the file for too long"), "{error}");
    }
    assert!(begun.elapsed() >= Duration::from_millis(900) && begun.elapsed() < Duration::from_secs(5));
    store.load(Load::new(stream("a"))).await.expect("who reads waits for nobody");

    insert(&mut other, "a", 1).await;
    let (waiting, ()) = tokio::join!(store.append(append("a", Expected::NoStream, 1)), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        run(&mut other, "commit").await;
    });
    let error = waiting.expect_err("the other came first");
    assert!(error.is_conflict(), "{error:?}");
}

/// Of an archive that is dropped, in the transaction that it has begun, nothing is left that later appends would be part of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_dropped_swallows_no_append() {
    let file = File::new();
    let store = file.open().await;
    store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    for round in 0..100_u64 {
        let _ = timeout(Duration::from_micros(round * 25), store.archive(stream("a"))).await;
        let _ = timeout(Duration::from_micros(round * 25), store.restore(stream("a"))).await;
        store.append(append("kept", Expected::Any, 1)).await.expect("an append");
        assert_eq!(file.count("kept").await, round + 1, "others see what was acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_as_large_as_may_be_is_stored_and_read_in_small_pages() {
    let file = File::new();
    let store = file.open().await;
    let many = store.append(append("many", Expected::NoStream, 10_000)).await.expect("10,000 events");
    assert_eq!((many.version().get(), many.position().get()), (10_000, 10_000));
    assert_eq!(stored(&store, "many").await.len(), 10_000);

    let payload = format!("\"{}\"", "x".repeat(6_600_000));
    let large = (0..10).map(|_| new_event(&payload)).collect();
    store.append(Append::new(stream("large"), Expected::NoStream, large)).await.expect("64 megabytes");
    let mut read = es_core::store::ReadAll::after(9_990.into());
    let mut sizes = Vec::new();
    loop {
        let page = store.read_page(&read).await.expect("a page");
        sizes.push(page.events.len());
        read = read.go_on(page.upto);
        if !page.more {
            break;
        }
    }
    assert_eq!(sizes, [11, 1, 1, 1, 1, 1, 1, 1, 1, 1], "a page ends with the event that fills it");
    assert_eq!(stored(&store, "large").await.len(), 10);
    assert_eq!(positions(&read_all(&store, 0.into()).await), (1..=10_010).collect::<Vec<_>>());
}

/// The clock of the last writer was ahead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_does_not_run_back() {
    let file = File::new();
    let store = file.open().await;
    let mut other = file.raw().await;
    insert(&mut other, "a", 1).await;
    run(&mut other, "drop trigger es_events_are_not_updated").await;
    let future = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let update = sqlx::query("update es_events set recorded_at = ?1").bind(future.timestamp_micros());
    update.execute(&mut other).await.expect("an update");
    let appended = store.append(append("b", Expected::NoStream, 2)).await.expect("an append");
    let times: Vec<_> = read_all(&store, 0.into()).await.iter().map(|event| event.recorded_at).collect();
    assert!(times.is_sorted() && times[0].timestamp_micros() == future.timestamp_micros(), "{times:?}");
    assert_eq!(appended.events[1].recorded_at, times[2], "the answer has the time that is stored");
}
