//! Remembered states: what they save, and that nothing is told by an old one.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::Ordering,
    task::{Context, Waker},
};

use es_core::prelude::*;
use futures_util::FutureExt as _;

use super::{Fault, Fill, Found, Give, MeetTrap, Panic, Purse, Short, TRAP, Take, Watched, id, replay};

type Purses<S> = Repository<Purse, S>;

/// A store that is watched, a repository on it that remembers, and another writer beside it.
async fn warm<S: EventStore>(store: &S, coins: u64) -> (Watched<S>, Purses<Watched<S>>, Purses<S>) {
    let watched = Watched::new(store.clone());
    let purses = watched.repository::<Purse>().cached(100);
    purses.execute(&id("a"), Give(coins)).await.expect("a command");
    watched.calls();
    (watched, purses, store.repository::<Purse>())
}

pub(crate) async fn a_remembered_state_saves_the_load<S: EventStore>(store: &S) {
    let a = id("a");
    let watched = Watched::new(store.clone());
    let purses = watched.repository::<Purse>().cached(100);
    purses.execute(&a, Found(1)).await.expect("a command");
    assert_eq!(watched.calls(), (1, 1), "cold");
    let done = purses.execute(&a, Give(2)).actor("ada").await.expect("a command");
    assert_eq!(watched.calls(), (0, 1), "warm");
    assert_eq!((done.state.coins, done.version.get(), done.replayed), (3, 2, false));
    assert_eq!(done.state.last_actor.as_deref(), Some("ada"));
    purses.clone().execute(&a, Take(3)).idempotency_key("k").await.expect("a command");
    assert_eq!(watched.calls(), (0, 1), "a clone shares it, and a key is looked at by the append");
    assert_eq!(purses.cached_states(), 1);

    let cold = watched.repository::<Purse>();
    cold.execute(&a, Give(1)).await.expect("a command");
    assert_eq!((watched.calls(), cold.cached_states()), ((1, 1), 0), "nothing is remembered unless it is asked for");

    // A load asks the store, and is remembered; one of an earlier version is not.
    let other = watched.repository::<Purse>().cached(100);
    other.load(&a).at_version(1).await.expect("it exists");
    other.load(&a).at_position(u64::MAX).await.expect("it exists");
    other.load(&a).at_time(Utc::now()).await.expect("it exists");
    assert_eq!(other.cached_states(), 0);
    assert_eq!(other.load(&a).await.expect("it exists").state.coins, 1);
    assert_eq!(other.load(&a).await.expect("it exists").state.coins, 1);
    watched.calls();
    assert_eq!(other.execute(&a, Take(1)).await.expect("a command").version, 5);
    assert_eq!(watched.calls(), (0, 1));
    assert!(other.load(&id("nobody")).await.expect_err("it does not exist").is_not_found());
    assert_eq!(other.cached_states(), 1, "that nothing is there is not remembered");
}

pub(crate) async fn nothing_is_told_of_an_old_state<S: EventStore>(store: &S) {
    let a = id("a");
    let (watched, purses, others) = warm(store, 10).await;

    // A refusal: the old state has too little.
    others.execute(&a, Give(90)).await.expect("a command");
    assert_eq!(purses.execute(&a, Take(50)).await.expect("there is enough").state.coins, 50);
    assert_eq!(watched.calls(), (1, 1));
    let short = purses.execute(&a, Take(51)).await.expect_err("there is not");
    assert_eq!(short.rejection(), Some(&Short { coins: 50, version: 3 }));
    assert_eq!(watched.calls(), (1, 0), "a refusal takes a load");

    // Nothing to do: the old state is full.
    others.execute(&a, Take(40)).await.expect("a command");
    let filled = purses.execute(&a, Fill(50)).await.expect("a command");
    assert_eq!((filled.state.coins, filled.version.get(), filled.events.len()), (50, 5, 1));
    let nothing = purses.execute(&a, Fill(50)).await.expect("a command");
    assert_eq!((nothing.version, nothing.position, nothing.events.len()), (filled.version, filled.position, 0));
    watched.calls();

    // A success: the old state has enough. That it is old is no attempt, so one is enough.
    let once = purses.clone().with_attempts(1);
    others.execute(&a, Take(45)).await.expect("a command");
    let short = once.execute(&a, Take(40)).await.expect_err("it went meanwhile");
    assert_eq!(short.rejection(), Some(&Short { coins: 5, version: 6 }));
    assert_eq!(watched.calls(), (1, 1));
    others.execute(&a, Give(1)).await.expect("a command");
    let done = once.execute(&a, Take(6)).await.expect("a command");
    assert_eq!((done.state.coins, done.version.get()), (0, 8));
    let exists = purses.execute(&a, Found(1)).await.expect_err("it exists");
    assert!(matches!(exists, ExecuteError::AlreadyExists { version, .. } if version == 8), "{exists:?}");
    assert_eq!(replay(store, &a).await, [0, 10, 100, 50, 10, 50, 5, 6, 0]);
}

