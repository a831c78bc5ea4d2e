//! Rules for appends.

use chrono::DateTime;
use futures_util::{TryStreamExt as _, future::join_all};

use super::{all_of, append, define_rules, event, load, numbers, store_events, stream, versions};
use crate::{
    recorded::{Metadata, StreamId, StreamVersion},
    store::{Append, EventStore, Expected, HistoryId, InvalidRequest, Load, NewEvent, ReadStream, StoreError, limits},
};

define_rules! {
    "versions count from 1 without gaps, and positions rise with them" => versions_and_positions,
    "an append is answered with the place of each event" => places,
    "an append whose expectation does not hold is a conflict with the actual version, and stores nothing" => conflicts,
    "of appends that race for one version exactly one succeeds" => races,
    "the same idempotency key again is answered with the first result, and stores nothing" => repeated_key,
    "an idempotency key is a name within its stream, and is looked at before the version" => key_scope,
    "the same event ids again are answered with the first result, whatever version was expected" => repeated_ids,
    "an append that breaks a limit is invalid, and stores nothing" => limits_hold,
    "a name that no store can hold is invalid to look for, too" => names_to_look_for,
    "what is at a limit is stored and can be read back" => limits_are_reached,
    "payload and metadata come back as they were" => contents,
    "an append that was decided in another history is refused, and stores nothing" => other_history,
}

async fn versions_and_positions<S: EventStore>(store: S) {
    store_events(&store, "a", 1..=2).await;
    store_events(&store, "b", 3..=3).await;
    store_events(&store, "a", 4..=5).await;
    let events = all_of(&store, "a").await;
    assert_eq!(versions(&events), [1, 2, 3, 4]);
    assert_eq!(numbers(&events), [1, 2, 4, 5]);
    assert!(events.is_sorted_by(|one, next| one.position < next.position));
    assert!(events.is_sorted_by_key(|event| event.recorded_at));
}

async fn places<S: EventStore>(store: S) {
    let request = append("a", Expected::NoStream, 1..=3);
    let ids: Vec<_> = request.events.iter().map(|event| event.metadata.event_id).collect();
    let appended = store.append(request).await.expect("a first append succeeds");
    let events = all_of(&store, "a").await;
    assert!(!appended.replayed);
    assert_eq!(appended.version(), 3);
    assert_eq!(appended.events.len(), 3);
    for ((placed, stored), id) in appended.events.iter().zip(&events).zip(ids) {
        assert_eq!(placed.event_id, id);
        assert_eq!(stored.event_id, id);
        assert_eq!(
            (placed.version, placed.position, placed.recorded_at),
            (stored.version, stored.position, stored.recorded_at)
        );
    }
}

async fn conflicts<S: EventStore>(store: S) {
    let exact = |version| Expected::Exact(StreamVersion::new(version));
    let refused = async |id: &str, expected: Expected, actual: u64| match store.append(append(id, expected, [9])).await
    {
        Err(StoreError::Conflict(conflict)) => {
            assert_eq!(conflict.actual, actual, "the actual version");
            assert_eq!(conflict.expected, expected, "the expected version");
            assert_eq!(conflict.stream, stream(id), "the stream");
        }
        other => panic!("expected a conflict for {expected}, got {other:?}"),
    };
    refused("a", Expected::StreamExists, 0).await;
    refused("a", exact(1), 0).await;
    store_events(&store, "a", 1..=2).await;
    refused("a", Expected::NoStream, 2).await;
    refused("a", exact(1), 2).await;
    refused("a", exact(3), 2).await;
    refused("a", exact(0), 2).await;
    assert_eq!(numbers(&all_of(&store, "a").await), [1, 2], "a conflict stores nothing");
    for (expected, number) in [(exact(2), 3), (Expected::StreamExists, 4), (Expected::Any, 5)] {
        store.append(append("a", expected, [number])).await.expect("the expectation holds");
    }
    store.append(append("b", exact(0), [6])).await.expect("version 0 is the empty stream");
    assert_eq!(numbers(&all_of(&store, "a").await), [1, 2, 3, 4, 5]);
}

async fn races<S: EventStore>(store: S) {
    for version in 0..5 {
        let expected = Expected::Exact(StreamVersion::new(version));
        let outcomes = join_all((0..8).map(|number| store.append(append("a", expected, [number])))).await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let lost = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::Conflict(_)))).count();
        assert_eq!((won, lost), (1, 7), "winners and losers at version {version}");
    }
    let outcomes = join_all((0..8).map(|number| store.append(append("a", Expected::Any, [number])))).await;
    assert!(outcomes.iter().all(Result::is_ok), "appends that expect nothing all succeed");
    assert_eq!(versions(&all_of(&store, "a").await), (1..=13).collect::<Vec<_>>());
}

