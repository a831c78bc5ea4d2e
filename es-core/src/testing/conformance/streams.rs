//! Rules for lists of streams, and for archived streams.

use futures_util::TryStreamExt as _;

use super::{all_of, append, define_rules, event, load, numbers, store_events, stream};
use crate::{
    recorded::{Position, StreamId, StreamVersion},
    store::{
        Append, EventStore, Expected, InvalidRequest, ListStreams, Load, ReadAll, StoreError, StoredEvent, StreamInfo,
        Until, limits,
    },
};

define_rules! {
    "streams are listed once each, by type and id in the order of their bytes, with their last event" => listed,
    "a list goes on behind any stream, whether it exists or not" => paged,
    "a prefix means just its bytes, whatever they are" => prefixes,
    "a list of names that no store can hold is invalid" => lists_to_refuse,
    "a stream that is archived is left out of lists unless asked for" => archived_lists,
    "nothing is appended to an archived stream until it is restored" => archived_appends,
    "a repeat is answered with the first result on an archived stream, too" => archived_repeats,
    "all events of an archived stream can be read, and a load says that it is archived" => archived_reads,
    "archiving and restoring are done once, and refused where there is no stream" => archived_again,
}

async fn list<S: EventStore>(store: &S, list: ListStreams) -> Vec<StreamInfo> {
    store.streams(list).try_collect().await.expect("streams can be listed")
}

async fn ids<S: EventStore>(store: &S, request: ListStreams) -> Vec<String> {
    list(store, request).await.into_iter().map(|info| info.stream.id().to_owned()).collect()
}

async fn store_one<S: EventStore>(store: &S, stream: StreamId) {
    store.append(Append::new(stream, Expected::Any, vec![event(1)])).await.expect("nothing stands against it");
}

async fn listed<S: EventStore>(store: S) {
    assert_eq!(list(&store, ListStreams::all()).await, []);
    // In this order by bytes. Languages sort other than bytes do: `B` and `b`, `_` and `-`, `é` and `z`.
    let names = [("B", "2"), ("a", "1"), ("a-b", "0"), ("a_b", "0"), ("b", "-"), ("b", "10"), ("b", "9"), ("b", "_")];
    let names = names.into_iter().chain([("b", "z"), ("b", "é"), ("b", "\u{ffff}"), ("b", "😀")]);
    let streams: Vec<_> = names.map(|(stream_type, id)| StreamId::new(stream_type, id)).collect();
    for stream in streams.iter().rev() {
        store_one(&store, stream.clone()).await;
    }
    for stream in &streams {
        store_one(&store, stream.clone()).await;
    }
    let infos = list(&store, ListStreams::all()).await;
    assert_eq!(infos.iter().map(|info| info.stream.clone()).collect::<Vec<_>>(), streams);
    for info in infos {
        let events = load(&store, Load::new(info.stream.clone())).await.events;
        assert_eq!(info.version, 2);
        assert_eq!(info.position, events[1].position);
        assert_eq!((info.first_recorded_at, info.last_recorded_at), (events[0].recorded_at, events[1].recorded_at));
        assert_eq!(info.archived_at, None);
    }
    assert_eq!(ids(&store, ListStreams::all().stream_type("a")).await, ["1"], "no other type that begins so");
    assert_eq!(ids(&store, ListStreams::all().stream_type("c")).await, Vec::<String>::new());
}

async fn paged<S: EventStore>(store: S) {
    // More than a page, and a number that is no multiple of any.
    let name = |number: u32| format!("{number:04}");
    for number in 0..607 {
        let kind = if number < 601 { "a" } else { "b" };
        store_one(&store, StreamId::new(kind, name(number))).await;
    }
    let all: Vec<_> = (0..607).map(name).collect();
    assert_eq!(ids(&store, ListStreams::all()).await, all);
    let after = |kind: &str, id: &str| ListStreams::all().after(StreamId::new(kind, id));
    assert_eq!(ids(&store, after("a", "0598")).await, all[599..]);
    assert_eq!(ids(&store, after("a", "0598x")).await, all[599..], "behind one that does not exist");
    assert_eq!(ids(&store, after("a", "zzz")).await, all[601..]);
    assert_eq!(ids(&store, after("aa", "0")).await, all[601..]);
    assert_eq!(ids(&store, after("A", "zzz")).await, all);
    assert_eq!(ids(&store, after("b", "0606")).await, Vec::<String>::new());
    assert_eq!(ids(&store, after("a", "0598").stream_type("a")).await, all[599..601]);
    assert_eq!(ids(&store, after("a", "0598").stream_type("b")).await, all[601..]);
    assert_eq!(ids(&store, after("b", "").stream_type("a")).await, Vec::<String>::new());
    assert_eq!(ids(&store, after("a", "0101").prefix("01")).await, all[102..200]);
    assert_eq!(ids(&store, after("a", "0101").prefix("02")).await, all[200..300]);
    assert_eq!(ids(&store, after("a", "0301").prefix("02")).await, Vec::<String>::new());
}

