//! What the tests share: files, stores on them, events, and a look past the store.

use std::path::PathBuf;

use es_core::store::{Append, Expected};
use es_sqlite::{SqliteConfig, SqliteStore};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

pub(crate) use crate::stores::{append, new_event, positions, read_all, stored, stream};

/// A folder with one file in it, which is gone with it.
pub(crate) struct File {
    folder: TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.beside("events.db")
    }

    /// Another path in the same folder.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another store on the file, as another process would have one.
    pub(crate) async fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path()).await.expect("the file can be opened")
    }

    pub(crate) async fn open_with(&self, config: SqliteConfig) -> SqliteStore {
        SqliteStore::open_with(self.path(), config).await.expect("the file can be opened")
    }

    /// A connection beside the store, as another program would have it.
    pub(crate) async fn raw(&self) -> SqliteConnection {
        raw(self.path()).await
    }

    /// How many events a stream has, by a look past the store.
    pub(crate) async fn count(&self, id: &str) -> u64 {
        let counted = sqlx::query_scalar("select count(*) from es_events where stream_id = ?1").bind(id);
        let counted: i64 = counted.fetch_one(&mut self.raw().await).await.expect("events can be counted");
        counted.unsigned_abs()
    }
}

/// A connection to any file, which is made where it is not there.
pub(crate) async fn raw(path: PathBuf) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.expect("the file is there")
}

/// Runs statements as they stand.
pub(crate) async fn run(connection: &mut SqliteConnection, sql: &str) {
    let answer = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await;
    answer.unwrap_or_else(|error| panic!("`{sql}`: {error}"));
}

/// One that no store can take.
pub(crate) fn bad(id: &str) -> Append {
    Append::new(stream(id), Expected::Any, vec![new_event("{no json")])
}

/// Another writer, in the midst of its transaction.
pub(crate) async fn hold(connection: &mut SqliteConnection) {
    run(connection, "begin immediate").await;
}

/// Inserts one event beside the store, as another program would.
pub(crate) async fn insert(connection: &mut SqliteConnection, id: &str, version: i64) {
    sqlx::query(
        "insert into es_events
             (position, stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata, recorded_at)
         select (select coalesce(max(position), 0) + 1 from es_events), 'test', ?1, ?2, 'Tested', 1, ?3, '{}',
                '{\"occurred_at\":\"2026-01-01T00:00:00Z\"}', 1",
    )
    .bind(id)
    .bind(version)
    .bind(uuid::Uuid::now_v7())
    .execute(connection)
    .await
    .expect("an event can be inserted");
}
