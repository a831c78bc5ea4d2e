//! What an engine promises, on a file.

use crate::{engines, support::File};

macro_rules! on_a_file {
    ($($module:ident::$test:ident($($argument:expr)?),)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let file = File::new();
            engines::$module::$test(&file.open().await $(, $argument)?).await;
        })+
    };
}

on_a_file! {
    batches::a_batch_may_have_more_rows_than_a_statement_takes(),
    deploying::a_new_version_that_has_stopped_is_not_healthy(),
    deploying::an_older_program_is_told_that_a_newer_version_has_taken_over(),
    deploying::what_is_set_for_nothing_is_refused(),
    deploying::a_reactor_is_waited_for_only_by_name(),
    deploying::other_handlers_need_another_version(),
    deploying::what_was_before_it_began_is_not_missed(),
    following::rows_follow_the_events(),
    following::handlers_see_each_event_once_and_in_order(),
    following::it_begins_where_it_is_told(),
    following::it_begins_now(),
    following::whoever_waits_in_vain_is_told_why(),
    following::the_status_says_how_it_goes(),
    following::a_paused_projection_stands_still(),
    following::two_of_a_name_are_refused(),
    following::one_reader_serves_all_at_the_end_of_the_events(),
    following::what_is_tried_again_and_again_is_shown(),
    following::what_nobody_has_prepared_is_not_controlled(),
    poison::one_that_stops_stops_alone_and_goes_on_when_resumed(),
    poison::a_panic_is_a_failure(),
    poison::what_is_skipped_is_kept_to_be_seen(),
    poison::what_is_parked_holds_up_its_key_and_is_redriven_in_order(),
    poison::a_commit_that_is_refused_comes_to_the_policy(),
    poison::a_redrive_of_what_never_passes_ends(),
    poison::a_row_that_cannot_be_read_is_no_events_fault(),
    poison::a_parked_key_holds_up_only_its_own_shard_and_key(),
    reacting::each_event_is_delivered_under_its_id(),
    reacting::what_cannot_be_delivered_stops_or_waits_with_its_key(),
    reacting::nothing_is_delivered_again_by_a_rebuild(),
    taken_over::what_another_engine_has_parked_holds_up_its_key(),
    taken_over::what_another_engine_has_delivered_is_not_delivered_again(),
    together::shards_are_spread_evenly_and_handed_over(),
    together::who_knows_another_division_leaves_it_to_others(),
    together::a_job_keeps_what_it_has_and_nobody_counts_on_it(),
    together::a_job_leaves_shards_to_whoever_owns_them_and_waits_for_the_end(),
    together::a_job_says_what_is_in_its_way(),
    versions::a_new_version_takes_over_when_it_is_complete(),
    versions::a_job_makes_a_new_version_the_active_one(),
    versions::whoever_reads_another_version_is_told_which(),
    parked::what_is_parked_is_applied_once_and_in_order(40),
    storm::nothing_is_lost_or_applied_twice(60),
}
