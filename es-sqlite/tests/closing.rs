//! The end of a store: what was accepted is answered, and the file alone holds everything.

use std::{pin::pin, time::Duration};

use es_core::{
    recorded::Position,
    store::{EventStore as _, Expected, Load, NewSnapshot, ReadAll, StoreError},
};
use es_sqlite::SqliteStore;
use futures_util::{StreamExt as _, future::poll_immediate};
use tokio::time::{sleep, timeout};

use crate::support::{File, append, hold, read_all, run, stored, stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_answers_what_was_accepted_and_refuses_the_rest() {
    let file = File::new();
    let store = file.open().await;
    let mut other = file.raw().await;
    hold(&mut other).await;
    let mut accepted = Vec::new();
    for number in 0..100_u32 {
        let (store, request) = (store.clone(), append(&format!("s{}", number % 40), Expected::Any, 1));
        let mut asked = Box::pin(async move { store.append(request).await });
        assert!(poll_immediate(&mut asked).await.is_none(), "it was accepted");
        accepted.push(asked);
    }
    let accepted: Vec<_> = accepted.into_iter().map(|append| tokio::spawn(append)).collect();
    // Whoever else closes it waits for the same, and one that gives up closing changes nothing.
    let _ = timeout(Duration::from_millis(20), store.close()).await;
    let closing = [(); 2].map(|()| {
        let store = store.clone();
        tokio::spawn(async move { store.close().await })
    });
    sleep(Duration::from_millis(50)).await;
    let refused = store.append(append("late", Expected::Any, 1)).await.expect_err("it is closing");
    assert!(refused.is_closed(), "{refused:?}");
    assert!(closing.iter().all(|closing| !closing.is_finished()), "it did not wait for what was accepted");
    run(&mut other, "rollback").await;
    for closing in closing {
        closing.await.expect("the task");
    }
    for append in accepted {
        append.await.expect("the task").expect("it was accepted before the store was closed");
    }
    let again = file.open().await;
    assert_eq!(read_all(&again, Position::START).await.len(), 100);
    for outcome in [
        store.append(append("later", Expected::Any, 1)).await.map(drop),
        store.load(Load::new(stream("later"))).await.map(drop),
        store.archive(stream("s1")).await,
        store.migrate().await,
    ] {
        let refused = outcome.expect_err("it is closed");
        assert!(refused.is_closed(), "{refused:?}");
    }
}

/// A file that was closed can be copied without the files beside it: these are gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_close_the_file_alone_holds_everything() {
    for round in 0..10 {
        let file = File::new();
        let store = file.open().await;
        store.append(append("a", Expected::Any, 10)).await.expect("an append");
        let snapshot = NewSnapshot::new(stream("a"), 10.into(), 10.into(), "f", "{}".to_owned());
        store.save_snapshot(snapshot).await.expect("it is taken in");
        // A watcher has a connection of its own, which is closed, too.
        let mut events = Box::pin(store.subscribe(ReadAll::after(Position::START)));
        assert_eq!(events.by_ref().take(10).count().await, 10);
        assert!(timeout(Duration::from_millis(round * 5), events.next()).await.is_err(), "there is no other");
        store.close().await;
        let last = events.next().await.expect("an end").expect_err("it was closed");
        assert!(last.is_closed(), "{last:?}");
        for beside in ["events.db-wal", "events.db-shm"] {
            assert!(!file.beside(beside).exists(), "{beside} is left");
        }
        let copy = file.beside("copy.db");
        std::fs::copy(file.path(), &copy).expect("a copy");
        let copied = SqliteStore::open(copy).await.expect("it can be opened");
        assert_eq!(stored(&copied, "a").await.len(), 10);
        assert!(copied.kept_snapshot(stream("a")).await.expect("a look").is_some(), "it was written before the end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_ends_subscriptions_whose_next_look_is_far_away() {
    let file = File::new();
    let store = file.open_with(es_sqlite::SqliteConfig::new().poll_interval(Duration::from_hours(1))).await;
    let subscribers: Vec<_> =
        (0..3).map(|_| tokio::spawn(store.subscribe(ReadAll::after(Position::START)).collect::<Vec<_>>())).collect();
    sleep(Duration::from_millis(50)).await;
    timeout(Duration::from_secs(1), store.close()).await.expect("it waits for nothing");
    for subscriber in subscribers {
        let seen = timeout(Duration::from_secs(10), subscriber).await.expect("it ends").expect("the task");
        let [Err(last)] = &seen[..] else { panic!("{seen:?}") };
        assert!(last.is_closed(), "{last:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_dropped_leaves_the_file_to_others() {
    let file = File::new();
    for round in 1..=20 {
        let store = file.open().await;
        store.append(append("a", Expected::Any, 1)).await.expect("an append");
        let events = store.subscribe(ReadAll::after(Position::START));
        assert_eq!(pin!(events.take(round)).count().await, round);
    }
    assert_eq!(file.count("a").await, 20);
}

/// A snapshot that cannot be written is given up, and holds up neither the end nor anybody who appends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_that_find_no_turn_are_dropped() {
    let file = File::new();
    let store = file.open_with(es_sqlite::SqliteConfig::new().lock_timeout(Duration::from_millis(50))).await;
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    let mut other = file.raw().await;
    hold(&mut other).await;
    let snapshot = NewSnapshot::new(stream("a"), 1.into(), 1.into(), "f", "{}".to_owned());
    store.save_snapshot(snapshot).await.expect("it is taken in");
    timeout(Duration::from_secs(5), store.flush()).await.expect("it is not waited for for ever");
    let refused = store.append(append("a", Expected::Any, 1)).await.expect_err("the file is held");
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    timeout(Duration::from_secs(5), store.close()).await.expect("it ends");
    run(&mut other, "rollback").await;
}