async fn prefixes<S: EventStore>(store: S) {
    let last = char::MAX.to_string();
    let names =
        ["", "%", "%%", "_", "__", "\\", "\\%", "\\\\", "'", "a", "a%", "a_", "a\\", "ab", "abc", "b", "\u{7f}"];
    let names = names.into_iter().chain(["\u{80}", "\u{7ff}", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}"]);
    let names: Vec<_> = names.map(str::to_owned).chain([format!("a{last}"), last.clone(), last.repeat(2)]).collect();
    let mut stored: Vec<_> = names.iter().map(|name| format!("a{name}")).chain(names.iter().cloned()).collect();
    stored.retain(|id| !id.is_empty());
    stored.sort_unstable();
    stored.dedup();
    for id in &stored {
        store_one(&store, stream(id)).await;
        store_one(&store, StreamId::new("zebra", id.as_str())).await;
    }
    for prefix in &stored {
        let begins_so: Vec<_> = stored.iter().filter(|id| id.starts_with(prefix.as_str())).cloned().collect();
        let request = ListStreams::all().stream_type("conformance").prefix(prefix.as_str());
        assert_eq!(ids(&store, request).await, begins_so, "{prefix:?}");
        let request = ListStreams::all().prefix(prefix.as_str());
        assert_eq!(ids(&store, request).await, [begins_so.clone(), begins_so].concat(), "{prefix:?} in all types");
    }
    let longest = last.repeat(limits::MAX_STREAM_ID_BYTES / last.len());
    store_one(&store, stream(&longest)).await;
    assert_eq!(ids(&store, ListStreams::all().prefix(longest.as_str())).await, [longest]);
}

async fn lists_to_refuse<S: EventStore>(store: S) {
    let long = "x".repeat(limits::MAX_STREAM_ID_BYTES + 1);
    for request in [
        ListStreams::all().stream_type(""),
        ListStreams::all().stream_type("a\0"),
        ListStreams::all().prefix("a\0"),
        ListStreams::all().prefix(long),
        ListStreams::all().after(stream("a\0")),
    ] {
        let listed: Result<Vec<_>, _> = store.streams(request).try_collect().await;
        assert!(matches!(listed, Err(StoreError::Invalid(_))), "{listed:?}");
    }
    for outcome in [store.archive(stream("a\0")).await, store.restore(stream("")).await] {
        assert!(matches!(outcome, Err(StoreError::Invalid(InvalidRequest::Nul { .. } | InvalidRequest::Empty { .. }))));
    }
}

async fn archived_lists<S: EventStore>(store: S) {
    for id in ["a", "b", "c", "d"] {
        store_one(&store, stream(id)).await;
    }
    for id in ["a", "c"] {
        store.archive(stream(id)).await.expect("it exists");
    }
    assert_eq!(ids(&store, ListStreams::all()).await, ["b", "d"]);
    assert_eq!(ids(&store, ListStreams::all().only_archived()).await, ["a", "c"]);
    let infos = list(&store, ListStreams::all().include_archived()).await;
    assert_eq!(infos.iter().map(|info| info.stream.id()).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    let times: Vec<_> = infos.iter().map(|info| info.archived_at.is_some()).collect();
    assert_eq!(times, [true, false, true, false]);
    assert!(infos[0].archived_at >= Some(infos[0].last_recorded_at), "not before its last event");
    let only = list(&store, ListStreams::all().only_archived()).await;
    assert_eq!(only, [infos[0].clone(), infos[2].clone()]);
    let part = ListStreams::all().stream_type("conformance").prefix("c").only_archived();
    assert_eq!(ids(&store, part).await, ["c"]);
    assert_eq!(ids(&store, ListStreams::all().only_archived().after(stream("a"))).await, ["c"]);
    assert_eq!(ids(&store, ListStreams::all().only_archived().stream_type("other")).await, Vec::<String>::new());
    store.restore(stream("a")).await.expect("it exists");
    assert_eq!(ids(&store, ListStreams::all()).await, ["a", "b", "d"]);
    assert_eq!(ids(&store, ListStreams::all().only_archived()).await, ["c"]);
}

async fn archived_appends<S: EventStore>(store: S) {
    store_events(&store, "a", 1..=2).await;
    store_events(&store, "b", 1..=1).await;
    store.archive(stream("a")).await.expect("it exists");
    let exact = |version| Expected::Exact(StreamVersion::new(version));
    // Whatever is expected, and whether it holds: that the stream is archived comes first.
    for expected in [exact(2), exact(1), exact(9), Expected::Any, Expected::StreamExists, Expected::NoStream] {
        match store.append(append("a", expected, [9])).await {
            Err(StoreError::Archived { stream: refused }) => assert_eq!(refused, stream("a")),
            other => panic!("expected {expected} to be refused, got {other:?}"),
        }
    }
    let keyed = store.append(append("a", Expected::Any, [9]).idempotency_key("k")).await;
    assert!(matches!(keyed, Err(StoreError::Archived { .. })), "{keyed:?}");
    let together = vec![append("b", Expected::Any, [9]), append("a", exact(2), [9])];
    match store.append_all(together).await {
        Err(StoreError::Archived { stream: refused }) => assert_eq!(refused, stream("a")),
        other => panic!("expected all to be refused, got {other:?}"),
    }
    store_events(&store, "b", 2..=2).await;
    assert_eq!(numbers(&all_of(&store, "a").await), [1, 2], "nothing was stored");
    store.restore(stream("a")).await.expect("it exists");
    store.append(append("a", exact(2), [3])).await.expect("it goes on where it was");
    let keyed = store.append(append("a", Expected::Any, [4]).idempotency_key("k")).await.expect("the key is free");
    assert!(!keyed.replayed);
    assert_eq!(numbers(&all_of(&store, "a").await), [1, 2, 3, 4]);
}

async fn archived_repeats<S: EventStore>(store: S) {
    let requests = [
        append("a", Expected::NoStream, 1..=2),
        append("a", Expected::Exact(StreamVersion::new(2)), 3..=3),
        append("a", Expected::Any, 4..=4),
        append("a", Expected::Any, 5..=6).idempotency_key("k"),
    ];
    let mut answers = Vec::new();
    for request in &requests {
        answers.push(store.append(request.clone()).await.expect("the first append succeeds"));
    }
    store.archive(stream("a")).await.expect("it exists");
    for (request, first) in requests.into_iter().zip(answers) {
        let again = store.append(request).await.expect("the second is answered");
        assert!(again.replayed);
        assert_eq!(again.events, first.events);
    }
    let keyed = load(&store, Load::new(stream("a")).idempotency_key(Some("k".to_owned()))).await.keyed;
    assert_eq!(keyed.map(|keyed| (keyed.first.get(), keyed.last.get())), Some((5, 6)));
    assert_eq!(all_of(&store, "a").await.len(), 6);
}

async fn archived_reads<S: EventStore>(store: S) {
    store_events(&store, "a", 1..=3).await;
    store_events(&store, "b", 4..=4).await;
    assert_eq!(load(&store, Load::new(stream("a"))).await.archived_at, None);
    let before = all_of(&store, "a").await;
    store.archive(stream("a")).await.expect("it exists");
    assert_eq!(all_of(&store, "a").await, before);
    let all: Vec<StoredEvent> = store.read_all(ReadAll::after(Position::START)).try_collect().await.expect("a read");
    assert_eq!(numbers(&all), [1, 2, 3, 4], "the log is the history");
    let loaded = load(&store, Load::new(stream("a"))).await;
    let info = list(&store, ListStreams::all().only_archived()).await.remove(0);
    assert_eq!((loaded.events.len(), loaded.archived_at), (3, info.archived_at));
    let earlier = load(&store, Load::new(stream("a")).until(Until::Version(StreamVersion::new(2)))).await;
    assert_eq!(numbers(&earlier.events), [1, 2]);
    let none = load(&store, Load::new(stream("a")).until(Until::Version(StreamVersion::EMPTY))).await;
    assert!(none.events.is_empty() && none.archived_at.is_some(), "a load without events says so, too");
    assert_eq!(load(&store, Load::new(stream("b"))).await.archived_at, None);
    store.restore(stream("a")).await.expect("it exists");
    assert_eq!(load(&store, Load::new(stream("a"))).await.archived_at, None);
}

async fn archived_again<S: EventStore>(store: S) {
    // A conflict stores nothing, so it makes no stream either.
    let refused = store.append(append("never", Expected::StreamExists, [1])).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    for outcome in [store.archive(stream("never")).await, store.restore(stream("never")).await] {
        match outcome {
            Err(StoreError::NoSuchStream { stream: unknown }) => assert_eq!(unknown, stream("never")),
            other => panic!("expected that there is no such stream, got {other:?}"),
        }
    }
    store_events(&store, "a", 1..=1).await;
    store.restore(stream("a")).await.expect("a stream that is in use stays so");
    store.archive(stream("a")).await.expect("it exists");
    let first = list(&store, ListStreams::all().only_archived()).await;
    store.archive(stream("a")).await.expect("a second time");
    assert_eq!(list(&store, ListStreams::all().only_archived()).await, first, "it keeps the time of the first");
    for _ in 0..2 {
        store.restore(stream("a")).await.expect("it exists");
    }
    store_events(&store, "a", 2..=2).await;
    assert_eq!(list(&store, ListStreams::all()).await.len(), 1);
}