pub(crate) async fn keys_are_honoured<S: EventStore>(store: &S) {
    let a = id("a");
    let watched = Watched::new(store.clone());
    let (purses, others) = (watched.repository::<Purse>().cached(100), store.repository::<Purse>());
    let first = purses.execute(&a, Found(10)).idempotency_key("found").await.expect("a command");
    let again = purses.execute(&a, Found(10)).idempotency_key("found").await.expect("a repeat, and not that it exists");
    assert_eq!((again.replayed, &again.events, again.version), (true, &first.events, first.version));

    // The remembered state refuses what was done already.
    let first = purses.execute(&a, Take(10)).idempotency_key("all").await.expect("a command");
    let again = purses.execute(&a, Take(10)).idempotency_key("all").await.expect("a repeat");
    assert_eq!((again.replayed, &again.events, again.state.coins), (true, &first.events, 0));

    // It would do it again: the append finds the key, be the state new or old.
    let given = purses.execute(&a, Give(5)).idempotency_key("give").await.expect("a command");
    purses.execute(&a, Give(1)).await.expect("a command");
    let again = purses.execute(&a, Give(5)).idempotency_key("give").await.expect("a repeat");
    assert_eq!((again.replayed, again.version, again.state.coins), (true, given.version, 5));
    let theirs = others.execute(&a, Give(7)).idempotency_key("theirs").await.expect("a command");
    let again = purses.execute(&a, Give(7)).idempotency_key("theirs").await.expect("a repeat");
    assert_eq!((again.replayed, &again.events, again.state.coins), (true, &theirs.events, 13));

    // After a repeat the next command is right, and the same command under no key is another one.
    let done = purses.execute(&a, Give(7)).await.expect("a command");
    assert_eq!((done.replayed, done.state.coins, done.version.get()), (false, 20, 6));
    assert_eq!(replay(store, &a).await, [0, 10, 0, 5, 6, 13, 20]);
}

