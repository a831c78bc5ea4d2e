//! What repositories promise, on a file: each check is for any store.

use crate::{repositories, support::File};

macro_rules! on_sqlite {
    ($($module:ident::$test:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            repositories::$module::$test(&File::new().open().await).await;
        })+
    };
}

on_sqlite! {
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
    turns::who_never_hands_over_is_not_waited_for_for_ever,
    many::results_come_in_the_order_of_the_commands,
    many::what_fails_stops_nothing,
    many::each_command_has_its_own_key_and_ids,
    many::a_stream_of_results_takes_commands_as_their_turn_comes,
    many::a_decision_is_stored_by_whoever_asked_for_it,
    many::causes_are_kept_over_two_hops,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_is_what_a_replay_shows() {
    repositories::stress::what_was_told_is_what_a_replay_shows(&File::new().open().await, 200).await;
}
