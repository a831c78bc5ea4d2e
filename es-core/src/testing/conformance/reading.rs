//! Rules for loading, reading and snapshots.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::TryStreamExt as _;

use super::{all_of, define_rules, load, numbers, store_events, stream, versions};
use crate::{
    recorded::{Position, StreamVersion},
    store::{EventStore, HistoryId, Load, NewSnapshot, ReadAll, ReadStream, StoredEvent, StoredSnapshot, Until},
};

define_rules! {
    "a stream that does not exist is empty, and is no error" => unknown_stream,
    "a load stops at the version asked for" => until_version,
    "a load stops before the first event recorded later than the time asked for" => until_time,
    "a load stops at the position asked for, wherever it stands" => until_position,
    "a snapshot is handed out with the events behind it, and only if it fits" => snapshot_fits,
    "a snapshot is never replaced by an older one" => snapshot_order,
    "a snapshot is found whatever its fingerprint" => snapshot_is_found,
    "a snapshot of another history is dropped" => snapshot_of_another_history,
    "a stream is read by rising version from where the reader says" => read_stream,
    "a stream is read by falling version within the bounds that the reader says" => read_stream_backwards,
    "all events are read by rising position from where the reader says, each once" => read_all,
    "the settled position is that of the last event, and a reader that reached it has read all" => settled,
}

async fn unknown_stream<S: EventStore>(store: S) {
    let loaded = load(&store, Load::new(stream("nobody"))).await;
    assert_eq!((loaded.snapshot, loaded.events, loaded.keyed), (None, Vec::new(), None));
    assert_eq!(all_of(&store, "nobody").await, []);
}

async fn settled<S: EventStore>(store: S) {
    let settled = async || store.settled().await.expect("a store knows how far all is settled");
    assert_eq!(settled().await, Position::START, "nothing is settled in an empty store");
    for number in 1..=3 {
        store_events(&store, &format!("s{number}"), [1, 2]).await;
        let last = all_of(&store, &format!("s{number}")).await[1].position;
        assert_eq!(settled().await, last, "what was appended before the call is settled, and there is no more");
    }
    let read = ReadAll::after(Position::START);
    let events: Vec<StoredEvent> = store.read_all(read).try_collect().await.expect("all events can be read");
    assert_eq!((events.len(), events[5].position), (6, settled().await));
}

async fn until_version<S: EventStore>(store: S) {
    store_events(&store, "a", 1..=5).await;
    for (until, expected) in [(0, 0), (1, 1), (4, 4), (5, 5), (9, 5), (u64::MAX, 5)] {
        let request = Load::new(stream("a")).until(Until::Version(StreamVersion::new(until)));
        assert_eq!(versions(&load(&store, request).await.events), (1..=expected).collect::<Vec<_>>());
    }
}

async fn until_time<S: EventStore>(store: S) {
    for number in 1..=3 {
        store_events(&store, "a", [number]).await;
    }
    let events = all_of(&store, "a").await;
    let at = async |time| {
        let request = Load::new(stream("a")).until(Until::RecordedAt(time));
        load(&store, request).await.events.len()
    };
    let (first, last) = (events[0].recorded_at, events[2].recorded_at);
    assert_eq!(at(first - TimeDelta::microseconds(1)).await, 0);
    assert_eq!(at(last).await, 3);
    assert_eq!(at(last + TimeDelta::days(1)).await, 3);
    let upto_second = events.iter().filter(|event| event.recorded_at <= events[1].recorded_at).count();
    assert_eq!(at(events[1].recorded_at).await, upto_second);
}

async fn until_position<S: EventStore>(store: S) {
    for number in 1..=3 {
        store_events(&store, "a", [number, number]).await;
        store_events(&store, "b", [number]).await;
    }
    let (a, b) = (all_of(&store, "a").await, all_of(&store, "b").await);
    let at = async |position, fingerprint| {
        let request = Load::new(stream("a")).until(Until::Position(position)).snapshot(fingerprint);
        load(&store, request).await
    };
    let whole = async |position| versions(&at(position, None).await.events);
    assert_eq!(whole(Position::START).await, [0; 0]);
    for event in &a {
        assert_eq!(
            whole(event.position).await,
            (1..=event.version.get()).collect::<Vec<_>>(),
            "its own event is among them"
        );
    }
    assert_eq!(whole(b[1].position).await, [1, 2, 3, 4], "that of another stream is a position too");
    assert_eq!(whole(Position::new(u64::MAX)).await, [1, 2, 3, 4, 5, 6]);

    store.save_snapshot(snapshot(4, a[3].position, "f", "{}")).await.expect("a snapshot is taken in");
    kept(&store, "f", 4).await;
    let before = at(a[2].position, Some("f")).await;
    assert_eq!((before.snapshot, versions(&before.events)), (None, vec![1, 2, 3]), "it is beyond the position");
    for (position, expected) in [(a[3].position, vec![]), (b[1].position, vec![]), (a[4].position, vec![5])] {
        let loaded = at(position, Some("f")).await;
        assert_eq!(loaded.snapshot.map(|snapshot| snapshot.version.get()), Some(4));
        assert_eq!(versions(&loaded.events), expected);
    }
}

