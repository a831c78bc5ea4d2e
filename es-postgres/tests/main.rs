//! Everything that needs a server, in one program: one list, one line about what was left out, one link.

mod append;
mod conformance;
mod frontier;
mod group;
mod history;
mod loads;
mod opening;
mod order;
mod order_crash;
mod order_forms;
mod refused;
mod repository;
mod stress;
mod support;
#[path = "../../tests/versions/mod.rs"]
mod versions;

use std::process::ExitCode;

fn main() -> ExitCode {
    es_tests::database::run(es_tests::database_tests![
        conformance::every_rule_of_the_contract,
        conformance::every_rule_in_a_schema_with_a_difficult_name,
        append::update_delete_and_truncate_are_refused,
        append::parallel_writers_succeed_once_per_version,
        append::a_stale_writer_draws_no_position,
        append::an_open_transaction_on_the_stream_is_waited_for_but_not_for_ever,
        append::an_append_whose_backend_is_killed_is_stored_once,
        append::an_append_whose_answer_is_lost_is_stored_once,
        append::an_append_that_cannot_be_resolved_says_so,
        append::a_dropped_append_is_done_or_not_done_and_can_be_sent_again,
        group::many_callers_share_statements,
        group::positions_rise_with_the_versions_whatever_the_plan,
        group::an_append_alone_waits_for_nobody,
        group::each_append_of_a_batch_has_its_own_outcome,
        group::a_bad_append_fails_alone,
        group::one_stream_that_is_held_does_not_stall_the_others,
        group::an_append_under_way_outlives_its_caller_and_the_store,
        group::a_caller_that_goes_away_while_it_waits_leaves_no_trace,
        group::an_append_waits_for_its_turn_but_not_for_ever,
        group::closing_answers_what_was_accepted_and_refuses_the_rest,
        frontier::what_one_process_has_proved_no_other_proves_again,
        frontier::a_record_of_another_history_is_not_believed_and_replaced,
        frontier::the_record_only_rises_and_is_written_when_a_store_closes,
        frontier::a_role_that_may_not_write_the_record_still_reads,
        frontier::impatient_readers_get_past_writers_that_overlap_without_end,
        frontier::what_is_settled_before_a_hole_is_handed_out_at_once,
        frontier::readers_that_go_away_or_fall_asleep_harm_no_other,
        frontier::the_status_names_who_holds_the_frontier,
        frontier::the_status_names_a_prepared_transaction,
        frontier::what_was_appended_before_the_call_is_settled,
        frontier::in_another_history_all_begins_anew,
        frontier::the_default_isolation_of_the_database_does_not_matter,
        order_forms::every_form_of_insert_takes_the_lock_before_it_draws,
        order_forms::a_draw_without_an_insert_is_seen_by_the_lock_on_the_sequence,
        order_crash::prepared_transactions_hold_the_frontier_across_a_crash,
        order_crash::a_standby_goes_as_far_as_was_stored_and_takes_over_with_another_history,
        order_crash::a_server_that_may_lose_what_it_acknowledged_is_refused,
        refused::a_sequence_that_would_hide_events_is_refused,
        refused::a_sequence_that_was_set_back_is_refused,
        refused::events_that_come_by_logical_replication_are_refused,
        order::a_hole_is_not_passed_while_its_writer_is_open,
        order::a_hole_whose_writer_gave_up_is_passed,
        order::a_prepared_transaction_holds_the_frontier,
        order::a_long_transaction_elsewhere_holds_nothing,
        order::a_position_drawn_beside_the_table_holds_the_frontier,
        order::a_reader_waits_for_a_writer_that_is_about_to_end,
        order::no_reader_misses_an_event_and_a_naive_one_does,
        group::a_lock_on_the_whole_table_is_waited_for_once,
        stress::nothing_is_lost_doubled_or_out_of_order_whatever_happens,
        loads::each_load_of_many_has_the_answer_that_it_would_have_alone,
        loads::many_loads_share_statements,
        loads::nobody_who_waits_for_a_load_is_forgotten,
        history::tables_made_anew_are_another_history,
        opening::migrating_again_changes_nothing,
        opening::many_processes_may_migrate_at_once,
        opening::tables_of_a_newer_program_are_refused,
        opening::a_store_that_was_not_migrated_says_what_to_do,
        opening::a_server_that_is_not_there_is_named_without_its_password,
        opening::settings_that_cannot_work_are_told_from_a_server_that_is_away,
        opening::a_role_that_only_runs_needs_few_rights,
        opening::connections_that_died_are_replaced,
        opening::a_busy_store_answers_that_it_is,
        opening::a_closed_store_answers_that_it_is,
        opening::the_cancelled_do_not_use_up_connections,
        opening::a_transaction_that_a_caller_left_open_cannot_swallow_an_append,
        repository::commands_of_many_callers_all_happen_once,
        repository::a_conflict_that_never_ends_is_given_back,
        repository::a_command_with_a_key_happens_once,
        repository::a_key_that_races_with_itself_happens_once,
        repository::a_rejected_command_does_not_take_its_key,
        repository::a_snapshot_is_kept_every_twenty_events,
        repository::a_snapshot_that_does_not_fit_is_ignored_and_replaced,
        repository::a_snapshot_that_failed_to_be_written_harms_no_command,
        repository::states_of_earlier_versions_and_times_can_be_had,
        repository::an_event_that_cannot_be_read_is_named_and_not_skipped,
        repository::a_missing_event_is_found_out,
        repository::metadata_travels_with_the_events,
        repository::every_path_reads_what_every_version_stored,
    ])
}
