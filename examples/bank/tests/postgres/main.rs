//! The bank on PostgreSQL: the import, what is kept beside it, and the program.

mod import;
mod opened;
mod program;
mod projections;
mod releases;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use self::{
    import::{
        a_program_that_is_killed_again_and_again_loses_nothing, the_real_ledger_comes_out_four_times_the_same,
        the_small_ledger_comes_out_four_times_the_same,
    },
    program::{
        the_program_looks_after_projections, the_program_says_what_was_left_out,
        the_program_tells_an_account_from_another_day,
    },
    projections::{a_booking_that_cannot_be_written_waits_with_its_account, two_engines_beside_an_import_lose_nothing},
    releases::{a_new_version_takes_over_during_an_import, tables_of_an_earlier_release_are_made_anew},
};

fn main() -> ExitCode {
    es_tests::database::run(es_tests::database_tests![
        the_small_ledger_comes_out_four_times_the_same,
        the_real_ledger_comes_out_four_times_the_same,
        a_program_that_is_killed_again_and_again_loses_nothing,
        two_engines_beside_an_import_lose_nothing,
        a_booking_that_cannot_be_written_waits_with_its_account,
        a_new_version_takes_over_during_an_import,
        tables_of_an_earlier_release_are_made_anew,
        the_program_tells_an_account_from_another_day,
        the_program_says_what_was_left_out,
        the_program_looks_after_projections,
    ])
}
