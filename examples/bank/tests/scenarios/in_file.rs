//! A bank in a SQLite file.

use std::path::Path;

use bank::databases::Sqlite;

use super::opened::Asked;

/// What names a file.
pub(crate) fn url(folder: &Path, name: &str) -> String {
    format!("sqlite:{}", folder.join(name).display())
}

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
