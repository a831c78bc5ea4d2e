//! Commands of one repository upon one remembered state: they take turns, and nobody holds up the others.

use std::task::{Context, Waker};

use es_core::prelude::*;
use futures_util::{FutureExt as _, future::join_all};

use super::{Fault, Give, Purse, Take, Watched, id, replay};

/// A store that is watched, and a repository on it that remembers a purse of ten coins.
async fn warm<S: EventStore>(store: &S) -> (Watched<S>, Repository<Purse, Watched<S>>) {
    let watched = Watched::new(store.clone());
    let purses = watched.repository::<Purse>().cached(100);
    purses.execute(&id("a"), Give(10)).await.expect("a command");
    watched.calls();
    (watched, purses)
}

pub(crate) async fn commands_upon_one_state_do_not_meet<S: EventStore>(store: &S) {
    const COMMANDS: u64 = 40;
    let a = id("a");
    let (watched, purses) = warm(store).await;
    let done = join_all((0..COMMANDS).map(|_| purses.execute(&a, Give(1)).into_future())).await;
    let mut versions: Vec<_> = done.into_iter().map(|done| done.expect("a command").version.get()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..2 + COMMANDS).collect::<Vec<_>>());
    assert_eq!(watched.calls(), (0, 40), "each was decided once, upon what the one before led to");

    // A turn that leads to nothing is over as well.
    let short = purses.execute(&a, Take(100)).await.expect_err("there is not enough");
    assert!(short.rejection().is_some());
    assert_eq!(watched.calls(), (1, 0), "a refusal takes a load");
    watched.at_appends([Fault::Unavailable]);
    purses.execute(&a, Give(1)).await.expect_err("the store says so");
    purses.execute(&a, Give(1)).await.expect("a command");
    assert_eq!(watched.calls(), (1, 2), "what is doubtful was forgotten");
    purses.execute(&a, Give(1)).idempotency_key("k").await.expect("a command");
    purses.execute(&a, Give(1)).await.expect("a command");
    assert!(purses.execute(&a, Give(1)).idempotency_key("k").await.expect("a repeat").replayed);
    watched.calls();
    purses.execute(&a, Give(1)).await.expect("a command");
    assert_eq!(watched.calls(), (0, 1), "after a repeat the state is still known");
    assert_eq!(replay(store, &a).await.len(), 2 + 40 + 4);
}

/// A caller whose events are stored, and who does not ask for the answer, but does not go away either.
pub(crate) async fn who_is_not_polled_holds_up_nobody<S: EventStore>(store: &S) {
    let a = id("a");
    let (watched, purses) = warm(store).await;
    watched.at_appends([Fault::Hangs]);
    let mut held = Box::pin(purses.execute(&a, Give(1)).into_future());
    while replay(store, &a).await.len() == 2 {
        assert!(held.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        tokio::task::yield_now().await;
    }
    watched.calls();
    assert_eq!(purses.execute(&a, Give(1)).await.expect("a command").state.coins, 12);
    assert_eq!(watched.calls(), (1, 1), "the store has answered, so the turn is over; what came of it is not known");
    assert_eq!(purses.execute(&a, Give(1)).await.expect("a command").state.coins, 13);
    assert_eq!(watched.calls(), (0, 1));
    drop(held);
}

/// A store that leaves the work to its callers, and a caller who has stopped before it was done.
pub(crate) async fn who_never_hands_over_is_not_waited_for_for_ever<S: EventStore>(store: &S) {
    let a = id("a");
    let (watched, purses) = warm(store).await;
    watched.at_appends([Fault::Stuck]);
    watched.sent();
    let mut stuck = Box::pin(purses.execute(&a, Give(1)).into_future());
    while watched.sent().is_empty() {
        assert!(stuck.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(purses.execute(&a, Give(1)).await.expect("a command").version, 2);
    drop(stuck);
}