async fn repeated_key<S: EventStore>(store: S) {
    store_events(&store, "a", 1..=1).await;
    let request = |numbers| append("a", Expected::Any, numbers).idempotency_key("k");
    let first = store.append(request(2..=3)).await.expect("the first append succeeds");
    store_events(&store, "a", 4..=4).await;
    let again = store.append(request(7..=7)).await.expect("the second is answered");
    assert!(!first.replayed && again.replayed);
    assert_eq!(again.events, first.events);
    assert_eq!(numbers(&all_of(&store, "a").await), [1, 2, 3, 4]);
    let loaded = load(&store, Load::new(stream("a")).idempotency_key(Some("k".to_owned()))).await;
    let keyed = loaded.keyed.expect("a load finds the key");
    assert_eq!((keyed.first.get(), keyed.last.get()), (2, 3));
    let loaded = load(&store, Load::new(stream("a")).idempotency_key(Some("other".to_owned()))).await;
    assert_eq!(loaded.keyed, None);
}

async fn key_scope<S: EventStore>(store: S) {
    let request = |id| append(id, Expected::NoStream, [1]).idempotency_key("k");
    assert!(!store.append(request("a")).await.expect("the first append succeeds").replayed);
    assert!(!store.append(request("b")).await.expect("another stream has keys of its own").replayed);
    assert!(store.append(request("a")).await.expect("the key is looked at before the version").replayed);
}

async fn repeated_ids<S: EventStore>(store: S) {
    let exact = |version| Expected::Exact(StreamVersion::new(version));
    store_events(&store, "a", 1..=1).await;
    for expected in [exact(1), Expected::Any, Expected::StreamExists] {
        let request = append("a", expected, 2..=3);
        let first = store.append(request.clone()).await;
        if expected == exact(1) {
            store_events(&store, "a", 4..=4).await;
        }
        let again = store.append(request).await.expect("the second is answered");
        assert!(again.replayed, "{expected}");
        assert_eq!(again.events, first.expect("the first append succeeds").events);
    }
    let fresh = append("b", Expected::NoStream, [1]);
    store.append(fresh.clone()).await.expect("the first append succeeds");
    assert!(store.append(fresh).await.expect("the second is answered").replayed);
    assert_eq!(all_of(&store, "a").await.len(), 8);
    assert_eq!(all_of(&store, "b").await.len(), 1);
}