pub(crate) async fn what_turned_out_old_or_doubtful_is_forgotten<S: EventStore>(store: &S) {
    let a = id("a");
    let (watched, purses, others) = warm(store, 10).await;

    // A conflict, and then a load that fails: the next command does not try the old state again.
    others.execute(&a, Give(1)).await.expect("a command");
    watched.at_loads([Fault::Unavailable]);
    let error = purses.execute(&a, Give(1)).await.expect_err("the load fails");
    assert!(matches!(error, ExecuteError::Store(StoreError::Unavailable(_))), "{error:?}");
    assert_eq!((watched.calls(), purses.cached_states()), ((1, 1), 0));
    purses.execute(&a, Give(1)).await.expect("a command");
    assert_eq!(watched.calls(), (1, 1));

    // Appends of which nobody knows.
    for fault in [Fault::AnswerLost, Fault::Lost, Fault::Unavailable] {
        watched.at_appends([fault]);
        purses.execute(&a, Give(1)).await.expect_err("the store says so");
        assert_eq!((watched.calls(), purses.cached_states()), ((0, 1), 0));
        let done = purses.execute(&a, Give(1)).await.expect("a command");
        assert_eq!(watched.calls(), (1, 1));
        assert_eq!(done.state.coins, *replay(store, &a).await.last().expect("it exists"));
    }

    // A command whose future is dropped when its events are stored.
    watched.at_appends([Fault::Hangs]);
    {
        let mut dropped = Box::pin(purses.execute(&a, Give(1)).into_future());
        let before = replay(store, &a).await.len();
        while replay(store, &a).await.len() == before {
            assert!(dropped.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
            tokio::task::yield_now().await;
        }
    }
    let done = purses.execute(&a, Give(1)).await.expect("a command");
    let replayed = replay(store, &a).await;
    assert_eq!((done.state.coins, done.version.get()), (replayed[replayed.len() - 1], replayed.len() as u64 - 1));
}

pub(crate) async fn another_history_is_another_state<S: EventStore>(store: &S) {
    let a = id("a");
    let (watched, purses, _) = warm(store, 10).await;
    watched.at_appends([Fault::OtherHistory]);
    let done = purses.execute(&a, Give(1)).await.expect("it is loaded and decided again");
    assert_eq!((done.version.get(), watched.calls()), (2, (1, 2)));
    purses.execute(&a, Give(1)).await.expect("a command");
    assert_eq!(watched.calls(), (0, 1), "what is remembered is of the present history");

    // The history ends between a load and its append.
    let cold = watched.repository::<Purse>();
    watched.at_appends([Fault::OtherHistory]);
    cold.execute(&a, Give(1)).await.expect("it is loaded and decided again");
    assert_eq!(watched.calls(), (2, 2));
    assert_eq!(replay(store, &a).await, [0, 10, 11, 12, 13]);
}

pub(crate) async fn a_panic_leaves_no_wrong_state<S: EventStore>(store: &S) {
    let a = id("a");
    let (_, purses, _) = warm(store, 10).await;
    AssertUnwindSafe(purses.execute(&a, Panic).into_future()).catch_unwind().await.expect_err("the decision panics");
    assert_eq!(purses.execute(&a, Give(1)).await.expect("a command").state.coins, 11);

    TRAP.store(true, Ordering::SeqCst);
    AssertUnwindSafe(purses.execute(&a, MeetTrap).into_future()).catch_unwind().await.expect_err("the fold panics");
    TRAP.store(false, Ordering::SeqCst);
    let done = purses.execute(&a, Give(1)).await.expect("a command");
    assert_eq!((done.state.coins, done.version.get()), (1_012, 4), "its event was stored all the same");
    assert_eq!(replay(store, &a).await, [0, 10, 11, 1_011, 1_012]);
}

pub(crate) async fn snapshots_are_taken_of_remembered_states<S: EventStore>(store: &S) {
    let a = id("a");
    let (watched, purses, _) = warm(store, 1).await;
    for _ in 0..34 {
        purses.execute(&a, Give(1)).await.expect("a command");
    }
    assert_eq!(watched.calls(), (0, 34));
    // A store may write it later, and keeps the newest: that of version 30.
    let stream = Repository::<Purse, S>::stream(&a);
    loop {
        let kept = store.kept_snapshot(stream.clone()).await.expect("a snapshot can be looked for");
        match kept.map(|kept| kept.version.get()) {
            Some(30) => break,
            other => assert!(matches!(other, None | Some(10 | 20)), "{other:?}"),
        }
    }
    assert_eq!(purses.load(&a).await.expect("it exists").state.coins, 35);
    let check = purses.verify_snapshot(&a).await.expect("it can be looked at");
    assert_eq!(check, es_core::repository::SnapshotCheck::Same { version: 30.into() });
}

/// Two repositories that remember, on one purse in turn: each finds its state old each time.
pub(crate) async fn a_state_that_is_always_old_is_left_aside<S: EventStore>(store: &S) {
    const ROUNDS: usize = 100;
    let a = id("a");
    let (watched, purses, others) = warm(store, 1).await;
    for _ in 0..ROUNDS {
        others.execute(&a, Give(1)).await.expect("a command");
        purses.execute(&a, Give(1)).await.expect("a command");
    }
    let (loads, appends) = watched.calls();
    assert_eq!(loads, ROUNDS);
    assert!(appends > ROUNDS && appends < ROUNDS + ROUNDS / 8, "{appends} appends for {ROUNDS} commands");

    // When nobody else writes any more it is used again, before long and then always.
    for _ in 0..20 {
        purses.execute(&a, Give(1)).await.expect("a command");
    }
    watched.calls();
    for _ in 0..20 {
        purses.execute(&a, Give(1)).await.expect("a command");
    }
    assert_eq!(watched.calls(), (0, 20));
    others.execute(&a, Give(1)).await.expect("a command");
    purses.execute(&a, Give(1)).await.expect("a command");
    assert_eq!(watched.calls(), (1, 2));
    purses.execute(&a, Give(1)).await.expect("a command");
    assert_eq!(watched.calls(), (0, 1), "once is no habit");
    assert_eq!(replay(store, &a).await.len(), 2 + 2 * ROUNDS + 40 + 3);
}
