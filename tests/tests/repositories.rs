//! What repositories promise, on the store in memory.

#[path = "../repositories/mod.rs"]
mod repositories;
#[expect(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "what happens past a store is for those that have a database"
)]
#[path = "../stores/mod.rs"]
mod stores;

use std::{
    future::IntoFuture as _,
    task::{Context, Poll, Waker},
    time::Duration,
};

use es_core::{EventStore as _, MemoryStore, Repository, RetryPolicy};

use self::{
    repositories::{Fault, Give, Purse, Watched, id},
    stores::{Home, of_any_store},
};

macro_rules! on_memory {
    ($($module:ident::$test:ident,)+) => {
        $(#[tokio::test]
        async fn $test() {
            repositories::$module::$test(&MemoryStore::new()).await;
        })+
    };
}

on_memory! {
    cache::a_remembered_state_saves_the_load,
    cache::nothing_is_told_of_an_old_state,
    cache::keys_are_honoured,
    cache::what_turned_out_old_or_doubtful_is_forgotten,
    cache::another_history_is_another_state,
    cache::a_panic_leaves_no_wrong_state,
    cache::a_state_that_is_always_old_is_left_aside,
    cache::snapshots_are_taken_of_remembered_states,
    retry::conflicts_are_decided_again_as_often_as_is_said,
    retry::the_same_append_is_sent_again_to_a_store_that_could_not_answer,
    retry::what_is_not_known_is_not_told_as_known,
    turns::commands_upon_one_state_do_not_meet,
    turns::who_is_not_polled_holds_up_nobody,
    many::results_come_in_the_order_of_the_commands,
    many::what_fails_stops_nothing,
    many::each_command_has_its_own_key_and_ids,
    many::a_stream_of_results_takes_commands_as_their_turn_comes,
    many::a_decision_is_stored_by_whoever_asked_for_it,
    many::causes_are_kept_over_two_hops,
}

impl Home for MemoryStore {
    type Store = Self;

    async fn open(&self) -> Self {
        self.clone()
    }

    /// They are written at once.
    async fn flush(_: &Self) {}
}

macro_rules! like_any_store {
    ($($module:ident::$test:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            stores::$module::$test(&MemoryStore::new()).await;
        })+
    };
}

of_any_store!(like_any_store);

/// Time stands still but for those who sleep: only where a store leaves the work to its callers does anybody wait.
#[tokio::test(start_paused = true)]
async fn a_turn_is_not_waited_for_for_ever() {
    let begun = tokio::time::Instant::now();
    repositories::turns::who_is_not_polled_holds_up_nobody(&MemoryStore::new()).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);

    repositories::turns::who_never_hands_over_is_not_waited_for_for_ever(&MemoryStore::new()).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
}

/// Time stands still but for those who sleep, so that what has passed is what was slept.
#[tokio::test(start_paused = true)]
async fn pauses_begin_with_the_second_conflict() {
    let a = id("a");
    let watched = Watched::new(MemoryStore::new());
    let hour = Duration::from_hours(1);
    let slow = RetryPolicy::new().pause(hour..hour * 2);
    let slept = async |purses: Repository<Purse, Watched<MemoryStore>>, faults: &[Fault]| {
        watched.at_appends(faults.iter().copied());
        let begun = tokio::time::Instant::now();
        purses.execute(&a, Give(1)).await.expect("a command");
        begun.elapsed()
    };
    let purses = watched.repository::<Purse>().retry(slow);
    assert_eq!(slept(purses.clone(), &[Fault::Overtaken]).await, Duration::ZERO);
    let (mut longest, mut total) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..20 {
        let pause = slept(purses.clone(), &[Fault::Overtaken; 2]).await;
        longest = longest.max(pause);
        total += pause;
    }
    assert!(longest <= hour + Duration::from_millis(1), "{longest:?}");
    assert!(longest > hour / 20 && total < hour * 20 && total > Duration::ZERO, "of random length: {total:?}");
    let eight = slept(purses.clone(), &[Fault::Overtaken; 8]).await;
    assert!(eight <= hour + 6 * 2 * hour + Duration::from_millis(10), "{eight:?}");
    assert_eq!(slept(purses.retry(slow.without_pause()), &[Fault::Overtaken; 8]).await, Duration::ZERO);
    let patient = watched.repository::<Purse>().retry(slow.unavailable(3));
    assert!(slept(patient, &[Fault::Unavailable; 3]).await > Duration::ZERO);
}

#[tokio::test]
async fn the_bound_holds() {
    let store = MemoryStore::new();
    for bound in [0, 1, 3, 17, 60] {
        let purses = store.repository::<Purse>().cached(bound);
        for number in 0..200 {
            purses.execute(&id(&format!("{bound}-{number}")), Give(1)).await.expect("a command");
            assert!(purses.cached_states() <= bound, "{} of {bound}", purses.cached_states());
        }
        assert_eq!(purses.cached_states(), bound, "there is use for all of it");
    }
}

#[tokio::test]
async fn what_was_told_is_what_a_replay_shows() {
    for count in [5, 50, 1_000] {
        repositories::stress::what_was_told_is_what_a_replay_shows(&MemoryStore::new(), count).await;
    }
}

/// And so make no pause where there is none.
#[test]
fn commands_need_no_tokio_runtime() {
    let store = Watched::new(MemoryStore::new());
    store.at_appends([Fault::Overtaken; 5]);
    let purses = store.repository::<Purse>();
    let id = id("a");
    let mut command = purses.execute(&id, Give(1)).into_future();
    let done = loop {
        if let Poll::Ready(done) = command.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            break done;
        }
    };
    assert_eq!(done.expect("the sixth attempt").state.coins, 6);
}
