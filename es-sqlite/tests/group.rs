//! Appends of many callers at once: they share transactions, and nothing else.

use std::time::Duration;

use es_core::{
    event::EventSchema,
    recorded::StreamVersion,
    store::{Append, EventStore as _, Expected, StoreError},
};
use es_sqlite::{SqliteConfig, SqliteStore};
use futures_util::future::{join_all, poll_immediate};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::sleep,
};

use crate::support::{File, append, bad, hold, new_event, run, stored, stream};

/// How many transactions stored the events: all that one stores has one time.
async fn transactions(file: &File) -> i64 {
    let times = "select count(distinct recorded_at) from es_events";
    sqlx::query_scalar(times).fetch_one(&mut file.raw().await).await.expect("transactions can be counted")
}

fn send(store: &SqliteStore, request: Append) -> JoinHandle<Result<es_core::store::Appended, StoreError>> {
    let store = store.clone();
    tokio::spawn(async move { store.append(request).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_transactions() {
    let file = File::new();
    let store = file.open().await;
    let appends = (0..400).map(|number| send(&store, append(&format!("s{number}"), Expected::NoStream, 2)));
    for appended in join_all(appends).await {
        assert_eq!(appended.expect("the task").expect("an append").version(), 2);
    }
    let transactions = transactions(&file).await;
    assert!(transactions <= 100, "400 appends took {transactions} transactions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_alone_waits_for_nobody() {
    let file = File::new();
    let store = file.open().await;
    for number in 0..20 {
        store.append(append(&format!("s{number}"), Expected::NoStream, 1)).await.expect("an append");
    }
    assert_eq!(transactions(&file).await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_append_of_a_transaction_has_its_own_outcome() {
    let file = File::new();
    let store = file.open().await;
    let exact = |version| Expected::Exact(StreamVersion::new(version));
    for id in ["any", "exact", "stale", "taken", "exists", "archived"] {
        store.append(append(id, Expected::NoStream, 2)).await.expect("an append");
    }
    store.archive(stream("archived")).await.expect("it exists");
    let keyed = append("keyed", Expected::NoStream, 3).idempotency_key("k");
    let same = append("same", Expected::NoStream, 2);
    let named = append("named", Expected::Any, 2);
    for first in [&keyed, &same, &named] {
        store.append(first.clone()).await.expect("an append");
    }
    let before = (store.settled().await.expect("a position").get(), transactions(&file).await);
    let mut other = file.raw().await;
    hold(&mut other).await;
    let twice = append("twice", Expected::Any, 2);
    let mut elsewhere = append("zero", Expected::Any, 1);
    elsewhere.decided_in = Some(es_core::store::HistoryId::new());
    let requests = [
        append("first", Expected::NoStream, 1),
        append("zero", Expected::NoStream, 1),
        append("any", Expected::Any, 2),
        append("exact", exact(2), 1),
        append("exists", Expected::StreamExists, 3),
        append("stale", exact(1), 4),
        append("taken", Expected::NoStream, 4),
        append("missing", Expected::StreamExists, 4),
        append("beyond", exact(7), 4),
        append("keyed", Expected::Any, 4).idempotency_key("k"),
        same,
        named,
        append("keyed", exact(3), 1).idempotency_key("other"),
        twice.clone(),
        twice,
        append("archived", Expected::Any, 1),
        elsewhere,
    ];
    let mut sent = Vec::new();
    for request in requests {
        let mut asked = Box::pin({
            let store = store.clone();
            async move { store.append(request).await }
        });
        assert!(poll_immediate(&mut asked).await.is_none(), "the file is held");
        sent.push(asked);
    }
    run(&mut other, "rollback").await;
    let said: Vec<String> = join_all(sent)
        .await
        .iter()
        .map(|answer| match answer {
            Ok(appended) => {
                let versions = appended.events.iter().map(|placed| placed.version.get());
                format!("{:?}{}", versions.collect::<Vec<_>>(), if appended.replayed { " replayed" } else { "" })
            }
            Err(StoreError::Conflict(conflict)) => {
                format!("{} is at {}, not {}", conflict.stream, conflict.actual, conflict.expected)
            }
            Err(StoreError::Archived { stream }) => format!("{stream} is archived"),
            Err(StoreError::HistoryDiverged(_)) => "another history".to_owned(),
            Err(other) => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        said,
        [
            "[1]",
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
            "[1, 2]",
            "[1, 2] replayed",
            "test/archived is archived",
            "another history",
        ]
    );
    assert_eq!(store.settled().await.expect("a position").get() - before.0, 11, "who stores nothing takes no position");
    assert!(transactions(&file).await - before.1 <= 2, "they did not go together");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_append_fails_alone() {
    let file = File::new();
    let store = file.open().await;
    for _ in 0..5 {
        let appends = (0..40).map(|number| {
            let id = format!("s{number}");
            let mut request = if number % 26 == 5 { bad(&id) } else { append(&id, Expected::Any, 1) };
            if number % 26 == 18 {
                request.events[0].schema = EventSchema::new("Tested", 0);
            }
            store.append(request)
        });
        for (number, answer) in join_all(appends).await.into_iter().enumerate() {
            match answer {
                Ok(_) if number % 13 != 5 => {}
                Err(StoreError::Backend { .. }) if number % 13 == 5 => {}
                other => panic!("append {number}: {other:?}"),
            }
        }
    }
    for number in 0..40 {
        let expected = if number % 13 == 5 { 0 } else { 5 };
        assert_eq!(file.count(&format!("s{number}")).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_under_way_outlives_its_caller_and_the_store() {
    let file = File::new();
    let store = file.open().await;
    let mut other = file.raw().await;
    hold(&mut other).await;
    let request = append("a", Expected::Any, 2);
    let caller = send(&store, request.clone());
    drop(store);
    // The writer has taken it, and waits for the file.
    sleep(Duration::from_millis(100)).await;
    caller.abort();
    assert!(caller.await.expect_err("the file is held").is_cancelled());
    run(&mut other, "rollback").await;
    while file.count("a").await == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let again = file.open().await.append(request).await.expect("it can be sent again");
    assert!(again.replayed);
    assert_eq!(file.count("a").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_while_it_waits_leaves_no_trace() {
    let file = File::new();
    let store = file.open().await;
    let mut other = file.raw().await;
    hold(&mut other).await;
    let held = send(&store, append("held", Expected::Any, 1));
    sleep(Duration::from_millis(50)).await;
    for number in 0..100 {
        let mut waiting = Box::pin(store.append(append(&format!("s{number}"), Expected::Any, 1)));
        assert!(poll_immediate(&mut waiting).await.is_none(), "the writer is out");
    }
    run(&mut other, "rollback").await;
    held.await.expect("the task").expect("it is stored");
    store.append(append("after", Expected::Any, 1)).await.expect("the writer goes on");
    assert_eq!(store.settled().await.expect("a position").get(), 2);
}

/// Two large appends wait, and a third has no room: it is told so in time, and is not stored later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_no_room_waits_for_it_but_not_for_ever() {
    let file = File::new();
    let config = SqliteConfig::new().acquire_timeout(Duration::from_millis(300)).lock_timeout(Duration::from_mins(1));
    let store = file.open_with(config).await;
    let mut other = file.raw().await;
    hold(&mut other).await;
    let payload = format!("\"{}\"", "x".repeat(15_000_000));
    let large = |id: &str| Append::new(stream(id), Expected::Any, (0..4).map(|_| new_event(&payload)).collect());
    let mut held = Vec::new();
    for id in ["a", "b"] {
        let mut waiting = Box::pin(store.append(large(id)));
        assert!(poll_immediate(&mut waiting).await.is_none(), "it is accepted, and waits");
        held.push(waiting);
    }
    let error = store.append(large("c")).await.expect_err("there is no room");
    assert!(matches!(error, StoreError::Unavailable(_)) && !error.is_closed(), "{error:?}");
    assert!(error.to_string().contains("too much was waiting"), "{error}");
    run(&mut other, "rollback").await;
    for held in held {
        held.await.expect("it was accepted");
    }
    store.append(large("d")).await.expect("there is room again");
    store.close().await;
    assert_eq!((file.count("a").await, file.count("c").await, file.count("d").await), (4, 0, 4));
}

/// The writer lives on the runtime on which the store was opened. When that ends in the midst of a transaction, nobody can say
/// what became of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_runtime_ends_is_in_doubt_and_the_next_finds_the_store_closed() {
    let file = File::new();
    let elsewhere: Runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let path = file.path();
    let store =
        elsewhere.spawn(async move { SqliteStore::open(path).await }).await.expect("the task").expect("it opens");
    let mut other = file.raw().await;
    hold(&mut other).await;
    let request = append("a", Expected::Any, 1);
    let waiting = send(&store, request.clone());
    sleep(Duration::from_millis(100)).await;
    elsewhere.shutdown_background();
    let error = waiting.await.expect("the task").expect_err("the writer is gone");
    let StoreError::OutcomeUnknown { stream: named, first_event, .. } = &error else { panic!("{error:?}") };
    assert_eq!((named, *first_event), (&stream("a"), request.events[0].metadata.event_id));
    assert!(store.append(request.clone()).await.expect_err("it is still gone").is_closed());
    run(&mut other, "rollback").await;
    let again = file.open().await;
    again.append(request).await.expect("it is stored once");
    assert_eq!(stored(&again, "a").await.len(), 1);
}
