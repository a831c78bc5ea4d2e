//! A file that is removed, renamed or replaced under a store that has it open: nothing is acknowledged that nobody else sees.

use std::{fs, pin::pin, time::Duration};

use es_core::{
    recorded::Position,
    store::{Checkpoint, EventStore as _, Expected, Load, NewSnapshot, ReadAll, StoreError},
};
use es_sqlite::{SqliteConfig, SqliteStore};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::timeout;

use crate::support::{File, append, hold, read_all, stored, stream};

/// Whatever is asked is refused, and the answer names the file and says what to do.
async fn is_refused(store: &SqliteStore, words: &str) {
    for outcome in [
        store.append(append("a", Expected::Any, 1)).await.map(drop),
        store.append_all(vec![append("a", Expected::Any, 1)]).await.map(drop),
        store.archive(stream("a")).await,
        store.load(Load::new(stream("a"))).await.map(drop),
        store.settled().await.map(drop),
        store.read_all(ReadAll::after(Position::START)).try_collect::<Vec<_>>().await.map(drop),
    ] {
        let error = outcome.expect_err(words);
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("events.db") && text.contains(words) && text.contains("close the store"), "{text}");
    }
}

fn remove(file: &File) {
    for name in ["events.db", "events.db-wal", "events.db-shm"] {
        let _ = fs::remove_file(file.beside(name));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_appended_to_a_file_that_was_removed() {
    let file = File::new();
    let store = file.open().await;
    store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    remove(&file);
    is_refused(&store, "was removed or renamed").await;
    assert!(!file.path().exists(), "no new one is made");
    store.close().await;
    assert!(!file.path().exists(), "no new one is made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_renamed_is_used_again_when_it_is_back() {
    let file = File::new();
    let store = file.open().await;
    store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    fs::rename(file.path(), file.beside("away.db")).expect("it can be renamed");
    is_refused(&store, "was removed or renamed").await;
    fs::rename(file.beside("away.db"), file.path()).expect("it can be renamed");
    store.append(append("a", Expected::Any, 1)).await.expect("it is the same file");
    assert_eq!(stored(&store, "a").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_appended_to_a_file_that_another_stands_in_for() {
    let file = File::new();
    // One that has read, and one that has not, and would open the new file for it.
    let (store, fresh) = (file.open().await, file.open().await);
    store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    remove(&file);
    let again = file.open().await;
    again.append(append("b", Expected::NoStream, 3)).await.expect("an append to the new file");
    is_refused(&store, "is not the file that was opened").await;
    is_refused(&fresh, "is not the file that was opened").await;
    assert_eq!(read_all(&again, Position::START).await.len(), 3);
    assert_eq!(again.close().await, ());
    let after = file.open().await;
    assert_eq!(read_all(&after, Position::START).await.len(), 3, "the new file has only what was written to it");
}

/// Whoever is the last to close a file removes its log by its name. SQLite looks whether that is still the log of its file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_of_the_old_file_leaves_the_new_one_alone() {
    for closed in [true, false] {
        let file = File::new();
        let store = file.open().await;
        store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
        assert_eq!(stored(&store, "a").await.len(), 1);
        remove(&file);
        let again = file.open().await;
        again.append(append("b", Expected::NoStream, 3)).await.expect("an append to the new file");
        if closed {
            store.close().await;
        }
        drop(store);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(file.beside("events.db-wal").exists(), "it has the events of the new file");
        again.append(append("b", Expected::Any, 1)).await.expect("it goes on");
        assert_eq!(file.count("b").await, 4);
    }
}

/// Whoever lost its connection comes back to the file that it had, or to none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_not_opened_anew_to_another_file() {
    for with_another in [true, false] {
        let file = File::new();
        let store = file.open_with(SqliteConfig::new().lock_timeout(Duration::from_secs(1))).await;
        store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
        // A write that is dropped in its midst takes the connection with it.
        let mut other = file.raw().await;
        hold(&mut other).await;
        assert!(timeout(Duration::from_millis(100), store.archive(stream("a"))).await.is_err(), "the file is held");
        drop(other);
        remove(&file);
        let mut words = "was removed or renamed";
        if with_another {
            drop(file.open().await);
            words = "is not the file that was opened";
        }
        is_refused(&store, words).await;
    }
}

/// What was acknowledged is in the log until it is copied over: without it, others see a file that lacks it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_appended_beside_a_log_that_was_removed() {
    let file = File::new();
    let store = file.open().await;
    store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    fs::remove_file(file.beside("events.db-wal")).expect("it can be removed");
    let error = store.append(append("a", Expected::Any, 1)).await.expect_err("its log is gone");
    assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
    assert!(error.to_string().contains("events.db-wal"), "{error}");
    store.close().await;
    assert_eq!(file.count("a").await, 1, "closing brings what was acknowledged into the file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_ends_when_its_file_is_gone() {
    let file = File::new();
    let store = file.open().await;
    store.append(append("a", Expected::NoStream, 2)).await.expect("an append");
    let mut events = pin!(store.subscribe(ReadAll::after(Position::START)));
    assert_eq!(events.by_ref().take(2).count().await, 2);
    let (answer, ()) = tokio::join!(timeout(Duration::from_secs(10), events.next()), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        remove(&file);
        drop(file.open().await);
    });
    let error = answer.expect("it ends").expect("an error").expect_err("its file is gone");
    assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
}

/// What was decided, read and kept in one file is of no use in another that was put in its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_made_anew_is_another_history() {
    let file = File::new();
    let store = file.open().await;
    let known = store.history().await.expect("a store knows its history");
    assert_eq!(file.open().await.history().await.expect("a store knows its history"), known, "the same for all");
    let gone = store.append(append("a", Expected::NoStream, 10)).await.expect("an append");
    let kept = Checkpoint::behind(&read_all(&store, Position::START).await[9], known);
    store.close().await;
    remove(&file);

    let again = file.open().await;
    again.append(append("a", Expected::NoStream, 10)).await.expect("other events at the same versions");
    let found = again.history().await.expect("a store knows its history");
    let stale = append("a", Expected::Exact(10.into()), 1).decided_in(known);
    let refused = again.append(stale).await.expect_err("it was decided upon events that are gone");
    let StoreError::HistoryDiverged(diverged) = refused else { panic!("{refused:?}") };
    assert_eq!((diverged.known, diverged.found), (known, found));
    let refused = again.read_page(&ReadAll::resume(kept)).await.expect_err("it was read elsewhere");
    assert!(matches!(refused, StoreError::HistoryDiverged(_)), "{refused:?}");
    let snapshot = NewSnapshot::new(stream("a"), gone.version(), gone.position(), "f", "{}".to_owned());
    again.save_snapshot(snapshot.of_history(known)).await.expect("it is taken in");
    again.flush().await;
    assert_eq!(again.kept_snapshot(stream("a")).await.expect("a look"), None);
    assert_eq!(stored(&again, "a").await.len(), 10);
}
