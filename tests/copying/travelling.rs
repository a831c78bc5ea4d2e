//! What travels, and what the copy does with it.

use es_core::{
    copy::{CopyStore, copy},
    prelude::*,
    store::{Append, NewEvent, ReadAll, StoreError},
};
use futures_util::TryStreamExt as _;

use super::{append, archived, assert_same, copied, everything, fill, new_event, stream};

pub(crate) async fn everything_travels<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    assert_eq!(copied(source, target).await.copied, 0, "there is nothing yet");
    source.append(append("hall", 3).idempotency_key("three at once")).await.expect("an append");
    source.append_all(vec![append("stairs", 2), append("hall", 1)]).await.expect("appends");
    let mut known = new_event(r#"{"who":"Ä \"b\" 😀\n"}"#);
    known.metadata.actor = Some("somebody".to_owned());
    known.metadata.correlation_id = Some("request 7".to_owned());
    known.metadata.causation_id = Some(EventId::now());
    known.metadata.extra.insert("place".to_owned(), "here \\ there".to_owned());
    let other = NewEvent::new(es_core::EventSchema::new("LampPutOut", 4), "[]".to_owned(), Metadata::at(Utc::now()));
    let exact = Append::new(StreamId::new("lam", "p/hall"), Expected::NoStream, vec![known, other]);
    source.append(exact).await.expect("an append");
    fill(source, 50).await;
    source.archive(stream("stairs")).await.expect("it is there");

    let report = copied(source, target).await;
    assert_eq!((report.copied, report.archived), (58, 1));
    assert_same(source, target).await;
    let refused = target.append(append("stairs", 1)).await.expect_err("it is archived");
    assert!(matches!(refused, StoreError::Archived { .. }), "{refused}");
}

/// Of every spelling of JSON, the copy is taken for the same, and is.
pub(crate) async fn difficult_json_is_the_same_however_it_is_kept<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    let payloads = [
        "1e2",
        "-0",
        "-0.0",
        "0e7",
        "1.0",
        "1.50",
        "10.00e-1",
        "1E+2",
        "-1.5e-7",
        "123456789012345678901234567890",
        "18446744073709551617",
        "0.1000000000000000055511151231257827021181583404541015625",
        "1.7976931348623157e308",
        "5e-324",
        "1e400",
        "-1e-400",
        "9007199254740993",
        "true",
        "null",
        "\"\"",
        "[]",
        "{}",
        r#""\u00e9\ud83d\ude00\/""#,
        r#" { "bb" : 1 , "a" : [ 1.0 , 2e0 , { "z" : null , "y" : false } ] , "" : "" } "#,
        r#"{"a":1,"b":2,"a":3}"#,
        r#""\\u0000""#,
        r#"{"ä":1,"z":2,"Z":3,"aa":4}"#,
    ];
    for payload in payloads {
        source.append(Append::new(stream("odd"), Expected::Any, vec![new_event(payload)])).await.expect(payload);
    }
    let report = copied(source, target).await;
    assert_eq!(report.events, payloads.len() as u64);
    // Other stores give other spellings, of which the hash knows nothing: back in memory it is the same.
    let back = MemoryStore::new();
    assert_eq!(copied(target, &back).await.hash, report.hash);
    let direct = MemoryStore::new();
    assert_eq!(copied(source, &direct).await.hash, report.hash);
}

pub(crate) async fn repeats_are_answered_with_the_first_result<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    let keyed = append("keyed", 3).idempotency_key("once");
    let unnamed = append("unnamed", 2);
    let mut exact = append("exact", 2);
    exact.expected = Expected::Exact(1.into());
    let mut first = Vec::new();
    source.append(append("exact", 1)).await.expect("an append");
    for request in [&keyed, &unnamed, &exact] {
        first.push(source.append(request.clone()).await.expect("an append"));
    }
    source.append(append("keyed", 1)).await.expect("one behind it");
    copied(source, target).await;

    let mut again = append("keyed", 1).idempotency_key("once");
    again.expected = Expected::NoStream;
    let of_key = target.append(again).await.expect("a repeat");
    let mut answers = vec![of_key];
    for request in [unnamed, exact] {
        answers.push(target.append(request).await.expect("a repeat"));
    }
    for (first, answer) in first.iter().zip(&answers) {
        assert!(answer.replayed);
        let known = |placed: &es_core::store::Placed| (placed.event_id, placed.version, placed.recorded_at);
        assert!(first.events.iter().map(known).eq(answer.events.iter().map(known)), "{first:?} {answer:?}");
    }
    assert_eq!(everything(target).await.len(), everything(source).await.len(), "nothing was stored");
    let next = target.append(append("keyed", 1)).await.expect("an append of its own");
    assert_eq!(next.version(), 5, "the copy is a store like any other");
}

pub(crate) async fn archived_streams_follow_those_of_the_source<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    for id in ["a", "b", "c", "d"] {
        source.append(append(id, 1)).await.expect("an append");
    }
    for id in ["b", "d"] {
        source.archive(stream(id)).await.expect("it is there");
    }
    assert_eq!(copied(source, target).await.archived, 2);
    let first = archived(target).await;
    assert_eq!(first, archived(source).await);
    assert_eq!(copied(source, target).await.archived, 2);
    assert_eq!(archived(target).await, first, "unchanged");

    source.restore(stream("b")).await.expect("it is there");
    source.restore(stream("d")).await.expect("it is there");
    source.archive(stream("d")).await.expect("it is there");
    source.archive(stream("a")).await.expect("it is there");
    // Somebody has changed the copy: it is made what the source is.
    target.archive(stream("c")).await.expect("it is there");
    assert_eq!(copied(source, target).await.archived, 2);
    assert_same(source, target).await;

    // One that went on behind what is copied is not yet what it is there.
    let upto = source.settled().await.expect("a position");
    source.append(append("e", 1)).await.expect("an append");
    source.archive(stream("e")).await.expect("it is there");
    let report = copy(source, target).until(upto).await.expect("a copy");
    assert_eq!((report.copied, report.archived), (0, 2));
    assert_eq!(copied(source, target).await.archived, 3);
    assert_same(source, target).await;
}

pub(crate) async fn subscribers_of_the_target_see_each_event_once<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 40).await;
    let mut seen = Box::pin(target.subscribe(ReadAll::after(Position::START)));
    let see = async {
        let mut ids = Vec::new();
        while ids.len() < 60 {
            ids.push(seen.try_next().await.expect("a subscription").expect("it does not end").event_id);
        }
        ids
    };
    let work = async {
        copy(source, target).batch(7).await.expect("a copy");
        fill(source, 20).await;
        copy(source, target).batch(3).await.expect("a copy");
    };
    let (ids, ()) = tokio::join!(see, work);
    let all: Vec<_> = everything(source).await.iter().map(|copied| copied.event.event_id).collect();
    assert_eq!(ids, all);
}
