//! Rules for events that are set aside, and for shards that stop.

use super::{
    advance, at, begin, commit, define_rules, id, owned, position, prepare, read_model, shard, sharded, state,
    store_events,
};
use crate::{
    projection::{
        Activity, Claim, DeadLetter, Failure, HandlerError, ProjectionError, ProjectionStore, ShardId, Transience,
    },
    recorded::{StreamId, StreamVersion},
    store::{Conflict, Expected, Misconfigured, StoreError, StoredEvent, Unavailable},
};

define_rules! {
    "events are set aside with the transaction, and told with why" => set_aside,
    "an event that is set aside again is left as it is" => once,
    "events that were set aside are told in their order, up to as many as were asked for" => in_order,
    "the parked events of a key are told in their order, and those of no other key or shard" => by_key,
    "parked events are removed up to a position, with the transaction, and what is left is said" => unparked,
    "an event that was skipped makes no key wait" => skipped,
    "the wish to try again is kept by shard, until a transaction ends it" => redriven,
    "a wish to try again that comes while an earlier one is seen to is not ended with that" => wished_again,
    "a wish to try again that one shard has not seen to is there for all in another division" => divided,
    "a shard that stops says why, until it is past that event" => stopped,
    "a shard that was stopped is nobody's, and not stopped once more by who asks again" => stopped_once,
    "an error is waited out where a store that cannot be reached is among its causes" => transience,
    "an error of a store among the causes of another says whether that passes" => passing,
}

fn failure(position: u64, message: &str) -> Failure {
    Failure::new(at(position), "Counted".to_owned(), message.to_owned(), 3)
}

fn parked(shard: ShardId, key: &str, position: u64) -> DeadLetter {
    DeadLetter::parked(shard, key.to_owned(), at(position), failure(position, &format!("{key} at {position}")))
}

/// Sets events aside in a transaction that moves the checkpoint on by one.
async fn keep<S: ProjectionStore>(store: &S, claim: &Claim, letters: &[DeadLetter]) {
    let from = state(store, claim.shard).await.position.get();
    let mut transaction = begin(store, claim, from, from + 1).await;
    store.set_aside(&mut transaction, letters).await.expect("events can be set aside");
    commit(store, transaction).await;
}

/// A store with nine events and a projection of them.
async fn begun<S: ProjectionStore>(store: &S) -> Claim {
    store_events(store, "a", 1..=9).await;
    prepare(store, sharded(1, 2)).await;
    owned(store, 1).await
}

async fn keys<S: ProjectionStore>(store: &S, shard: ShardId) -> Vec<String> {
    let mut keys = store.parked_keys(shard).await.expect("an answer");
    keys.sort();
    keys
}

async fn letters<S: ProjectionStore>(store: &S, limit: u32) -> Vec<(DeadLetter, StoredEvent)> {
    store.dead_letters(id(1), limit).await.expect("an answer")
}

async fn events<S: ProjectionStore>(store: &S, shard: ShardId, key: &str, limit: u32) -> Vec<u64> {
    let events = store.parked_events(shard, key, limit).await.expect("an answer");
    events.iter().map(|event| event.position.get()).collect()
}

async fn set_aside<S: ProjectionStore>(store: S) {
    let claim = begun(&store).await;
    let letter = parked(claim.shard, "k", 2);
    let mut transaction = begin(&store, &claim, 0, 2).await;
    store.set_aside(&mut transaction, std::slice::from_ref(&letter)).await.expect("events can be set aside");
    assert_eq!(letters(&store, 9).await.len(), 0, "it is not committed");
    store.rollback(transaction).await;
    assert_eq!((letters(&store, 9).await.len(), keys(&store, claim.shard).await), (0, vec![]));
    keep(&store, &claim, std::slice::from_ref(&letter)).await;
    let kept = letters(&store, 9).await;
    assert_eq!(kept[0].0, letter);
    let event = super::super::all_of(&store, "a").await.swap_remove(1);
    assert_eq!(kept[0].1, event);
    let state = state(&store, claim.shard).await;
    assert_eq!((state.parked, state.skipped, state.position), (1, 0, at(1)));
}

