//! Rules for appends to several streams.

use futures_util::{TryStreamExt as _, future::join_all};

use super::{all_of, append, define_rules, event, numbers, store_events, stream, versions};
use crate::{
    recorded::{Metadata, Position, StreamVersion},
    store::{
        Append, Appended, EventStore, Expected, HistoryId, InvalidRequest, NewEvent, ReadAll, StoreError, StoredEvent,
        limits,
    },
};

define_rules! {
    "what is appended to several streams together is answered in the order given, with the place of each event" => together,
    "where one of several streams is not as expected, none gets an event, and the conflict names it" => one_conflicts,
    "the same appends to several streams again are answered with the first results" => repeated,
    "of appends to several streams either all stand already or none, or nothing is stored" => repeated_in_part,
    "of appends to several streams that race for one version exactly one succeeds, as a whole" => races,
    "appends to several streams that break a limit are invalid, and store nothing" => limits_hold,
    "where one of several appends was decided in another history, nothing is stored" => other_history,
}

fn exact(version: u64) -> Expected {
    Expected::Exact(StreamVersion::new(version))
}

async fn count<S: EventStore>(store: &S) -> usize {
    let all: Vec<StoredEvent> = store.read_all(ReadAll::after(Position::START)).try_collect().await.expect("a read");
    all.len()
}

fn replayed(answers: &[Appended]) -> Vec<bool> {
    answers.iter().map(|appended| appended.replayed).collect()
}

async fn together<S: EventStore>(store: S) {
    store_events(&store, "b", 1..=2).await;
    let requests = vec![
        append("c", Expected::NoStream, 3..=5),
        append("a", Expected::Any, [6]).idempotency_key("k"),
        append("b", exact(2), 7..=8),
    ];
    let answers = store.append_all(requests.clone()).await.expect("all are as expected");
    assert_eq!(replayed(&answers), [false; 3]);
    for (request, appended) in requests.iter().zip(&answers) {
        let stored = store.read_stream(crate::store::ReadStream::new(request.stream.clone()));
        let stored: Vec<StoredEvent> = stored.try_collect().await.expect("a stream can be read");
        let new = &stored[stored.len() - request.events.len()..];
        assert_eq!(appended.events.len(), request.events.len());
        for ((sent, placed), stored) in request.events.iter().zip(&appended.events).zip(new) {
            assert_eq!(sent.metadata.event_id, placed.event_id);
            assert_eq!(
                (placed.event_id, placed.version, placed.position, placed.recorded_at),
                (stored.event_id, stored.version, stored.position, stored.recorded_at)
            );
        }
        assert!(stored.is_sorted_by(|one, next| one.position < next.position));
        assert_eq!(versions(&stored), (1..=stored.len() as u64).collect::<Vec<_>>());
    }
    assert_eq!(numbers(&all_of(&store, "b").await), [1, 2, 7, 8]);
    assert_eq!(numbers(&all_of(&store, "c").await), [3, 4, 5]);
    let one = store.append_all(vec![append("a", exact(1), [9])]).await.expect("one stream is several, too");
    assert_eq!(one[0].version(), 2);
}

async fn one_conflicts<S: EventStore>(store: S) {
    store_events(&store, "m", 1..=2).await;
    for (expected, actual) in [(exact(1), 2), (exact(3), 2), (Expected::NoStream, 2)] {
        for place in 0..3 {
            let mut requests = vec![append("a", Expected::NoStream, [3]), append("z", Expected::Any, 4..=5)];
            requests.insert(place, append("m", expected, [6]));
            match store.append_all(requests).await {
                Err(StoreError::Conflict(conflict)) => {
                    assert_eq!((conflict.stream, conflict.expected), (stream("m"), expected));
                    assert_eq!(conflict.actual, actual);
                }
                other => panic!("expected a conflict for {expected}, got {other:?}"),
            }
        }
    }
    let missing = vec![append("m", exact(2), [7]), append("none", Expected::StreamExists, [8])];
    let error = store.append_all(missing).await.expect_err("one stream does not exist");
    assert!(matches!(&error, StoreError::Conflict(conflict) if conflict.stream == stream("none")), "{error:?}");
    assert_eq!(count(&store).await, 2, "a conflict stores nothing");
    // Nor does what was not stored stand in the way of what comes later.
    let keyed = || append("a", Expected::NoStream, [9]).idempotency_key("k");
    store.append_all(vec![keyed(), append("m", exact(7), [9])]).await.expect_err("a conflict");
    assert!(!store.append(keyed()).await.expect("its key is free").replayed);
}

async fn repeated<S: EventStore>(store: S) {
    store_events(&store, "c", [1]).await;
    let requests = vec![
        append("b", Expected::NoStream, 2..=3).idempotency_key("k"),
        append("a", Expected::Any, [4]),
        append("c", exact(1), 5..=6),
    ];
    let first = store.append_all(requests.clone()).await.expect("all are as expected");
    for id in ["a", "b", "c"] {
        store_events(&store, id, [7]).await;
    }
    let stored = count(&store).await;
    let mut others = requests.clone();
    others.reverse();
    for again in [requests.clone(), others] {
        let reversed = again[0].stream != requests[0].stream;
        let mut answers = store.append_all(again).await.expect("the second is answered");
        if reversed {
            answers.reverse();
        }
        assert_eq!(replayed(&answers), [true; 3]);
        for (one, other) in answers.iter().zip(&first) {
            assert_eq!(one.events, other.events);
        }
    }
    // By keys alone: decided again, with events of other ids and numbers.
    let keyed = |number| {
        let one = append("d", Expected::NoStream, [number]).idempotency_key("k");
        vec![one, append("e", exact(0), number..=number + 1).idempotency_key("k")]
    };
    let first = store.append_all(keyed(8)).await.expect("the keys are new");
    let again = store.append_all(keyed(9)).await.expect("the keys are known");
    assert_eq!((replayed(&first), replayed(&again)), (vec![false; 2], vec![true; 2]));
    assert_eq!((&first[0].events, &first[1].events), (&again[0].events, &again[1].events));
    // One by one they are known as well.
    for request in requests {
        assert!(store.append(request).await.expect("it is answered").replayed);
    }
    assert_eq!(count(&store).await, stored + 3);
}

