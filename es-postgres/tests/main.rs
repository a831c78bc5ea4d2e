//! Everything that needs a server, in one program: one list, one line about what was left out, one link.

mod append;
mod append_all;
mod append_in;
mod chain;
mod conformance;
#[path = "../../tests/copying/mod.rs"]
mod copies;
mod copying;
mod encrypted;
mod engine;
mod engine_faults;
#[path = "../../tests/engine/mod.rs"]
mod engines;
mod frontier;
mod group;
mod history;
mod inline;
mod inline_end;
mod inline_storm;
mod loads;
mod ones;
mod opening;
mod order;
mod order_crash;
mod order_forms;
mod projection_batch;
mod projection_claims;
mod projection_failures;
mod projection_prepare;
mod projection_rows;
mod projection_support;
mod projection_views;
mod reading;
mod refused;
mod remembering;
#[path = "../../tests/repositories/mod.rs"]
mod repositories;
mod roles;
mod shared;
mod side_by_side;
mod silence;
#[path = "../../tests/stores/mod.rs"]
mod stores;
mod streams;
mod stress;
mod subscribe;
mod subscribe_trouble;
mod support;
#[path = "../../tests/versions/mod.rs"]
mod versions;

use std::process::ExitCode;

#[expect(clippy::too_many_lines, reason = "it is a list")]
fn main() -> ExitCode {
    let mut tests = es_tests::database_tests![
        conformance::every_rule_of_the_contract,
        conformance::every_rule_in_a_schema_with_a_difficult_name,
        conformance::every_rule_of_projections,
        copying::one_database_is_copied_into_another,
        copying::what_was_changed_by_hand_is_found,
        copying::a_source_that_was_changed_by_hand_is_found,
        copying::an_open_transaction_in_the_target_is_waited_for_and_then_noticed,
        copying::a_transaction_in_the_target_that_gave_up_harms_nothing,
        copying::a_batch_that_is_not_committed_holds_readers,
        copying::a_copy_whose_backend_is_killed_goes_on,
        copying::a_role_that_only_runs_can_copy_and_not_forge,
        copying::what_the_server_cannot_keep_is_refused_as_a_whole,
        copying::a_read_model_that_changes_with_the_appends_stands_in_the_way,
        copying::tables_from_before_copies_say_what_to_do,
        append::update_delete_and_truncate_are_refused,
        append::an_open_transaction_on_the_stream_is_waited_for_but_not_for_ever,
        append::an_append_whose_backend_is_killed_is_stored_once,
        append::an_append_whose_answer_is_lost_is_stored_once,
        append::an_append_that_cannot_be_resolved_says_so,
        append_all::a_group_is_one_statement_and_draws_nothing_where_one_of_it_does_not_fit,
        append_all::positions_of_groups_rise_with_the_versions_whatever_the_plan,
        append_all::a_group_whose_backend_is_killed_is_stored_once,
        append_all::a_group_whose_answer_is_lost_is_stored_once_or_says_that_it_may_be,
        append_all::a_group_waits_for_a_held_stream_but_not_for_ever_and_alone,
        append_all::a_group_under_way_outlives_its_caller_and_closing_waits_for_it,
        append_in::events_are_stored_with_what_else_the_transaction_did_or_not_at_all,
        append_in::a_conflict_leaves_the_transaction_as_it_was,
        append_in::an_archived_stream_leaves_the_transaction_as_it_was,
        append_in::a_race_ends_the_transaction_and_says_to_run_it_again,
        append_in::a_repeat_is_known_whoever_stored_the_first,
        append_in::synchronous_commit_is_turned_on_where_it_is_off,
        append_in::several_streams_go_together_and_those_in_opposite_order_are_told_to_retry,
        append_in::an_idle_transaction_on_a_hot_stream_does_not_stall_the_store,
        append_in::a_connection_that_is_lost_leaves_nothing,
        append_in::a_database_without_tables_says_what_to_do,
        chain::callers_that_expect_no_version_share_statements_on_one_stream,
        chain::each_append_of_a_chain_has_its_own_outcome,
        chain::a_bad_append_of_a_chain_fails_alone,
        chain::a_chain_on_a_held_stream_waits_together_and_keeps_its_order,
        chain::positions_of_a_chain_rise_with_the_versions_whatever_the_plan,
        group::many_callers_share_statements,
        group::positions_rise_with_the_versions_whatever_the_plan,
        group::an_append_alone_waits_for_nobody,
        group::each_append_of_a_batch_has_its_own_outcome,
        ones::each_single_event_of_a_batch_has_its_own_outcome,
        ones::single_events_are_stored_in_the_order_of_their_streams_whatever_the_plan,
        group::a_bad_append_fails_alone,
        group::one_stream_that_is_held_does_not_stall_the_others,
        group::a_batch_that_takes_long_has_another_beside_it,
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
        loads::a_caller_that_holds_its_load_and_does_not_poll_it_keeps_nobody_waiting,
        loads::many_loads_share_statements,
        loads::a_statement_that_takes_long_has_another_beside_it,
        loads::nobody_who_waits_for_a_load_is_forgotten,
        loads::callers_that_hold_their_loads_leave_a_connection_to_others,
        loads::loads_that_fail_together_fail_alike,
        history::tables_made_anew_are_another_history,
        history::a_snapshot_of_events_that_are_gone_is_not_written,
        encrypted::a_store_is_connected_to_whom_it_trusts_and_unseen_by_others,
        silence::whoever_asks_is_answered_and_the_store_goes_on,
        silence::an_append_whose_answer_is_swallowed_is_stored_once,
        silence::a_projection_goes_on_where_it_was,
        subscribe::an_append_elsewhere_wakes_a_subscriber_without_polling,
        subscribe::a_subscriber_can_be_woken_after_a_transaction_of_ones_own,
        subscribe::without_notifications_a_subscriber_polls,
        subscribe::an_append_here_wakes_a_subscriber_directly,
        subscribe::many_appends_are_told_by_few_notifications,
        subscribe::nothing_listens_when_nobody_subscribes,
        subscribe::closing_ends_subscriptions,
        subscribe::a_filter_does_not_look_past_a_hole,
        subscribe_trouble::a_checkpoint_is_of_no_use_where_another_event_stands,
        subscribe_trouble::a_subscription_goes_on_in_another_history_only_if_told_to,
        subscribe_trouble::every_event_is_seen_once_in_order_whatever_happens,
        opening::migrating_again_changes_nothing,
        opening::many_processes_may_migrate_at_once,
        opening::tables_of_a_newer_program_are_refused,
        opening::a_store_that_was_not_migrated_says_what_to_do,
        opening::a_server_that_is_not_there_is_named_without_its_password,
        opening::settings_that_cannot_work_are_told_from_a_server_that_is_away,
        opening::the_tables_are_vacuumed_by_what_is_inserted,
        roles::a_role_that_only_runs_has_these_rights_and_no_others,
        roles::a_role_that_only_runs_cannot_change_what_is_stored,
        roles::rights_from_before_are_taken_away,
        roles::a_role_that_no_grant_restricts_is_refused,
        side_by_side::two_stores_in_one_database_do_not_see_each_other,
        side_by_side::a_writer_in_one_store_does_not_hold_the_other,
        streams::a_page_costs_as_much_as_it_has_streams,
        streams::an_append_in_doubt_on_an_archived_stream_stays_in_doubt,
        opening::connections_that_died_are_replaced,
        opening::a_busy_store_answers_that_it_is,
        opening::a_closed_store_answers_that_it_is,
        opening::the_cancelled_do_not_use_up_connections,
        opening::a_transaction_that_a_caller_left_open_cannot_swallow_an_append,
        shared::every_path_reads_what_every_version_stored,
        remembering::a_remembered_state_saves_the_load,
        remembering::nothing_is_told_of_an_old_state,
        remembering::keys_are_honoured,
        remembering::what_turned_out_old_or_doubtful_is_forgotten,
        remembering::another_history_is_another_state,
        remembering::a_panic_leaves_no_wrong_state,
        remembering::a_state_that_is_always_old_is_left_aside,
        remembering::snapshots_are_taken_of_remembered_states,
        remembering::commands_upon_one_state_do_not_meet,
        remembering::who_is_not_polled_holds_up_nobody,
        remembering::who_never_hands_over_is_not_waited_for_for_ever,
        remembering::conflicts_are_decided_again_as_often_as_is_said,
        remembering::the_same_append_is_sent_again_to_a_store_that_could_not_answer,
        remembering::what_is_not_known_is_not_told_as_known,
        remembering::results_come_in_the_order_of_the_commands,
        remembering::what_fails_stops_nothing,
        remembering::each_command_has_its_own_key_and_ids,
        remembering::a_stream_of_results_takes_commands_as_their_turn_comes,
        remembering::a_decision_is_stored_by_whoever_asked_for_it,
        remembering::causes_are_kept_over_two_hops,
        remembering::what_was_told_is_what_a_replay_shows,
        remembering::tables_made_anew_are_another_state,
        projection_batch::effects_and_checkpoint_are_committed_together_or_not_at_all,
        projection_batch::whoever_differs_in_anything_does_not_pass_the_fence,
        projection_batch::an_owner_that_wakes_up_late_changes_nothing,
        projection_batch::an_owner_that_has_frozen_in_a_transaction_is_ended_by_the_server,
        projection_batch::a_transaction_that_a_handler_has_ended_is_refused,
        projection_batch::what_a_handler_sets_ends_with_the_batch,
        projection_batch::batches_leave_connections_to_others,
        projection_batch::a_batch_whose_backend_is_killed_has_done_nothing,
        projection_claims::of_many_claims_one_succeeds_and_epochs_rise,
        projection_claims::a_claim_is_taken_over_when_its_lease_has_run_out_and_not_before,
        projection_claims::nobody_waits_for_an_open_transaction_and_nobody_claims_its_shard,
        projection_claims::who_leaves_gives_all_back,
        projection_claims::a_roster_tells_who_is_there_and_where_all_stand,
        projection_failures::events_are_set_aside_once_and_unparked_in_order,
        projection_failures::a_redrive_is_wanted_until_it_is_done,
        projection_failures::a_shard_stops_under_its_claim_and_goes_on_when_it_is_resumed,
        projection_failures::another_number_of_shards_takes_all_along,
        projection_failures::the_lag_counts_what_is_handled_and_still_to_come,
        projection_prepare::what_the_owner_has_prepared_runs_without_a_right_to_make_tables,
        projection_prepare::another_schema_holds_the_read_models_where_that_is_said,
        projection_prepare::other_columns_need_another_version,
        projection_prepare::names_that_are_taken_are_refused,
        projection_prepare::a_type_that_readers_could_not_be_shown_is_refused,
        projection_prepare::many_processes_may_prepare_at_once,
        projection_prepare::a_projection_begins_where_it_is_told,
        projection_rows::every_type_comes_back_as_it_went,
        projection_rows::rows_take_the_place_of_others_and_are_removed,
        projection_rows::what_cannot_be_stored_says_so,
        projection_rows::a_table_may_have_many_columns,
        projection_views::a_switch_is_seen_at_once_or_not_at_all,
        projection_views::readers_never_see_the_view_missing_or_mixed,
        projection_views::a_reader_from_before_the_switch_is_told_where_its_version_is_gone,
        projection_views::the_view_is_as_quick_as_the_table,
        projection_views::rights_on_a_view_outlive_its_change,
        projection_views::a_view_that_stays_in_use_is_not_waited_for_for_ever,
        reading::a_load_sorts_nothing,
        engine::a_batch_may_have_more_rows_than_a_statement_takes,
        engine::a_new_version_that_has_stopped_is_not_healthy,
        engine::an_older_program_is_told_that_a_newer_version_has_taken_over,
        engine::what_is_set_for_nothing_is_refused,
        engine::a_reactor_is_waited_for_only_by_name,
        engine::other_handlers_need_another_version,
        engine::what_was_before_it_began_is_not_missed,
        engine::rows_follow_the_events,
        engine::handlers_see_each_event_once_and_in_order,
        engine::it_begins_where_it_is_told,
        engine::it_begins_now,
        engine::whoever_waits_in_vain_is_told_why,
        engine::the_status_says_how_it_goes,
        engine::a_paused_projection_stands_still,
        engine::what_is_tried_again_and_again_is_shown,
        engine::two_of_a_name_are_refused,
        engine::what_nobody_has_prepared_is_not_controlled,
        engine::one_reader_serves_all_at_the_end_of_the_events,
        engine::one_that_stops_stops_alone_and_goes_on_when_resumed,
        engine::a_panic_is_a_failure,
        engine::what_is_skipped_is_kept_to_be_seen,
        engine::what_is_parked_holds_up_its_key_and_is_redriven_in_order,
        engine::a_commit_that_is_refused_comes_to_the_policy,
        engine::a_redrive_of_what_never_passes_ends,
        engine::a_row_that_cannot_be_read_is_no_events_fault,
        engine::a_parked_key_holds_up_only_its_own_shard_and_key,
        engine::each_event_is_delivered_under_its_id,
        engine::what_cannot_be_delivered_stops_or_waits_with_its_key,
        engine::nothing_is_delivered_again_by_a_rebuild,
        engine::what_another_engine_has_parked_holds_up_its_key,
        engine::what_another_engine_has_delivered_is_not_delivered_again,
        engine::shards_are_spread_evenly_and_handed_over,
        engine::who_knows_another_division_leaves_it_to_others,
        engine::a_job_keeps_what_it_has_and_nobody_counts_on_it,
        engine::a_job_leaves_shards_to_whoever_owns_them_and_waits_for_the_end,
        engine::a_job_says_what_is_in_its_way,
        engine::a_new_version_takes_over_when_it_is_complete,
        engine::a_job_makes_a_new_version_the_active_one,
        engine::whoever_reads_another_version_is_told_which,
        engine_faults::arguments_that_do_not_fit_the_condition_are_refused,
        engine_faults::an_error_that_a_handler_passes_over_is_told,
        engine_faults::a_handler_that_ends_the_transaction_is_told,
        engine::what_is_parked_is_applied_once_and_in_order,
        engine::nothing_is_lost_or_applied_twice,
        engine::nothing_is_needed_of_a_session_but_within_a_transaction,
        engine::an_engine_whose_connections_are_ended_all_the_time_misses_nothing,
        engine::who_waits_behind_a_newer_claim_does_not_pass_the_fence,
        inline::who_has_an_older_view_of_the_data_is_refused,
        inline::a_transaction_of_the_callers_is_left_as_it_was,
        inline::an_append_whose_backend_is_killed_changes_rows_once,
        inline::it_works_in_a_schema_with_a_difficult_name,
        inline_end::who_registers_it_plainly_ends_it,
        inline_end::nobody_ends_what_an_engine_keeps_up,
        inline_storm::no_row_differs_from_a_fold_from_zero,
        reading::the_newest_events_come_without_a_look_at_the_rest,
    ];
    tests.extend(copying::tests());
    tests.extend(shared::tests());
    es_tests::database::run(tests)
}
