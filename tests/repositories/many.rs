//! Many commands side by side, and commands that are part of something larger.

use std::sync::atomic::{AtomicUsize, Ordering};

use es_core::{prelude::*, store::Append};
use futures_util::StreamExt as _;

use super::{Fault, Give, Purse, PurseId, Take, Watched, id, replay};

/// 40 commands, each of which takes as many coins as it has number, to five purses in turn.
fn commands() -> impl Iterator<Item = (PurseId, Take)> {
    (0..40_u64).map(|number| (id(&format!("p{}", number % 5)), Take(number)))
}

async fn purses_with_coins<S: EventStore>(store: &S) {
    let given =
        store.repository::<Purse>().execute_all((0..5).map(|purse| (id(&format!("p{purse}")), Give(10_000)))).await;
    assert!(given.iter().all(Result::is_ok));
}

pub(crate) async fn results_come_in_the_order_of_the_commands<S: EventStore>(store: &S) {
    purses_with_coins(store).await;
    for (round, concurrency) in [1, 3, 64].into_iter().enumerate() {
        let watched = Watched::new(store.clone());
        let purses = watched.repository::<Purse>().with_attempts(1);
        let all = purses.execute_all(commands()).actor("ada").concurrency(concurrency);
        let results = if round == 1 { all.stream().collect::<Vec<_>>().await } else { all.await };
        assert_eq!(results.len(), 40);
        for (number, result) in results.iter().enumerate() {
            let executed = result.as_ref().expect("one at a time on each purse: no conflict");
            assert_eq!(executed.events.len(), 1);
            let envelope = &executed.events[0].envelope;
            assert_eq!(envelope.stream.id(), format!("p{}", number % 5), "the result is of its command");
            assert_eq!(executed.version, 2 + (round * 8 + number / 5) as u64, "in their order");
            assert_eq!(envelope.metadata.actor.as_deref(), Some("ada"));
        }
        let most = watched.most_under_way();
        assert!(most <= concurrency && (concurrency == 1 || most > 1), "{most} of {concurrency}");
    }
    // Each command has taken its own number, in the order of the numbers.
    for purse in 0..5 {
        let coins = replay(store, &id(&format!("p{purse}"))).await;
        let taken: Vec<_> = coins[1..].windows(2).map(|pair| pair[0] - pair[1]).collect();
        let once = (0..8).map(|turn| turn * 5 + purse);
        assert_eq!(taken, once.clone().chain(once.clone()).chain(once).collect::<Vec<_>>());
    }
}

pub(crate) async fn what_fails_stops_nothing<S: EventStore>(store: &S) {
    purses_with_coins(store).await;
    let watched = Watched::new(store.clone());
    watched.at_appends([Fault::None, Fault::Unavailable, Fault::None]);
    let purses = watched.repository::<Purse>();
    let amounts = [1, 20_000, 2, 3];
    let results = purses.execute_all(amounts.map(|coins| (id("p1"), Take(coins)))).await;
    assert!(results[0].is_ok() && results[3].is_ok(), "{results:?}");
    assert!(results[1].as_ref().is_err_and(|error| error.rejection().is_some()), "{results:?}");
    assert!(matches!(results[2], Err(ExecuteError::Store(StoreError::Unavailable(_)))), "{results:?}");
    assert!(purses.execute_all(Vec::<(PurseId, Take)>::new()).await.is_empty());
}

pub(crate) async fn each_command_has_its_own_key_and_ids<S: EventStore>(store: &S) {
    let purses = store.repository::<Purse>().cached(3);
    let give = || (1..=9_u64).map(|coins| (id(&format!("p{}", coins % 3)), Give(coins)));
    let key = |_: &PurseId, command: &Give| format!("import-{}", command.0);
    let first = purses.execute_all(give()).idempotency_key(key).await;
    let again = purses.execute_all(give()).idempotency_key(key).await;
    for (first, again) in first.iter().zip(&again) {
        let (first, again) = (first.as_ref().expect("a command"), again.as_ref().expect("a repeat"));
        assert_eq!((first.replayed, again.replayed), (false, true));
        assert_eq!((&first.events, &first.state), (&again.events, &again.state));
    }
    let mut ids: Vec<_> = first.iter().flatten().map(|it| it.events[0].envelope.metadata.event_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9);
    let then = DateTime::UNIX_EPOCH;
    for executed in purses.execute_all(give()).occurred_at(then).await {
        let executed = executed.expect("a command");
        assert_eq!(executed.events[0].envelope.metadata.occurred_at, then);
    }
}

