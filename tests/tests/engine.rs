//! What an engine promises, on the store in memory.

#[path = "../engine/mod.rs"]
mod engine;

use es_core::MemoryStore;

macro_rules! on_memory {
    ($($module:ident::$test:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            engine::$module::$test(&MemoryStore::new()).await;
        })+
    };
}

on_memory! {
    following::rows_follow_the_events,
    following::handlers_see_each_event_once_and_in_order,
    following::it_begins_where_it_is_told,
    following::it_begins_now,
    following::whoever_waits_in_vain_is_told_why,
    following::the_status_says_how_it_goes,
    following::a_paused_projection_stands_still,
    following::two_of_a_name_are_refused,
    poison::one_that_stops_stops_alone_and_goes_on_when_resumed,
    poison::a_panic_is_a_failure,
    poison::what_is_skipped_is_kept_to_be_seen,
    poison::what_is_parked_holds_up_its_key_and_is_redriven_in_order,
    poison::a_parked_key_holds_up_only_its_own_shard_and_key,
    taken_over::what_another_engine_has_parked_holds_up_its_key,
    taken_over::what_another_engine_has_delivered_is_not_delivered_again,
    together::shards_are_spread_evenly_and_handed_over,
    versions::a_new_version_takes_over_when_it_is_complete,
    versions::a_job_makes_a_new_version_the_active_one,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_applied_twice() {
    engine::storm::nothing_is_lost_or_applied_twice(&MemoryStore::new(), 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_parked_is_applied_once_and_in_order() {
    engine::parked::what_is_parked_is_applied_once_and_in_order(&MemoryStore::new(), 100).await;
}
