//! The store: its parts, its opening and its end.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use es_core::{
    recorded::{Position, StreamId},
    store::{
        Append, Appended, EventStore, HistoryId, KeptSnapshot, ListStreams, Load, LoadedStream, NewSnapshot, Page,
        ReadAll, ReadStream, StoreError, StoredEvent, StreamInfo,
    },
};
use futures_core::Stream;

use crate::{
    config::SqliteConfig,
    connections::Connections,
    group::Group,
    migrate, pages,
    projections::Projections,
    read, snapshot, streams, task,
    wake::{self, Wake},
};

/// A store in a SQLite file. Clones share its connections.
///
/// The file belongs to whoever has it open: it must not be removed, renamed or replaced meanwhile, and neither must the files
/// beside it whose names go on with `-wal` and `-shm`. Where that happens, the answer is [`StoreError::Misconfigured`] from then
/// on, because nobody else would see what is written, and it would be gone with the process.
///
/// ```
/// use es_core::prelude::*;
/// use es_sqlite::SqliteStore;
///
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct LampId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// # struct LampLit {}
/// # #[derive(EventSet, Debug)]
/// # enum LampEvent { Lit(LampLit) }
/// # #[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug)]
/// # #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
/// # struct Lamp { lit: bool }
/// # #[event_handler]
/// # impl Lamp { fn lit(&mut self, _: &LampLit) { self.lit = true; } }
/// # #[derive(Debug)]
/// # struct Light;
/// # #[command_handler]
/// # impl Lamp { fn light(_: &Light) -> Result<LampLit, std::convert::Infallible> { Ok(LampLit {}) } }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("lamps.db");
/// let store = SqliteStore::open(&path).await?; // made, if it is not there
/// store.repository::<Lamp>().execute(&LampId("hall".into()), Light).await?;
/// store.close().await;
///
/// let store = SqliteStore::open(&path).await?;
/// assert!(store.repository::<Lamp>().load(&LampId("hall".into())).await?.state.lit);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pub(crate) parts: Arc<Parts>,
}

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) connections: Connections,
    pub(crate) config: SqliteConfig,
    pub(crate) group: Group,
    pub(crate) wake: Arc<Wake>,
    pub(crate) projections: Arc<Projections>,
}

impl SqliteStore {
    /// Opens a file with the usual settings, makes it where it is not there, and brings its tables up to the version that this
    /// crate needs. Must be called within a Tokio runtime with time enabled, which lives as long as the store does.
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`] where the path names no file that can be opened and written, or one of another program;
    /// nothing of that is changed;
    /// [`StoreError::WrongSchema`] when the tables were made by a newer version of this crate;
    /// [`StoreError::Unavailable`] when another program keeps the file locked.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteConfig::new()).await
    }

    /// Opens a file with other settings.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(path: impl AsRef<Path>, config: SqliteConfig) -> Result<Self, StoreError> {
        let connections = Connections::open(path.as_ref(), &config).await?;
        if let Err(error) = migrate::migrate(&connections).await {
            connections.close().await;
            return Err(error);
        }
        let (wake, projections) = (Arc::new(Wake::default()), Arc::new(Projections::default()));
        let group = Group::start(&connections, &config, &wake, &projections);
        let parts = Parts { connections, config, group, wake, projections };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Does what [`open`](Self::open) has done already. It is here so that a program that goes over to a server, where
    /// `migrate` is a step of its own, changes in one line only.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrate::migrate(&self.parts.connections).await
    }

    /// The path of the file, as it was given.
    pub fn path(&self) -> PathBuf {
        self.parts.connections.path().to_owned()
    }

    /// Waits until every snapshot that was taken in is written. Only tests and measurements need it.
    pub async fn flush(&self) {
        self.parts.group.flush().await;
    }

    /// Takes no more appends, waits until every one that it has accepted is answered, writes the snapshots that were
    /// taken in, waits for the other requests under way, and closes the file. What is asked of the store, or of a
    /// clone, afterwards is answered with [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.parts.group.close().await;
        self.parts.wake.close().await;
        self.parts.connections.close().await;
    }
}

impl EventStore for SqliteStore {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        self.parts.group.append(append).await
    }

    async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        self.parts.group.append_all(appends).await
    }

    async fn load(&self, load: Load) -> Result<LoadedStream, StoreError> {
        let parts = Arc::clone(&self.parts);
        task::run(async move { read::load(&parts, &load).await }).await
    }

    fn read_stream(&self, read: ReadStream) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        read::read_stream(Arc::clone(&self.parts), read)
    }

    async fn read_page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        let (parts, read) = (Arc::clone(&self.parts), read.clone());
        task::run(async move { pages::read_page(&parts, &read).await }).await
    }

    async fn wait_beyond(&self, position: Position, history: HistoryId) {
        wake::wait_beyond(&self.parts, position, history).await;
    }

    async fn kept_snapshot(&self, stream: StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
        let parts = Arc::clone(&self.parts);
        task::run(async move { snapshot::kept(&parts, &stream).await }).await
    }

    async fn history(&self) -> Result<HistoryId, StoreError> {
        let parts = Arc::clone(&self.parts);
        task::run(async move { Ok(pages::settled(&parts).await?.history) }).await
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        let parts = Arc::clone(&self.parts);
        task::run(async move { Ok(pages::settled(&parts).await?.position) }).await
    }

    async fn save_snapshot(&self, snapshot: NewSnapshot) -> Result<(), StoreError> {
        self.parts.group.take_in(snapshot);
        Ok(())
    }

    fn streams(&self, list: ListStreams) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<> {
        streams::list(Arc::clone(&self.parts), list)
    }

    async fn archive(&self, stream: StreamId) -> Result<(), StoreError> {
        streams::set_archived(&self.parts, stream, true).await
    }

    async fn restore(&self, stream: StreamId) -> Result<(), StoreError> {
        streams::set_archived(&self.parts, stream, false).await
    }
}
