//! Subscriptions: what wakes them, also from elsewhere, what filters cost, and that nothing is missed or doubled.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use es_core::{
    recorded::Position,
    store::{Checkpoint, EventStore as _, Expected, Load, ReadAll, StoreError},
};
use es_sqlite::{SqliteConfig, SqliteStore};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    stores::subscribe::{LONG, all, next},
    support::{File, append, hold, insert, positions, read_all, run, stream},
};

/// Longer than any test: what is seen before was not seen by looking.
const NEVER: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_here_wakes_a_subscriber_directly() {
    let file = File::new();
    let store = file.open_with(SqliteConfig::new().poll_interval(NEVER)).await;
    let mut events = pin!(store.subscribe(all()));
    let work = async {
        for _ in 0..20 {
            sleep(Duration::from_millis(10)).await;
            store.append(append("a", Expected::Any, 1)).await.expect("an append");
        }
    };
    let (seen, ()) = tokio::join!(next(&mut events, 20), work);
    assert_eq!(seen, (1..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_elsewhere_wakes_a_subscriber_soon() {
    let file = File::new();
    let (here, elsewhere) = (file.open().await, file.open().await);
    let mut events = pin!(here.subscribe(all()));
    let mut slowest = Duration::ZERO;
    for round in 1..=10 {
        let (seen, appended) = tokio::join!(
            async {
                let seen = next(&mut events, 1).await;
                (seen, Instant::now())
            },
            async {
                sleep(Duration::from_millis(30)).await;
                elsewhere.append(append("a", Expected::Any, 1)).await.expect("an append");
                Instant::now()
            }
        );
        assert_eq!(seen.0, [round]);
        slowest = slowest.max(seen.1.saturating_duration_since(appended));
    }
    assert!(slowest < Duration::from_millis(900), "a look is made every 20 ms, and not every second: {slowest:?}");
}

/// What another program writes, past any store, is seen when it is committed, and not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_committed_is_not_seen() {
    let file = File::new();
    let store = file.open().await;
    let mut other = file.raw().await;
    let mut events = pin!(store.subscribe(all()));
    hold(&mut other).await;
    insert(&mut other, "a", 1).await;
    assert!(timeout(Duration::from_millis(200), events.next()).await.is_err(), "it is not committed");
    run(&mut other, "rollback").await;
    assert!(timeout(Duration::from_millis(200), events.next()).await.is_err(), "it was rolled back");
    hold(&mut other).await;
    insert(&mut other, "a", 1).await;
    run(&mut other, "commit").await;
    assert_eq!(next(&mut events, 1).await, [1]);
}

/// A watcher ends with the last who waits, and another begins with the next: nobody is left without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_come_and_go_are_woken_each_time() {
    let file = File::new();
    let (here, elsewhere) = (file.open().await, file.open().await);
    for round in 1..=40_u64 {
        let impatient = here.subscribe(ReadAll::after(Position::new(round)));
        let _ = timeout(Duration::from_millis(round % 7), pin!(impatient).next()).await;
        let events = here.subscribe(ReadAll::after(Position::new(round - 1)));
        let (seen, appended) =
            tokio::join!(async { next(&mut pin!(events), 1).await }, elsewhere.append(append("a", Expected::Any, 1)));
        assert_eq!((seen, appended.expect("an append").position().get()), (vec![round], round));
    }
}

/// A watcher whose runtime has ended is replaced by one of whoever waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_went_with_its_runtime_is_replaced() {
    let file = File::new();
    let (here, elsewhere) = (file.open().await, file.open().await);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one");
    let first = here.clone();
    let waiting = runtime.spawn(async move { pin!(first.subscribe(all())).next().await });
    sleep(Duration::from_millis(100)).await;
    let events = here.subscribe(all());
    let waits = tokio::spawn(async move { next(&mut pin!(events), 1).await });
    sleep(Duration::from_millis(100)).await;
    runtime.shutdown_background();
    assert!(waiting.await.is_err());
    elsewhere.append(append("a", Expected::Any, 1)).await.expect("an append");
    assert_eq!(timeout(Duration::from_secs(10), waits).await.expect("it is woken").expect("the task"), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_is_of_no_use_where_another_event_stands() {
    let file = File::new();
    let store = file.open().await;
    store.append(append("a", Expected::Any, 3)).await.expect("an append");
    let last = read_all(&store, Position::START).await.pop().expect("there are events");
    let kept = Checkpoint::behind(&last, store.history().await.expect("a history"));
    let mut seen = pin!(store.subscribe(ReadAll::resume(kept)));
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    assert_eq!(next(&mut seen, 1).await, [4]);
    // As a restore of an older copy would, behind which others went on.
    let restored = "drop trigger es_events_are_not_deleted; delete from es_events where position > 2";
    run(&mut file.raw().await, restored).await;
    for again in [0, 1] {
        match store.read_page(&ReadAll::resume(kept)).await {
            Err(StoreError::HistoryDiverged(diverged)) => assert_eq!(diverged.missing, Some(kept)),
            other => panic!("expected another history, got {other:?}"),
        }
        if again == 0 {
            store.append(append("b", Expected::Any, 2)).await.expect("an append");
        }
    }
}

/// By each way to read some of the events, the same come, in order, whatever else is asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_leave_nothing_out() {
    let file = File::new();
    let store = file.open().await;
    for round in 0..700_u64 {
        let id = ["a", "b", "c/1", "c"][usize::try_from(round % 4).unwrap_or(0)];
        store.append(append(id, Expected::Any, 1 + usize::try_from(round % 37).unwrap_or(0))).await.expect("an append");
    }
    let wanted = [stream("a"), stream("c")];
    let whole = read_all(&store, Position::START).await;
    let some: Vec<_> = whole.iter().filter(|event| wanted.contains(&event.stream)).cloned().collect();
    assert!(some.len() > 4_096, "more than a page");
    let many = || (0..100).map(|number| stream(&format!("none{number}")));
    for request in [
        all().streams(wanted.clone()),
        all().streams(wanted.clone()).streams(many()),
        all().streams(wanted.clone()).event_types(["Tested"]),
        all().streams(wanted.clone()).stream_types(["test"]),
    ] {
        let read: Vec<_> = store.read_all(request).try_collect().await.expect("they can be read");
        assert_eq!(read, some);
    }
    let none: Vec<_> = store.read_all(all().streams(wanted).event_types(["Never"])).try_collect().await.expect("none");
    assert!(none.is_empty());
}

/// Those who give up in the midst of a read leave no connection in use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cancelled_do_not_use_up_connections() {
    let file = File::new();
    let store = file.open_with(SqliteConfig::new().readers(1).acquire_timeout(Duration::from_secs(5))).await;
    store.append(append("a", Expected::Any, 5_000)).await.expect("an append");
    for round in 0..100 {
        let limit = Duration::from_micros(round * 100);
        let _ = timeout(limit, store.load(Load::new(stream("a")))).await;
        let _ = timeout(limit, store.read_all(all()).try_collect::<Vec<_>>()).await;
    }
    assert_eq!(store.load(Load::new(stream("a"))).await.expect("connections are free").events.len(), 5_000);
}

