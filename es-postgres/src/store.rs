//! The store: its parts, its opening and its end.

use std::{str::FromStr as _, sync::Arc};

use es_core::{
    recorded::StreamId,
    store::{
        Append, Appended, EventStore, HistoryId, KeptSnapshot, Load, LoadedStream, Misconfigured, NewSnapshot, ReadAll,
        ReadStream, StoreError, StoredEvent,
    },
};
use futures_core::Stream;
use sqlx::postgres::PgConnectOptions;

use crate::{
    config::PostgresConfig,
    connections::Connections,
    error,
    lanes::{self, Lanes},
    loads::{self, Loads},
    migrate, read,
    snapshot::{self, SnapshotWriter},
    statements::Statements,
    together::{self, Together},
};

/// A store in a PostgreSQL database. Clones share its connections.
///
/// ```no_run
/// # use es_postgres::PostgresStore;
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = PostgresStore::connect("postgres://localhost/bank").await?;
/// store.migrate().await?;
/// // .. work ..
/// store.close().await;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pub(crate) parts: Arc<Parts>,
}

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) connections: Connections,
    pub(crate) statements: Statements,
    pub(crate) config: PostgresConfig,
    pub(crate) lanes: Lanes,
    pub(crate) together: Together,
    pub(crate) loads: Loads,
    snapshots: SnapshotWriter,
}

impl PostgresStore {
    /// Connects with the usual settings. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server cannot be reached; [`StoreError::Misconfigured`] when the URL cannot
    /// be read, the server does not let us in, is older than PostgreSQL 14.1 or does not use UTF-8;
    /// [`StoreError::WrongSchema`] when the tables were made by a newer version of this crate.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_with(url, PostgresConfig::new()).await
    }

    /// Connects with other settings. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(url: &str, config: PostgresConfig) -> Result<Self, StoreError> {
        let options = options(url)?;
        let statements = Statements::new(&config.schema);
        let connections = Connections::new(options, &statements, &config);
        migrate::check_server(&connections, &statements).await?;
        let lanes = Lanes::new(&config);
        let together = Together::new(&config);
        let (loads, snapshots) = (Loads::default(), SnapshotWriter::new());
        let parts = Parts { connections, statements, config, lanes, together, loads, snapshots };
        let store = Self { parts: Arc::new(parts) };
        store.parts.snapshots.start(&store.parts);
        Ok(store)
    }

    /// Creates the tables, or brings them up to the version that this crate needs. Safe to call at every start, and
    /// by several processes at once.
    ///
    /// # Errors
    /// [`StoreError::WrongSchema`] when they are newer than this crate; otherwise whatever the database reports.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrate::migrate(&self.parts.connections, &self.parts.statements).await?;
        self.parts.connections.forget();
        Ok(())
    }

    /// Waits until every snapshot that was taken in is written. Only tests and measurements need it.
    pub async fn flush(&self) {
        self.parts.snapshots.flush().await;
    }

    /// Takes no more appends, waits until every one that it has accepted is answered, writes the snapshots that were
    /// taken in, waits for the other requests under way, and closes the connections. What is asked of the store, or of a
    /// clone, afterwards is answered with [`StoreError::Unavailable`].
    ///
    /// An append takes as long as the server does: put a time-out around this where the server may be gone. What is
    /// under way then still runs to its end.
    pub async fn close(&self) {
        self.parts.lanes.close().await;
        self.flush().await;
        self.parts.connections.close().await;
    }
}

/// What a URL says. It may hold a password, and so is not repeated.
fn options(url: &str) -> Result<PgConnectOptions, Misconfigured> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        let reason = "its URL does not begin with `postgres://`; write postgres://user:password@host:port/database";
        return Err(Misconfigured::new(reason, None));
    }
    PgConnectOptions::from_str(url).map_err(|source| {
        let reason = format!(
            "its URL cannot be read: {source}; write postgres://user:password@host:port/database, and `%23`, `%2F`, `%40` \
             for `#`, `/`, `@` in a password"
        );
        Misconfigured::new(reason, Some(source.into()))
    })
}

impl EventStore for PostgresStore {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        lanes::append(&self.parts, append).await
    }

    async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        together::append_all(&self.parts, appends).await
    }

    async fn load(&self, load: Load) -> Result<LoadedStream, StoreError> {
        loads::load(&self.parts, load).await
    }

    fn read_stream(&self, read: ReadStream) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        read::read_stream(Arc::clone(&self.parts), read)
    }

    fn read_all(&self, read: ReadAll) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        read::read_all(Arc::clone(&self.parts), &read)
    }

    async fn kept_snapshot(&self, stream: StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
        snapshot::kept(&self.parts, &stream).await
    }

    async fn history(&self) -> Result<HistoryId, StoreError> {
        // Asked for, and not only remembered: a connection that waits does not know yet that it is dead.
        let answer =
            self.parts.connections.fetch_with_history(|| sqlx::query(self.parts.statements.history.clone())).await;
        Ok(answer.map_err(|failure| error::store_error("asking for the history", failure))?.0)
    }

    async fn save_snapshot(&self, snapshot: NewSnapshot) -> Result<(), StoreError> {
        self.parts.snapshots.take_in(snapshot);
        Ok(())
    }
}
