//! What repositories promise, on the real server: each check is for any store.

use es_tests::database::Database;

use crate::{
    repositories::{self, Give, Purse, id, replay},
    support::{open, raw},
};
use es_core::prelude::*;
use sqlx::Executor as _;

macro_rules! on_postgres {
    ($($module:ident::$test:ident,)+) => {
        $(pub(crate) async fn $test(database: Database) {
            repositories::$module::$test(&open(&database).await).await;
        })+
    };
}

on_postgres! {
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

pub(crate) async fn what_was_told_is_what_a_replay_shows(database: Database) {
    repositories::stress::what_was_told_is_what_a_replay_shows(&open(&database).await, 200).await;
}

/// What a restore does, or a standby that takes over: another event stands at the version of a state that is remembered.
pub(crate) async fn tables_made_anew_are_another_state(database: Database) {
    let store = open(&database).await;
    let purses = store.repository::<Purse>().cached(10);
    purses.execute(&id("a"), Give(10)).await.expect("a command");
    let mut other = raw(&database).await;
    other.execute("drop schema es cascade").await.expect("the schema is dropped");
    let again = open(&database).await;
    again.repository::<Purse>().execute(&id("a"), Give(90)).await.expect("another event at the same version");
    other
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where pid <> pg_backend_pid() and datname = current_database()",
        )
        .await
        .expect("connections can be ended");

    let done = match purses.execute(&id("a"), Give(1)).await {
        // It was sent on a connection that was just ending: whether it was stored in the other history nobody can tell.
        Err(ExecuteError::Store(StoreError::OutcomeUnknown { .. })) => purses.execute(&id("a"), Give(1)).await,
        done => done,
    };
    let done = done.expect("it is loaded and decided again");
    assert_eq!((done.state.coins, done.version.get()), (91, 2));
    assert_eq!(purses.execute(&id("a"), Give(1)).await.expect("a command").state.coins, 92);
    assert_eq!(replay(&again, &id("a")).await, [0, 90, 91, 92]);
}
