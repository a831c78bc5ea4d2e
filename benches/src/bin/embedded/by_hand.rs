//! The references: what somebody would write with sqlx alone.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bank::domain::MoneyDeposited;
use chrono::Utc;
use es_benches::{
    callers::Rate,
    figures::Failure,
    meter::{Counted, KeptMeter},
};
use futures_util::TryStreamExt as _;
use sqlx::{
    Connection as _, Executor as _, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::{sync::Mutex, task::JoinSet};

/// A connection to the file, for all callers in turn.
#[derive(Clone)]
pub(crate) struct ByHand {
    connection: Arc<Mutex<SqliteConnection>>,
}

impl ByHand {
    pub(crate) async fn open(path: &Path) -> Result<Self, Failure> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(30));
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let table = "create table if not exists deposits (
            number integer primary key, account text not null, version integer not null, name text not null,
            payload text not null, metadata text not null, recorded_at integer not null, unique (account, version)
        ) strict";
        connection.execute(table).await?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Each caller executes one deposit after the other, in a transaction that reads the account's version first.
    pub(crate) async fn commands(&self, callers: usize, accounts: usize, time: Duration) -> Result<Rate, Failure> {
        let mut tasks = JoinSet::new();
        let start = Instant::now();
        for caller in 0..callers {
            let by_hand = self.clone();
            tasks.spawn(async move {
                let mut times = Vec::new();
                let mut random = caller as u64 + 1;
                while start.elapsed() < time {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let account = usize::try_from(random >> 33)? % accounts;
                    let begun = Instant::now();
                    by_hand.deposit(&account.to_string()).await?;
                    times.push(begun.elapsed());
                }
                Ok::<_, Failure>(times)
            });
        }
        Rate::of(tasks, start).await
    }

    async fn deposit(&self, account: &str) -> Result<(), Failure> {
        const PAYLOAD: &str = r#"{"amount":"0.01","description":"PREVOD Z UCTU DUCHOD","booked_on":"1970-01-01"}"#;
        const METADATA: &str =
            r#"{"occurred_at":"2026-01-01T00:00:00.000000Z","event_id":"019a0000-0000-7000-8000-000000000000"}"#;
        let mut connection = self.connection.lock().await;
        connection.execute("begin immediate").await?;
        let last: i64 = sqlx::query_scalar("select coalesce(max(version), 0) from deposits where account = ?1")
            .bind(account)
            .fetch_one(&mut *connection)
            .await?;
        sqlx::query(
            "insert into deposits (account, version, name, payload, metadata, recorded_at) values (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(account)
        .bind(last + 1)
        .bind("MoneyDeposited")
        .bind(PAYLOAD)
        .bind(METADATA)
        .bind(Utc::now().timestamp_micros())
        .execute(&mut *connection)
        .await?;
        connection.execute("commit").await?;
        Ok(())
    }

    /// The events of a stream, decoded and summed up.
    pub(crate) async fn replay(&self, stream_type: &str, id: &str) -> Result<i64, Failure> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(
            "select version, event_type, payload, position, schema_version, event_id, recorded_at from es_events
             where stream_type = ?1 and stream_id = ?2 order by version",
        )
        .bind(stream_type)
        .bind(id)
        .fetch_all(&mut *connection)
        .await?;
        let mut total = 0;
        for row in &rows {
            total += serde_json::from_str::<Counted>(row.try_get(2)?)?.amount;
        }
        Ok(total)
    }

    /// A snapshot, decoded.
    pub(crate) async fn snapshot(&self, stream_type: &str, id: &str) -> Result<KeptMeter, Failure> {
        let mut connection = self.connection.lock().await;
        let query = "select version, position, state from es_snapshots where stream_type = ?1 and stream_id = ?2";
        let row = sqlx::query(query).bind(stream_type).bind(id).fetch_one(&mut *connection).await?;
        Ok(serde_json::from_str(row.try_get(2)?)?)
    }

    /// All deposits, decoded, and the sum of them; nothing is kept.
    pub(crate) async fn scan(&self) -> Result<i64, Failure> {
        let mut connection = self.connection.lock().await;
        let query = "select position, stream_type, stream_id, version, event_type, payload, schema_version, event_id,
            metadata, recorded_at from es_events order by position";
        let mut rows = sqlx::query(query).fetch(&mut *connection);
        let mut sum = 0;
        while let Some(row) = rows.try_next().await? {
            sum += serde_json::from_str::<MoneyDeposited>(row.try_get(5)?)?.amount.minor();
        }
        Ok(sum)
    }

    /// Takes the summaries away, so that they are made from the start.
    pub(crate) async fn forget_summaries(&self) -> Result<(), Failure> {
        let forget = "drop view if exists account_summaries; drop table if exists account_summaries_v1;
            delete from es_projection_versions where name = 'account_summaries';
            delete from es_projections where name = 'account_summaries'";
        self.connection.lock().await.execute(sqlx::raw_sql(forget)).await?;
        Ok(())
    }
}