pub(crate) async fn a_stream_of_results_takes_commands_as_their_turn_comes<S: EventStore>(store: &S) {
    let purses = Watched::new(store.clone()).repository::<Purse>().with_attempts(1);
    let taken = AtomicUsize::new(0);
    // Endless, and most of them to one purse.
    let endless = (0_u64..).map(|number| {
        taken.fetch_add(1, Ordering::SeqCst);
        (if number % 3 == 0 { id(&format!("other-{number}")) } else { id("hot") }, Give(number))
    });
    let results = purses.execute_all(endless).concurrency(8).stream();
    let mut results = std::pin::pin!(results.enumerate());
    while let Some((number, result)) = results.next().await {
        assert_eq!(result.expect("one at a time on each purse: no conflict").events.len(), 1);
        let ahead = taken.load(Ordering::SeqCst) - number;
        assert!(ahead <= 9, "{ahead} commands are taken ahead");
        if number == 200 {
            break;
        }
    }
    let hot = replay(store, &id("hot")).await;
    let given: Vec<_> = hot.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(given.is_sorted() && given.len() >= 134, "in their order");
}

pub(crate) async fn a_decision_is_stored_by_whoever_asked_for_it<S: EventStore>(store: &S) {
    let a = id("a");
    let watched = Watched::new(store.clone());
    let purses = watched.repository::<Purse>().cached(10);
    purses.execute(&a, Give(10)).await.expect("a command");
    watched.calls();

    let decided = purses.execute(&a, Take(4)).actor("ada").idempotency_key("k").decide().await.expect("a decision");
    assert_eq!(watched.calls(), (1, 0), "upon the present state, and nothing is stored");
    assert_eq!((decided.state.coins, decided.version.get(), decided.events.len()), (10, 1, 1));
    assert_eq!(decided.replayed, None);
    let append: Append = decided.append.expect("there is something to store");
    assert_eq!((append.expected, append.idempotency_key.as_deref()), (Expected::Exact(1.into()), Some("k")));
    assert!(append.decided_in.is_some());
    store.append(append.clone()).await.expect("nobody came first");
    assert_eq!(replay(store, &a).await, [0, 10, 6]);

    let replayed = purses.execute(&a, Take(4)).idempotency_key("k").decide().await.expect("a decision");
    assert!(replayed.append.is_none() && replayed.events.is_empty());
    let first = replayed.replayed.expect("it was done before");
    assert_eq!((first.state.coins, first.version.get(), first.events.len(), first.replayed), (6, 2, 1, true));
    assert_eq!(first.events[0].envelope.metadata.actor.as_deref(), Some("ada"));

    // It is bound to its version.
    let decided = purses.execute(&a, Take(6)).decide().await.expect("a decision");
    store.repository::<Purse>().execute(&a, Take(1)).await.expect("a command");
    let conflict = store.append(decided.append.expect("something to store")).await.expect_err("another came first");
    assert!(conflict.is_conflict());
    purses.execute(&a, Take(6)).decide().await.expect_err("it is refused now");
    let nothing = purses.execute(&a, super::Fill(1)).decide().await.expect("a decision");
    assert!(nothing.append.is_none() && nothing.replayed.is_none());
}

pub(crate) async fn causes_are_kept_over_two_hops<S: EventStore>(store: &S) {
    let purses = store.repository::<Purse>();
    let first = purses.execute(&id("a"), Give(1)).await.expect("a command");
    let cause = &first.events[0].envelope;
    let second = purses.execute(&id("b"), Give(1)).caused_by(cause).await.expect("a command");
    let third = purses.execute_all([(id("c"), Give(1))]).caused_by(&second.events[0].envelope).await.remove(0);
    let third = third.expect("a command");

    let began = cause.metadata.event_id;
    let (second, third) = (&second.events[0].envelope.metadata, &third.events[0].envelope.metadata);
    assert_eq!((second.causation_id, third.causation_id), (Some(began), Some(second.event_id)));
    assert_eq!(second.correlation_id, Some(began.to_string()), "the chain is named by its first event");
    assert_eq!(third.correlation_id, second.correlation_id);

    let named = purses.execute(&id("d"), Give(1)).correlation_id("request-7").await.expect("a command");
    let next = purses.execute(&id("e"), Give(1)).caused_by(&named.events[0].envelope).await.expect("a command");
    assert_eq!(next.events[0].envelope.metadata.correlation_id.as_deref(), Some("request-7"));
}
