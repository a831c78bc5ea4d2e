//! The bank on PostgreSQL: the import, what is kept beside it, and the program.

mod real;
mod releases;
#[path = "../scenarios/mod.rs"]
mod scenarios;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use bank::databases::Postgres;
use es_tests::database::Database;

use self::{
    real::the_real_ledger_goes_there_and_back,
    releases::{a_new_version_takes_over_during_an_import, tables_of_an_earlier_release_are_made_anew},
    scenarios::{copying, import, opened::Asked, program, projections},
};

type Bank = scenarios::opened::Bank<Postgres>;

impl Asked for Postgres {
    async fn open(url: &str) -> Self {
        Self::connect(url).await.expect("the database can be reached")
    }

    async fn events(&self) -> i64 {
        sqlx::query_scalar("select count(*) from es.events").fetch_one(&self.pool).await.expect("events can be counted")
    }

    async fn snapshots(&self) -> Vec<(String, i64)> {
        self.store.flush().await;
        let query = sqlx::query_as("select stream_id, version from es.snapshots where stream_type = 'account'");
        query.fetch_all(&self.pool).await.expect("snapshots can be read")
    }

    async fn stated(&self) -> Vec<(String, i64, i64, bool)> {
        let query = "select account_id, count(*), sum(amount)::bigint, bool_and(balance = sum_of_lines) from (
                select *, sum(amount) over (partition by account_id order by line) as sum_of_lines
                from bank.statement_lines
            ) as lines group by account_id";
        sqlx::query_as(query).fetch_all(&self.pool).await.expect("the lines are there")
    }

    async fn has_summaries(&self) -> bool {
        let there = sqlx::query_scalar("select to_regclass('bank.account_summaries') is not null");
        there.fetch_one(&self.pool).await.expect("it can be asked")
    }

    async fn refuse(&self, refuse: bool) {
        let change = if refuse {
            "add constraint refused check (account_id <> '3' or line < 5)"
        } else {
            "drop constraint refused"
        };
        let change = sqlx::AssertSqlSafe(format!("alter table bank.statement_lines {change}"));
        sqlx::raw_sql(change).execute(&self.pool).await.expect("the table can be altered");
    }
}

macro_rules! on_postgres {
    ($($module:ident::$scenario:ident,)+) => {
        $(async fn $scenario(database: Database) {
            $module::$scenario::<Postgres>(database.url()).await;
        })+

        fn main() -> ExitCode {
            es_tests::database::run(es_tests::database_tests![
                $($scenario,)+
                a_new_version_takes_over_during_an_import,
                tables_of_an_earlier_release_are_made_anew,
                the_real_ledger_goes_there_and_back,
            ])
        }
    };
}

on_postgres! {
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