async fn limits_hold<S: EventStore>(store: S) {
    let refused = async |request: Append, matches: fn(&InvalidRequest) -> bool| {
        let stream = request.stream.clone();
        match store.append(request).await {
            Err(StoreError::Invalid(invalid)) => assert!(matches(&invalid), "another limit was named: {invalid}"),
            other => panic!("expected the append to {stream} to be invalid, got {other:?}"),
        }
    };
    let named =
        |stream_type: &str, id: &str| Append::new(StreamId::new(stream_type, id), Expected::Any, vec![event(1)]);
    let long = |bytes: usize| "x".repeat(bytes + 1);
    refused(append("a", Expected::Any, []), |invalid| matches!(invalid, InvalidRequest::NoEvents)).await;
    let is_long = |invalid: &InvalidRequest| matches!(invalid, InvalidRequest::TooLong { .. });
    refused(named(&long(limits::MAX_STREAM_TYPE_BYTES), "a"), is_long).await;
    refused(named("conformance", &long(limits::MAX_STREAM_ID_BYTES)), is_long).await;
    refused(named("conformance", "a").idempotency_key(long(limits::MAX_KEY_BYTES)), is_long).await;
    let is_nul = |invalid: &InvalidRequest| matches!(invalid, InvalidRequest::Nul { .. });
    refused(named("conformance", "a\0"), is_nul).await;
    refused(named("conformance", "a").idempotency_key("\0"), is_nul).await;
    let mut with_actor = named("conformance", "a");
    with_actor.events[0].metadata.actor = Some("some\0one".to_owned());
    refused(with_actor, is_nul).await;
    let is_empty = |invalid: &InvalidRequest| matches!(invalid, InvalidRequest::Empty { .. });
    refused(named("conformance", ""), is_empty).await;
    refused(named("", "a"), is_empty).await;
    let many = append("a", Expected::Any, vec![1; limits::MAX_EVENTS + 1]);
    refused(many, |invalid| matches!(invalid, InvalidRequest::TooManyEvents { .. })).await;
    let text = format!("\"{}\"", long(limits::MAX_EVENT_BYTES));
    let large = NewEvent::new(event(1).schema, text, Metadata::at(DateTime::UNIX_EPOCH));
    let large = Append::new(stream("a"), Expected::Any, vec![event(1), large]);
    refused(large, |invalid| matches!(invalid, InvalidRequest::EventTooLarge { index: 1, .. })).await;
    let nul = NewEvent::new(event(1).schema, r#"{"text":"\\\u0000"}"#.to_owned(), Metadata::at(DateTime::UNIX_EPOCH));
    let nul = Append::new(stream("a"), Expected::Any, vec![nul]);
    refused(nul, |invalid| matches!(invalid, InvalidRequest::Event(_))).await;
    assert_eq!(all_of(&store, "a").await, [], "an invalid append stores nothing");
}

async fn names_to_look_for<S: EventStore>(store: S) {
    for id in ["", "a\0", &"x".repeat(limits::MAX_STREAM_ID_BYTES + 1)] {
        let loaded = store.load(Load::new(stream(id))).await;
        assert!(matches!(loaded, Err(StoreError::Invalid(_))), "{loaded:?}");
        let read: Result<Vec<_>, _> = store.read_stream(ReadStream::new(stream(id))).try_collect().await;
        assert!(matches!(read, Err(StoreError::Invalid(_))), "{read:?}");
    }
    let keyed = Load::new(stream("a")).idempotency_key(Some("\0".to_owned()));
    assert!(matches!(store.load(keyed).await, Err(StoreError::Invalid(_))));
}

async fn limits_are_reached<S: EventStore>(store: S) {
    // Random bytes: what PostgreSQL limits is the index row after compression.
    let noise = |bytes: usize| {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'0' + u8::try_from(state % 75).unwrap_or(0))
        };
        std::iter::repeat_with(next).take(bytes).collect::<String>()
    };
    let stream = StreamId::new(noise(limits::MAX_STREAM_TYPE_BYTES), noise(limits::MAX_STREAM_ID_BYTES));
    let events = vec![event(1); 1_000].into_iter().enumerate().map(|(number, mut event)| {
        event.metadata = event.metadata.for_next_event();
        event.payload = format!("{{\"number\":{number}}}");
        event
    });
    let request = Append::new(stream.clone(), Expected::NoStream, events.collect());
    let request = request.idempotency_key(noise(limits::MAX_KEY_BYTES));
    store.append(request).await.expect("what is at the limits can be stored");
    let loaded = load(&store, Load::new(stream)).await;
    assert_eq!(numbers(&loaded.events), (0..1_000).collect::<Vec<_>>());
}

async fn contents<S: EventStore>(store: S) {
    let payload = r#"{"text":"line\nбуква \\u0000 😀","numbers":[0.1,-9223372036854775808,18446744073709551615]}"#;
    let mut sent = NewEvent::new(event(1).schema, payload.to_owned(), event(1).metadata);
    sent.metadata.actor = Some("teller-7".to_owned());
    sent.metadata.correlation_id = Some("request \"9\"".to_owned());
    sent.metadata.causation_id = Some(sent.metadata.event_id);
    sent.metadata.extra.insert("channel".to_owned(), "counter".to_owned());
    store.append(Append::new(stream("a"), Expected::Any, vec![sent.clone()])).await.expect("it can be stored");
    let stored = all_of(&store, "a").await.remove(0);
    let parse = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).expect("the payload is JSON");
    assert_eq!(parse(&stored.payload), parse(sent.payload.as_bytes()));
    assert_eq!(stored.decode_metadata().expect("metadata can be read"), sent.metadata);
    assert_eq!((stored.event_type.as_str(), stored.schema_version), ("Counted", 1));
}

async fn other_history<S: EventStore>(store: S) {
    let history = store.history().await.expect("a store knows its history");
    assert_eq!(load(&store, Load::new(stream("a"))).await.history, history);
    let other = HistoryId::new();
    let refused = store.append(append("a", Expected::NoStream, 1..=1).decided_in(other)).await;
    let Err(StoreError::HistoryDiverged(diverged)) = refused else { panic!("{refused:?}") };
    assert_eq!((diverged.known, diverged.found), (other, history));
    assert!(all_of(&store, "a").await.is_empty());
    store.append(append("a", Expected::NoStream, 1..=1).decided_in(history)).await.expect("it is this history");
    assert_eq!(store.history().await.expect("a store knows its history"), history);
}