fn snapshot(version: u64, position: Position, fingerprint: &'static str, state: &str) -> NewSnapshot {
    NewSnapshot::new(stream("a"), StreamVersion::new(version), position, fingerprint, state.to_owned())
}

/// Waits until a snapshot that was taken in can be seen: a store may write it later.
async fn kept<S: EventStore>(store: &S, fingerprint: &'static str, version: u64) -> StoredSnapshot {
    // By the clock and not by the number of loads: a busy disk may take its time over a write, and loads do not wait for it.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(1) {
        let loaded = load(store, Load::new(stream("a")).snapshot(Some(fingerprint))).await;
        if let Some(snapshot) = loaded.snapshot.filter(|snapshot| snapshot.version == version) {
            return snapshot;
        }
    }
    panic!("the snapshot at version {version} never came");
}

async fn snapshot_fits<S: EventStore>(store: S) {
    store_events(&store, "a", 1..=5).await;
    let position = all_of(&store, "a").await[2].position;
    store.save_snapshot(snapshot(3, position, "f", "{\"sum\":6}")).await.expect("a snapshot is taken in");
    let stored = kept(&store, "f", 3).await;
    assert_eq!(stored.position, position);
    let state: serde_json::Value = serde_json::from_slice(&stored.state).expect("the state is JSON");
    assert_eq!(state["sum"], 6);

    let fitting = || Load::new(stream("a")).snapshot(Some("f"));
    assert_eq!(versions(&load(&store, fitting()).await.events), [4, 5]);
    let whole = async |request: Load, last: u64| {
        let loaded = load(&store, request).await;
        assert_eq!(loaded.snapshot, None);
        assert_eq!(versions(&loaded.events), (1..=last).collect::<Vec<_>>());
    };
    whole(Load::new(stream("a")), 5).await;
    whole(Load::new(stream("a")).snapshot(Some("other")), 5).await;
    whole(fitting().until(Until::Version(StreamVersion::new(2))), 2).await;
    whole(fitting().snapshot_at_most(StreamVersion::new(2)), 5).await;
    let at_its_version = load(&store, fitting().until(Until::Version(StreamVersion::new(3)))).await;
    assert!(at_its_version.snapshot.is_some() && at_its_version.events.is_empty());
}

async fn snapshot_order<S: EventStore>(store: S) {
    store_events(&store, "a", 1..=4).await;
    let events = all_of(&store, "a").await;
    let save = async |version: u64, state: &str| {
        let position = events[usize::try_from(version - 1).expect("small")].position;
        store.save_snapshot(snapshot(version, position, "f", state)).await.expect("a snapshot is taken in");
    };
    save(3, "3").await;
    kept(&store, "f", 3).await;
    save(2, "2").await;
    save(4, "4").await;
    // Snapshots are written in the order in which they were taken in: when 4 is there, 2 was refused.
    assert_eq!(kept(&store, "f", 4).await.state, b"4");
    save(1, "1").await;
    for _ in 0..20 {
        let loaded = load(&store, Load::new(stream("a")).snapshot(Some("f"))).await;
        assert_eq!(loaded.snapshot.map(|snapshot| snapshot.version.get()), Some(4));
    }
}

async fn snapshot_is_found<S: EventStore>(store: S) {
    let found = async |id: &str| store.kept_snapshot(stream(id)).await.expect("a snapshot can be looked for");
    assert_eq!(found("nobody").await, None);
    store_events(&store, "a", 1..=3).await;
    assert_eq!(found("a").await, None);
    let position = all_of(&store, "a").await[1].position;
    store.save_snapshot(snapshot(2, position, "of another time", "{\"sum\":3}")).await.expect("a snapshot is taken in");
    kept(&store, "of another time", 2).await;
    let snapshot = found("a").await.expect("it is kept");
    assert_eq!((snapshot.version.get(), snapshot.position), (2, position));
    assert_eq!(snapshot.fingerprint, "of another time");
    let state: serde_json::Value = serde_json::from_slice(&snapshot.state).expect("the state is JSON");
    assert_eq!(state["sum"], 3);
}