async fn repeated_in_part<S: EventStore>(store: S) {
    let keyed = append("a", Expected::Any, [1]).idempotency_key("k");
    let named = append("b", Expected::NoStream, 2..=3);
    for request in [&keyed, &named] {
        store.append(request.clone()).await.expect("it can be stored");
    }
    let fitting = append("c", Expected::NoStream, [4]);
    let conflicting = append("d", exact(1), [5]);
    for (standing, missing) in [(&keyed, &fitting), (&named, &fitting), (&keyed, &conflicting), (&named, &conflicting)]
    {
        for requests in [vec![standing.clone(), missing.clone()], vec![missing.clone(), standing.clone()]] {
            match store.append_all(requests).await {
                Err(StoreError::PartlyStored(partly)) => {
                    assert_eq!((partly.standing, partly.missing), (standing.stream.clone(), missing.stream.clone()));
                }
                other => panic!("expected that it is seen that only one stands already, got {other:?}"),
            }
        }
    }
    assert_eq!(count(&store).await, 3, "nothing was stored");
    let both = store.append_all(vec![named, keyed]).await.expect("both stand, whoever stored them");
    assert_eq!(replayed(&both), [true; 2]);
}

async fn races<S: EventStore>(store: S) {
    for version in 0..5 {
        let requests = (0..6).map(|number| {
            let mut requests = vec![append("a", exact(version), [number]), append("b", exact(version), [number])];
            if number % 2 == 0 {
                requests.reverse();
            }
            store.append_all(requests)
        });
        let outcomes = join_all(requests).await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let lost = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::Conflict(_)))).count();
        assert_eq!((won, lost), (1, 5), "winners and losers at version {version}");
    }
    assert_eq!(numbers(&all_of(&store, "a").await), numbers(&all_of(&store, "b").await), "a winner has both");
    let any = (0..6).map(|number| {
        let mut requests = vec![append("a", Expected::Any, [number]), append("c", Expected::Any, [number])];
        if number % 2 == 0 {
            requests.reverse();
        }
        store.append_all(requests)
    });
    assert!(join_all(any).await.iter().all(Result::is_ok), "appends that expect nothing all succeed");
    assert_eq!(versions(&all_of(&store, "a").await), (1..=11).collect::<Vec<_>>());
    assert_eq!(versions(&all_of(&store, "c").await), (1..=6).collect::<Vec<_>>());
}

async fn limits_hold<S: EventStore>(store: S) {
    let refused =
        async |requests: Vec<Append>, matches: fn(&InvalidRequest) -> bool| match store.append_all(requests).await {
            Err(StoreError::Invalid(invalid)) => assert!(matches(&invalid), "another limit was named: {invalid}"),
            other => panic!("expected the appends to be invalid, got {other:?}"),
        };
    let good = |id: &str| append(id, Expected::Any, [1]);
    refused(vec![], |invalid| matches!(invalid, InvalidRequest::NoAppends)).await;
    refused(vec![good("a"), append("b", Expected::Any, [])], |invalid| matches!(invalid, InvalidRequest::NoEvents))
        .await;
    let twice = vec![good("a"), good("b"), good("a")];
    refused(twice, |invalid| matches!(invalid, InvalidRequest::StreamTwice { stream } if stream.id() == "a")).await;
    refused(vec![good("a"), good("b\0")], |invalid| matches!(invalid, InvalidRequest::Nul { .. })).await;
    let half = |id: &str| append(id, Expected::Any, vec![1; limits::MAX_EVENTS / 2 + 1]);
    let in_sum = |invalid: &InvalidRequest| matches!(invalid, InvalidRequest::TooManyEvents { events: 10_002, .. });
    refused(vec![half("a"), half("b")], in_sum).await;
    let large = |id: &str| {
        let text = format!("\"{}\"", "x".repeat(limits::MAX_EVENT_BYTES - 2));
        let event = NewEvent::new(event(1).schema, text, Metadata::at(chrono::DateTime::UNIX_EPOCH));
        Append::new(stream(id), Expected::Any, vec![event])
    };
    let bytes = |invalid: &InvalidRequest| matches!(invalid, InvalidRequest::AppendTooLarge { .. });
    refused(["a", "b", "c", "d", "e"].map(large).to_vec(), bytes).await;
    assert_eq!(count(&store).await, 0, "invalid appends store nothing");
}

async fn other_history<S: EventStore>(store: S) {
    let known = store.history().await.expect("a store knows its history");
    let other = HistoryId::new();
    let group = |history| {
        vec![append("a", Expected::Any, [1]).decided_in(known), append("b", Expected::Any, [2]).decided_in(history)]
    };
    match store.append_all(group(other)).await {
        Err(StoreError::HistoryDiverged(diverged)) => assert_eq!((diverged.known, diverged.found), (other, known)),
        answer => panic!("expected that another history is refused, got {answer:?}"),
    }
    assert_eq!(count(&store).await, 0, "nothing was stored");
    store.append_all(group(known)).await.expect("it is this history");
}