async fn once<S: ProjectionStore>(store: S) {
    let claim = begun(&store).await;
    let first = parked(claim.shard, "k", 2);
    let again = DeadLetter { failure: failure(2, "another failure"), ..first.clone() };
    keep(&store, &claim, std::slice::from_ref(&first)).await;
    keep(&store, &claim, &[again.clone(), again]).await;
    let kept: Vec<_> = letters(&store, 9).await.into_iter().map(|(letter, _)| letter).collect();
    assert_eq!(kept, [first]);
    // An event may wait for each of its keys.
    let other = parked(claim.shard, "other", 2);
    keep(&store, &claim, &[other]).await;
    assert_eq!(keys(&store, claim.shard).await, ["k", "other"]);
}

async fn in_order<S: ProjectionStore>(store: S) {
    let claim = begun(&store).await;
    let skipped = DeadLetter::skipped(claim.shard, "b".to_owned(), at(3), failure(3, "skipped"));
    keep(&store, &claim, &[parked(claim.shard, "a", 8), parked(claim.shard, "a", 4), skipped]).await;
    keep(&store, &claim, &[parked(claim.shard, "c", 1)]).await;
    let positions = async |limit| {
        let letters = letters(&store, limit).await;
        for (letter, event) in &letters {
            assert_eq!(letter.position, event.position);
        }
        letters.iter().map(|(letter, _)| letter.position.get()).collect::<Vec<_>>()
    };
    assert_eq!(positions(9).await, [1, 3, 4, 8]);
    assert_eq!(positions(3).await, [1, 3, 4]);
    assert_eq!(store.dead_letters(id(2), 9).await.expect("an answer").len(), 0, "those of another version");
}

async fn by_key<S: ProjectionStore>(store: S) {
    let claim = begun(&store).await;
    let other = shard(id(1), 1);
    let engine = super::alive(&store, "other", super::LONG).await;
    let held = super::claim(&store, &engine, other).await.expect("nobody owns it");
    let letters = [("a", 7), ("a", 2), ("b", 3), ("a", 5)].map(|(key, position)| parked(claim.shard, key, position));
    keep(&store, &claim, &letters).await;
    keep(&store, &held, &[parked(other, "a", 6)]).await;
    assert_eq!(events(&store, claim.shard, "a", 9).await, [2, 5, 7]);
    assert_eq!(events(&store, claim.shard, "a", 2).await, [2, 5]);
    assert_eq!(events(&store, claim.shard, "b", 9).await, [3]);
    assert_eq!(events(&store, claim.shard, "c", 9).await, Vec::<u64>::new());
    assert_eq!(events(&store, other, "a", 9).await, [6]);
    assert_eq!(
        (keys(&store, claim.shard).await, keys(&store, other).await),
        (vec!["a".into(), "b".into()], vec!["a".into()])
    );
    assert_eq!((state(&store, claim.shard).await.parked, state(&store, other).await.parked), (4, 1));
}

async fn unparked<S: ProjectionStore>(store: S) {
    let claim = begun(&store).await;
    let letters = [("a", 2), ("a", 5), ("b", 2), ("a", 7)].map(|(key, position)| parked(claim.shard, key, position));
    keep(&store, &claim, &letters).await;
    let other = shard(id(1), 1);
    let held =
        super::claim(&store, &super::alive(&store, "other", super::LONG).await, other).await.expect("nobody owns it");
    keep(&store, &held, &[parked(other, "a", 3)]).await;
    let mut transaction = begin(&store, &claim, 1, 1).await;
    let done = store.unpark(&mut transaction, claim.shard, "a", at(5)).await.expect("an answer");
    assert!(!done, "one is left");
    assert_eq!(events(&store, claim.shard, "a", 9).await, [2, 5, 7], "it is not committed");
    store.rollback(transaction).await;
    assert_eq!(events(&store, claim.shard, "a", 9).await, [2, 5, 7], "it was undone");
    for (upto, left) in [(5, vec![7]), (6, vec![7]), (7, vec![])] {
        let mut transaction = begin(&store, &claim, 1, 1).await;
        let done = store.unpark(&mut transaction, claim.shard, "a", at(upto)).await.expect("an answer");
        assert_eq!(done, left.is_empty(), "up to {upto}");
        commit(&store, transaction).await;
        assert_eq!(events(&store, claim.shard, "a", 9).await, left);
    }
    assert_eq!((keys(&store, claim.shard).await, keys(&store, other).await), (vec!["b".into()], vec!["a".into()]));
    let mut transaction = begin(&store, &claim, 1, 2).await;
    store.set_aside(&mut transaction, &[parked(claim.shard, "b", 9)]).await.expect("an answer");
    let done = store.unpark(&mut transaction, claim.shard, "b", at(8)).await.expect("an answer");
    assert!(!done, "one came with this transaction");
    commit(&store, transaction).await;
    assert_eq!(events(&store, claim.shard, "b", 9).await, [9]);
}