async fn snapshot_of_another_history<S: EventStore>(store: S) {
    store_events(&store, "a", 1..=4).await;
    let events = all_of(&store, "a").await;
    let history = store.history().await.expect("a store knows its history");
    let other = snapshot(4, events[3].position, "f", "4").of_history(HistoryId::new());
    store.save_snapshot(other).await.expect("a snapshot is taken in");
    let ours = snapshot(2, events[1].position, "f", "2").of_history(history);
    store.save_snapshot(ours).await.expect("a snapshot is taken in");
    // They are written in the order in which they were taken in, and 4 would not be replaced by 2.
    assert_eq!(kept(&store, "f", 2).await.state, b"2");
}

async fn read_stream<S: EventStore>(store: S) {
    // More than a page, and a number that is no multiple of any.
    store_events(&store, "a", 0..2_503).await;
    store_events(&store, "b", 0..1).await;
    assert_eq!(numbers(&all_of(&store, "a").await), (0..2_503).collect::<Vec<_>>());
    let after = |version| ReadStream::new(stream("a")).after(StreamVersion::new(version));
    let tail: Vec<StoredEvent> = store.read_stream(after(2_501)).try_collect().await.expect("it can be read");
    assert_eq!(versions(&tail), [2_502, 2_503]);
    let none: Vec<StoredEvent> = store.read_stream(after(u64::MAX)).try_collect().await.expect("it can be read");
    assert_eq!(none, []);
}

async fn read_stream_backwards<S: EventStore>(store: S) {
    // More than a page, and a number that is no multiple of any.
    store_events(&store, "a", 0..2_503).await;
    store_events(&store, "b", 0..1).await;
    let read = async |read: ReadStream| -> Vec<u64> {
        let events: Vec<StoredEvent> = store.read_stream(read).try_collect().await.expect("it can be read");
        assert!(events.iter().all(|event| event.stream == stream("a")));
        versions(&events)
    };
    let (all, version) = (|| ReadStream::new(stream("a")), StreamVersion::new);
    assert_eq!(read(all().backwards()).await, (1..=2_503).rev().collect::<Vec<_>>());
    assert_eq!(read(all().backwards().before(version(1_003))).await, (1..=1_002).rev().collect::<Vec<_>>());
    assert_eq!(read(all().backwards().after(version(1_490))).await, (1_491..=2_503).rev().collect::<Vec<_>>());
    for (after, before) in [(0, 1), (5, 6), (5, 3), (2_503, u64::MAX), (u64::MAX, u64::MAX), (0, 0)] {
        let bounded = || all().after(version(after)).before(version(before));
        assert_eq!(read(bounded()).await, [0; 0]);
        assert_eq!(read(bounded().backwards()).await, [0; 0]);
    }
    let middle = || all().after(version(7)).before(version(1_011));
    assert_eq!(read(middle()).await, (8..=1_010).collect::<Vec<_>>());
    assert_eq!(read(middle().backwards()).await, (8..=1_010).rev().collect::<Vec<_>>());
    let nobody = store.read_stream(ReadStream::new(stream("nobody")).backwards());
    assert_eq!(nobody.try_collect::<Vec<_>>().await.expect("it can be read"), []);
}

async fn read_all<S: EventStore>(store: S) {
    for round in 0..3 {
        store_events(&store, "a", (0..500).map(|number| round * 1_000 + number)).await;
        store_events(&store, "b", (500..1_000).map(|number| round * 1_000 + number)).await;
    }
    let all = async |after| -> Vec<StoredEvent> {
        store.read_all(ReadAll::after(after)).try_collect().await.expect("it can be read")
    };
    let events = all(Position::START).await;
    assert_eq!(numbers(&events), (0..3_000).collect::<Vec<_>>());
    assert!(events.is_sorted_by(|one, next| one.position < next.position));
    let middle = events[1_234].position;
    assert_eq!(numbers(&all(middle).await), (1_235..3_000).collect::<Vec<_>>());
    assert_eq!(all(events[2_999].position).await, []);
}