/// Follows until the last event, which is in the stream `end`.
fn follow(store: &SqliteStore, read: ReadAll) -> JoinHandle<Vec<u64>> {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_seen_once_in_order_whoever_writes() {
    let file = File::new();
    let (here, elsewhere) = (file.open().await, file.open().await);
    let some = || [stream("w0"), stream("w3"), stream("end")];
    let followers = [
        follow(&here, all()),
        follow(&here, all().event_types(["Tested"])),
        follow(&here, all().streams(some())),
        follow(&here, all().streams(some()).streams((0..100).map(|number| stream(&format!("none{number}"))))),
        follow(&elsewhere, all()),
    ];
    let writers = (0..6_u32).map(|number| {
        let store = if number % 2 == 0 { here.clone() } else { elsewhere.clone() };
        tokio::spawn(async move {
            for _ in 0..100 {
                store.append(append(&format!("w{number}"), Expected::Any, 2)).await.expect("an append");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer");
    }
    here.append(append("end", Expected::Any, 1)).await.expect("an append");
    let stored = read_all(&here, Position::START).await;
    assert_eq!(stored.len(), 1_201);
    for (number, follower) in followers.into_iter().enumerate() {
        let seen = timeout(LONG, follower).await.expect("it ends").expect("a follower");
        let of_all = ![2, 3].contains(&number);
        let expected: Vec<_> =
            stored.iter().filter(|event| of_all || some().contains(&event.stream)).cloned().collect();
        assert_eq!(seen, positions(&expected), "follower {number}");
    }
}
