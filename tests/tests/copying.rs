//! What a copy promises, from one store in memory into another.

#[path = "../copying/mod.rs"]
mod copying;

use es_core::MemoryStore;

macro_rules! on_memory {
    ($($module:ident::$test:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            copying::$module::$test(&MemoryStore::new(), &MemoryStore::new()).await;
        })+
    };
}

on_memory! {
    travelling::everything_travels,
    travelling::difficult_json_is_the_same_however_it_is_kept,
    travelling::repeats_are_answered_with_the_first_result,
    travelling::archived_streams_follow_those_of_the_source,
    travelling::subscribers_of_the_target_see_each_event_once,
    going_on::a_second_run_goes_on_behind_the_first,
    going_on::it_tells_how_far_it_is_and_ends_where_it_is_told,
    going_on::a_copy_that_is_killed_goes_on,
    going_on::a_copy_that_is_dropped_at_any_moment_goes_on,
    going_on::a_source_may_be_written_meanwhile,
    refusing::of_two_copies_at_once_one_loses,
    refusing::many_copies_at_once_double_nothing,
    refusing::a_target_with_events_of_its_own_is_refused,
    refusing::an_append_to_the_target_ends_the_copying,
    refusing::an_append_between_two_batches_is_noticed,
    refusing::an_append_while_both_are_read_again_is_noticed,
    refusing::an_append_at_the_same_time_is_noticed,
    refusing::a_store_is_not_copied_into_itself,
    refusing::another_source_is_refused_unless_it_has_all_that_was_copied,
}
