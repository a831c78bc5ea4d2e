//! What is tried again, how often, and after which pause.

use es_core::{RetryPolicy, prelude::*};

use super::{Fault, Give, Purse, Short, Take, Watched, id, replay};

pub(crate) async fn conflicts_are_decided_again_as_often_as_is_said<S: EventStore>(store: &S) {
    let a = id("a");
    let watched = Watched::new(store.clone());
    let quick = RetryPolicy::new().without_pause();
    let purses = watched.repository::<Purse>().retry(quick.attempts(3));
    watched.at_appends([Fault::Overtaken, Fault::Overtaken]);
    let done = purses.execute(&a, Give(1)).await.expect("the third attempt succeeds");
    assert_eq!((done.state.coins, done.version.get(), watched.calls()), (3, 3, (3, 3)));
    let sent = watched.sent();
    assert!(sent[0] != sent[1] && sent[1] != sent[2], "other events have other ids");

    watched.at_appends([Fault::Overtaken; 3]);
    let error = purses.execute(&a, Give(1)).await.expect_err("it is overtaken each time");
    let ExecuteError::Conflict { conflict, attempts: 3 } = error else { panic!("{error:?}") };
    assert_eq!((conflict.actual.get(), watched.calls()), (6, (3, 3)));

    // What is remembered is tried before all attempts.
    let cached = watched.repository::<Purse>().cached(10).with_attempts(2).retry(quick.attempts(2));
    cached.load(&a).await.expect("it exists");
    watched.calls();
    watched.at_appends([Fault::Overtaken; 3]);
    let error = cached.execute(&a, Give(1)).await.expect_err("it is overtaken each time");
    assert!(matches!(error, ExecuteError::Conflict { attempts: 2, .. }), "{error:?}");
    assert_eq!(watched.calls(), (2, 3));
}

pub(crate) async fn the_same_append_is_sent_again_to_a_store_that_could_not_answer<S: EventStore>(store: &S) {
    let a = id("a");
    let watched = Watched::new(store.clone());
    let quick = RetryPolicy::new().without_pause();
    let purses = watched.repository::<Purse>().retry(quick.unavailable(2));

    for faults in [
        [Fault::Unavailable, Fault::Unavailable],
        [Fault::AnswerLost, Fault::Unavailable],
        [Fault::Lost, Fault::AnswerLost],
        [Fault::Lost, Fault::None],
    ] {
        let before = replay(store, &a).await.len() as u64;
        watched.at_appends(faults);
        let done = purses.execute(&a, Give(1)).await.expect("it comes through");
        assert_eq!((done.version.get(), done.state.coins, done.replayed), (before, before, false));
        assert_eq!(replay(store, &a).await.len() as u64, before + 1, "stored once");
        let sent = watched.sent();
        assert!(sent.iter().all(|ids| *ids == sent[0]), "the same events");
        assert_eq!(done.events[0].envelope.metadata.event_id, sent[0][0]);
        watched.at_appends([]);
    }

    // Loads too, and all of one command count together.
    watched.calls();
    watched.at_loads([Fault::Unavailable]);
    watched.at_appends([Fault::Unavailable, Fault::Unavailable]);
    let error = purses.execute(&a, Give(1)).await.expect_err("it was asked three times more");
    assert!(matches!(error, ExecuteError::Store(StoreError::Unavailable(_))), "{error:?}");
    assert_eq!(watched.calls(), (2, 2));

    // Not unless it is said.
    watched.at_appends([Fault::AnswerLost]);
    let error = watched.repository::<Purse>().execute(&a, Give(1)).await.expect_err("nobody knows");
    assert!(matches!(error, ExecuteError::Store(StoreError::OutcomeUnknown { .. })), "{error:?}");
    assert_eq!(watched.calls(), (1, 1));
}

pub(crate) async fn what_is_not_known_is_not_told_as_known<S: EventStore>(store: &S) {
    let a = id("a");
    let watched = Watched::new(store.clone());
    let purses = watched.repository::<Purse>().retry(RetryPolicy::new().without_pause().unavailable(1));
    purses.execute(&a, Give(10)).await.expect("a command");

    // The last failure says that nothing was stored; that is true of the last time only.
    watched.at_appends([Fault::AnswerLost, Fault::Unavailable]);
    let error = purses.execute(&a, Give(1)).await.expect_err("nobody knows");
    assert!(matches!(error, ExecuteError::Store(StoreError::OutcomeUnknown { .. })), "{error:?}");
    assert_eq!(replay(store, &a).await, [0, 10, 11]);
    watched.at_appends([Fault::AnswerLost, Fault::OtherHistory]);
    let error = purses.execute(&a, Give(1)).await.expect_err("nobody knows");
    assert!(matches!(error, ExecuteError::Store(StoreError::OutcomeUnknown { .. })), "{error:?}");

    // A conflict settles it: it was not stored, and is decided again.
    watched.at_appends([Fault::Lost, Fault::Overtaken]);
    let done = purses.execute(&a, Take(10)).await.expect_err("another took ten meanwhile");
    assert_eq!(done.rejection(), Some(&Short { coins: 2, version: 4 }));
    assert_eq!(replay(store, &a).await, [0, 10, 11, 12, 2]);
}