async fn skipped<S: ProjectionStore>(store: S) {
    let claim = begun(&store).await;
    let skip =
        |key: &str, position| DeadLetter::skipped(claim.shard, key.to_owned(), at(position), failure(position, "no"));
    keep(&store, &claim, &[skip("a", 1), skip("a", 4), parked(claim.shard, "b", 2), skip("b", 3)]).await;
    assert_eq!(keys(&store, claim.shard).await, ["b"]);
    assert_eq!(events(&store, claim.shard, "a", 9).await, Vec::<u64>::new());
    assert_eq!(events(&store, claim.shard, "b", 9).await, [2]);
    let mut transaction = begin(&store, &claim, 1, 2).await;
    assert!(store.unpark(&mut transaction, claim.shard, "b", at(2)).await.expect("an answer"));
    commit(&store, transaction).await;
    let state = state(&store, claim.shard).await;
    assert_eq!((state.parked, state.skipped), (0, 3), "they are kept to be looked at");
    assert_eq!(letters(&store, 9).await.len(), 3);
}

async fn redriven<S: ProjectionStore>(store: S) {
    let claim = begun(&store).await;
    keep(&store, &claim, &[parked(claim.shard, "a", 1)]).await;
    assert_eq!(state(&store, claim.shard).await.redrive, None);
    let wish = wished(&store, claim.shard).await;
    let mut transaction = begin(&store, &claim, 1, 1).await;
    store.redriven(&mut transaction, claim.shard, wish).await.expect("an answer");
    store.rollback(transaction).await;
    assert_eq!(state(&store, claim.shard).await.redrive, Some(wish), "it was undone");
    see_to(&store, &claim, wish).await;
    assert_eq!(state(&store, claim.shard).await.redrive, None);
    assert_eq!(state(&store, shard(id(1), 1)).await.redrive, Some(wish), "another shard has not done so");
    assert_eq!(keys(&store, claim.shard).await, ["a"], "what is parked stays so");
}

/// Wants parked events to be tried again; the number of the wish.
async fn wished<S: ProjectionStore>(store: &S, shard: ShardId) -> u64 {
    store.redrive(id(1)).await.expect("it can be wanted");
    state(store, shard).await.redrive.expect("it is wanted")
}

async fn see_to<S: ProjectionStore>(store: &S, claim: &Claim, wish: u64) {
    let at = state(store, claim.shard).await.position.get();
    let mut transaction = begin(store, claim, at, at).await;
    store.redriven(&mut transaction, claim.shard, wish).await.expect("an answer");
    commit(store, transaction).await;
}

async fn wished_again<S: ProjectionStore>(store: S) {
    let claim = begun(&store).await;
    keep(&store, &claim, &[parked(claim.shard, "a", 1)]).await;
    let first = wished(&store, claim.shard).await;
    let second = wished(&store, claim.shard).await;
    assert!(first < second, "{first}, {second}");
    see_to(&store, &claim, first).await;
    assert_eq!(state(&store, claim.shard).await.redrive, Some(second), "it was made before the first was seen to");
    // Another, while the transaction is open; whether it is made at once or behind its end is up to the store.
    let mut transaction = begin(&store, &claim, 1, 1).await;
    store.redriven(&mut transaction, claim.shard, second).await.expect("an answer");
    let ((), third) = tokio::join!(commit(&store, transaction), wished(&store, claim.shard));
    assert_eq!(state(&store, claim.shard).await.redrive, Some(third));
    // An older one ends nothing, and begins nothing anew.
    see_to(&store, &claim, first).await;
    assert_eq!(state(&store, claim.shard).await.redrive, Some(third));
    see_to(&store, &claim, third).await;
    see_to(&store, &claim, second).await;
    assert_eq!(state(&store, claim.shard).await.redrive, None);
    let fourth = wished(&store, claim.shard).await;
    assert!(third < fourth, "numbers are not used again");
}

