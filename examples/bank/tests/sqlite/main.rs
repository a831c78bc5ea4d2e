//! The bank in a SQLite file: the same as on PostgreSQL, by the same tests.

#[path = "../scenarios/mod.rs"]
mod scenarios;
#[path = "../support/mod.rs"]
mod support;

use bank::databases::Sqlite;

use self::scenarios::{copying, import, program, projections};

macro_rules! in_a_file {
    ($($module:ident::$scenario:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $scenario() {
            let folder = tempfile::tempdir().expect("a folder");
            let url = scenarios::in_file::url(folder.path(), "bank.db");
            $module::$scenario::<Sqlite>(&url).await;
        })+
    };
}

in_a_file! {
    import::the_small_ledger_comes_out_four_times_the_same,
    import::the_real_ledger_comes_out_four_times_the_same,
    import::a_program_that_is_killed_again_and_again_loses_nothing,
    projections::two_engines_beside_an_import_lose_nothing,
    projections::a_booking_that_cannot_be_written_waits_with_its_account,
    program::the_program_tells_an_account_from_another_day,
    program::the_program_says_what_was_left_out,
    program::the_program_looks_after_projections,
    copying::a_bank_goes_there_and_back,
    copying::a_copy_is_made_again_and_again_until_it_is_a_bank_of_its_own,
    copying::a_copy_that_is_killed_goes_on,
    copying::what_is_no_copy_is_refused,
}
