//! The bank in a SQLite file: the same as on PostgreSQL, by the same tests.

#[path = "../scenarios/mod.rs"]
mod scenarios;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use bank::databases::Sqlite;

use self::scenarios::{import, opened::Asked, program, projections};

impl Asked for Sqlite {
    async fn open(url: &str) -> Self {
        let path = url.strip_prefix("sqlite:").expect("a URL");
        Self::open(Path::new(path)).await.expect("the file can be opened")
    }

    async fn events(&self) -> i64 {
        sqlx::query_scalar("select count(*) from es_events").fetch_one(&self.pool).await.expect("events can be counted")
    }

    async fn snapshots(&self) -> Vec<(String, i64)> {
        self.store.flush().await;
        let query = sqlx::query_as("select stream_id, version from es_snapshots where stream_type = 'account'");
        query.fetch_all(&self.pool).await.expect("snapshots can be read")
    }

    async fn stated(&self) -> Vec<(String, i64, i64, bool)> {
        let query = "select account_id, count(*), sum(amount), min(balance = sum_of_lines) from (
                select *, sum(amount) over (partition by account_id order by line) as sum_of_lines from statement_lines
            ) as lines group by account_id";
        sqlx::query_as(query).fetch_all(&self.pool).await.expect("the lines are there")
    }

    async fn has_summaries(&self) -> bool {
        let there = "select exists (select 1 from sqlite_schema where type = 'view' and name = 'account_summaries')";
        sqlx::query_scalar(there).fetch_one(&self.pool).await.expect("it can be asked")
    }

    async fn refuse(&self, refuse: bool) {
        let change = if refuse {
            "create trigger refused before insert on statement_lines when new.account_id = '3' and new.line >= 5 begin
                 select raise(abort, 'refused');
             end"
        } else {
            "drop trigger refused"
        };
        sqlx::raw_sql(change).execute(&self.pool).await.expect("the table can be altered");
    }
}

macro_rules! in_a_file {
    ($($module:ident::$scenario:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $scenario() {
            let folder = tempfile::tempdir().expect("a folder");
            let url = format!("sqlite:{}", folder.path().join("bank.db").display());
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
}