async fn divided<S: ProjectionStore>(store: S) {
    let claim = begun(&store).await;
    let wish = wished(&store, claim.shard).await;
    see_to(&store, &claim, wish).await;
    store.release(&claim).await.expect("an answer");
    prepare(&store, sharded(1, 3)).await;
    for number in 0..3 {
        assert_eq!(state(&store, shard(id(1), number)).await.redrive, Some(wish), "shard {number}");
    }
    assert!(wish < wished(&store, claim.shard).await, "numbers are not used again");
}

async fn stopped<S: ProjectionStore>(store: S) {
    store_events(&store, "a", 1..=9).await;
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    assert!(advance(&store, &claim, 0, 3).await);
    assert!(store.stop(&claim, at(3), &failure(4, "it cannot be done")).await.expect("an answer"));
    let told = state(&store, claim.shard).await;
    assert_eq!((told.activity, told.position), (Activity::Stopped, at(3)));
    assert_eq!(told.failure, Some(failure(4, "it cannot be done")));
    store.set_activity(id(1), Activity::Running).await.expect("it can be resumed");
    assert_eq!(state(&store, claim.shard).await.activity, Activity::Running);
    let claim = owned(&store, 1).await;
    assert!(store.stop(&claim, at(3), &failure(4, "it still cannot")).await.expect("an answer"));
    assert_eq!(state(&store, claim.shard).await.failure, Some(failure(4, "it still cannot")));
    store.set_activity(id(1), Activity::Running).await.expect("it can be resumed");
    let claim = owned(&store, 1).await;
    assert!(advance(&store, &claim, 3, 4).await);
    assert_eq!((position(&store, 1).await, state(&store, claim.shard).await.failure), (4, None));
}

async fn stopped_once<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    assert!(store.stop(&claim, at(0), &failure(1, "it cannot be done")).await.expect("an answer"));
    assert_eq!(state(&store, claim.shard).await.owner, None);
    store.set_activity(id(1), Activity::Running).await.expect("it can be resumed");
    assert!(!store.stop(&claim, at(0), &failure(1, "it cannot be done")).await.expect("an answer"));
    let next = owned(&store, 1).await;
    assert!(next.epoch > claim.epoch, "{next:?}");
    assert!(!store.stop(&claim, at(0), &failure(1, "it cannot be done")).await.expect("an answer"));
    assert_eq!(state(&store, claim.shard).await.activity, Activity::Running);
}

/// A handler's error that has the store's among its causes.
#[derive(Debug, thiserror::Error)]
#[error("the mail was not sent")]
struct Wrapped<E: std::error::Error + 'static>(#[source] E);

#[expect(clippy::unused_async, reason = "a rule is async")]
async fn transience<S: ProjectionStore>(store: S) {
    let away = || StoreError::from(Unavailable::new("it is away", "a test"));
    let of = |error| store.transience(&error);
    assert_eq!(of(HandlerError::new(away())), Transience::Unavailable);
    assert_eq!(of(HandlerError::new(ProjectionError::from(away()))), Transience::Unavailable);
    assert_eq!(of(HandlerError::new(Wrapped(away()))), Transience::Unavailable);
    assert_eq!(of(HandlerError::new(Wrapped(Wrapped(ProjectionError::from(away()))))), Transience::Unavailable);
    assert_eq!(of(HandlerError::new("it cannot be done")), Transience::Lasting);
    assert_eq!(of(HandlerError::new(Wrapped(std::fmt::Error))), Transience::Lasting);
}

#[expect(clippy::unused_async, reason = "a rule is async")]
async fn passing<S: ProjectionStore>(store: S) {
    let of = |error| store.transience(&HandlerError::new(Wrapped(error)));
    let stream = StreamId::new("lamp", "hall");
    let conflict = Conflict::new(stream.clone(), Expected::NoStream, StreamVersion::new(1));
    assert_eq!(of(StoreError::from(conflict)), Transience::Passing);
    let ended = StoreError::RetryTransaction { stream, source: "a test".into() };
    assert_eq!(of(ended), Transience::Passing);
    assert_eq!(of(StoreError::from(Misconfigured::new("a test", None))), Transience::Broken);
    assert_eq!(of(StoreError::WrongSchema { found: 1, needed: 2 }), Transience::Lasting);
    assert_eq!(of(StoreError::Backend { doing: "testing", source: "a test".into() }), Transience::Lasting);
}
