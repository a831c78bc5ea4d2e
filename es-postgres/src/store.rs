//! The store: its parts, its opening and its end.

use std::{str::FromStr as _, sync::Arc};

use es_core::{
    recorded::{Position, StreamId},
    store::{
        Append, Appended, EventStore, HistoryId, KeptSnapshot, ListStreams, Load, LoadedStream, Misconfigured,
        NewSnapshot, Page, ReadAll, ReadStream, StoreError, StoredEvent, StreamInfo,
    },
};
use futures_core::Stream;
use sqlx::postgres::PgConnectOptions;

use crate::{
    config::PostgresConfig,
    connections::Connections,
    error,
    frontier::{self, Frontier},
    grants,
    inline::Inline,
    lanes::{self, Lanes},
    loads::{self, Loads},
    migrate,
    page_size::PageSize,
    pages,
    projections::Projections,
    read, server,
    snapshot::{self, SnapshotWriter},
    statements::Statements,
    status::{self, StoreStatus},
    streams,
    together::{self, Together},
    wake::{self, Wake},
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
    pub(crate) frontier: Frontier,
    pub(crate) page_size: PageSize,
    pub(crate) wake: Wake,
    pub(crate) projections: Projections,
    pub(crate) inline: Inline,
    snapshots: SnapshotWriter,
}

impl PostgresStore {
    /// Connects with the usual settings. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server cannot be reached; [`StoreError::Misconfigured`] when the URL cannot
    /// be read, the server does not let us in, is older than PostgreSQL 14.1 or no PostgreSQL at all, does not use UTF-8,
    /// has `fsync` or `full_page_writes` off, or when the tables do not give out positions as they must;
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
        server::check(&connections, &statements).await?;
        let lanes = Lanes::new(&config);
        let together = Together::new(&config);
        let (loads, frontier, wake) = (Loads::default(), Frontier::new(), Wake::new());
        let (projections, snapshots) = (Projections::new(&statements, &config), SnapshotWriter::new());
        let (page_size, inline) = (PageSize::new(), Inline::new(&statements));
        let parts = Parts {
            connections,
            statements,
            config,
            lanes,
            together,
            loads,
            frontier,
            page_size,
            wake,
            projections,
            inline,
            snapshots,
        };
        let store = Self { parts: Arc::new(parts) };
        store.parts.snapshots.start(&store.parts);
        store.parts.wake.start(&store.parts);
        Ok(store)
    }

    /// Creates the tables, or brings them up to the version that this crate needs. Safe to call at every start, and
    /// by several processes at once.
    ///
    /// # Errors
    /// [`StoreError::WrongSchema`] when they are newer than this crate; [`StoreError::Misconfigured`] when somebody has
    /// changed them so that readers would miss events; otherwise whatever the database reports.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrate::migrate(&self.parts.connections, &self.parts.statements).await?;
        self.parts.connections.forget();
        server::check_tables(&self.parts.connections, &self.parts.statements).await
    }

    /// How far readers of all events can go, and who holds them up. Waits for unfinished appends as `read_all` does, up to
    /// [`settle_timeout`](PostgresConfig::settle_timeout). Any role that may read the events may ask; of others'
    /// transactions it sees what PostgreSQL lets it see.
    ///
    /// ```no_run
    /// # async fn run(store: es_postgres::PostgresStore) -> Result<(), Box<dyn std::error::Error>> {
    /// let status = store.status().await?;
    /// println!("{status}");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server cannot be reached, [`StoreError::WrongSchema`] when the tables are not
    /// there.
    pub async fn status(&self) -> Result<StoreStatus, StoreError> {
        status::status(&self.parts).await
    }

    /// Gives a role the rights that a program needs which appends and reads, and no others on these tables: with it the
    /// server itself refuses to change or remove what is stored, to choose positions, and to change the tables. To be
    /// called as the owner of the tables, after each [`migrate`](Self::migrate); again changes nothing.
    ///
    /// The role must exist, and be neither the owner of the tables nor a superuser. What it may do elsewhere, and through
    /// other roles, stays as it is.
    ///
    /// ```no_run
    /// # use es_postgres::PostgresStore;
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// // When deploying, as the owner:
    /// let store = PostgresStore::connect("postgres://owner@localhost/bank").await?;
    /// store.migrate().await?;
    /// store.grant_runtime("bank").await?;
    /// // In the program:
    /// let store = PostgresStore::connect("postgres://bank@localhost/bank").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`] where there is no such role, no grant could restrict it, or we are not the owner;
    /// [`StoreError::WrongSchema`] where there are no tables.
    pub async fn grant_runtime(&self, role: &str) -> Result<(), StoreError> {
        grants::grant_runtime(&self.parts, role).await
    }

    /// Waits until every snapshot that was taken in is written. Only tests and measurements need it.
    pub async fn flush(&self) {
        self.parts.snapshots.flush().await;
    }

    /// Has the subscribers of this store, and those of other processes, look for new events. Call it after the commit of a
    /// transaction of your own in which events were appended: of those the store does not know. Without it subscribers see
    /// them after [`PostgresConfig::poll_interval`] at the latest.
    pub fn wake(&self) {
        self.parts.wake.look();
    }

    /// Takes no more appends, waits until every one that it has accepted is answered, writes the snapshots that were
    /// taken in, waits for the other requests under way, and closes the connections. What is asked of the store, or of a
    /// clone, afterwards is answered with [`StoreError::Unavailable`].
    ///
    /// An append takes as long as the server does, or is given up after
    /// [`answer_timeout`](crate::PostgresConfig::answer_timeout): put a time-out around this where the server may be gone.
    /// What is under way then still runs to its end.
    pub async fn close(&self) {
        self.parts.lanes.close().await;
        self.flush().await;
        frontier::write_last(&self.parts).await;
        self.parts.connections.close().await;
        self.parts.wake.close(self.parts.config.acquire_timeout).await;
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
        if self.parts.inline.concerned([&append]).is_empty() {
            return lanes::append(&self.parts, append).await;
        }
        together::append_one(&self.parts, append).await
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

    async fn read_page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        pages::read_page(&self.parts, read).await
    }

    async fn wait_beyond(&self, position: Position, history: HistoryId) {
        wake::wait_beyond(&self.parts, position, history).await;
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

    async fn settled(&self) -> Result<Position, StoreError> {
        Ok(frontier::advance(&self.parts).await?.position)
    }

    async fn save_snapshot(&self, snapshot: NewSnapshot) -> Result<(), StoreError> {
        self.parts.snapshots.take_in(snapshot);
        Ok(())
    }

    fn streams(&self, list: ListStreams) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<> {
        streams::list(Arc::clone(&self.parts), list)
    }

    async fn archive(&self, stream: StreamId) -> Result<(), StoreError> {
        streams::archive(&self.parts, stream).await
    }

    async fn restore(&self, stream: StreamId) -> Result<(), StoreError> {
        streams::restore(&self.parts, stream).await
    }
}
