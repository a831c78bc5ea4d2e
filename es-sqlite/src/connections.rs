//! The connections to the file: one that writes, and some that read.
//!
//! A SQLite file has one writer at a time, whoever it is. So within this process there is one connection that writes, the pen,
//! and whoever wants to write takes it in turn; writers of other processes are waited for in SQLite, for as long as is set.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use es_core::store::{Misconfigured, StoreError, Unavailable};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::timeout,
};

use crate::{config::SqliteConfig, error};

/// How many statements a connection keeps prepared: ours, and those of read models.
const STATEMENTS: usize = 256;

/// The way to the file.
#[derive(Debug)]
pub(crate) struct Connections {
    path: PathBuf,
    pen: Arc<Pen>,
    readers: SqlitePool,
    reading: SqliteConnectOptions,
}

impl Connections {
    /// Opens the file, or makes it; and looks first whether it may be ours, before anything of it is changed.
    pub(crate) async fn open(path: &Path, config: &SqliteConfig) -> Result<Self, StoreError> {
        check_path(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(config.lock_timeout)
            .statement_cache_capacity(STATEMENTS);
        if !config.beside_other_tables {
            check_owner(path, &options).await?;
        }
        let options = options
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // In this mode a commit is on the disk when it is answered.
            .synchronous(SqliteSynchronous::Full);
        let pen = Pen::open(path, options.clone().create_if_missing(true), config.lock_timeout).await?;
        let reading = options.pragma("query_only", "on");
        let readers = SqlitePoolOptions::new()
            .max_connections(config.readers)
            .acquire_timeout(config.acquire_timeout)
            // It is a call of a function, and not a way over a network, that might be cut off.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(reading.clone());
        Ok(Self { path: path.to_owned(), pen: Arc::new(pen), readers, reading })
    }

    /// The path of the file, as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The connections that read. Whatever is read in one statement is of one view of the data.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// A connection that reads, beside the others.
    pub(crate) async fn open_reader(&self) -> Result<SqliteConnection, sqlx::Error> {
        SqliteConnection::connect_with(&self.reading).await
    }

    /// The connection that writes.
    pub(crate) fn pen(&self) -> &Arc<Pen> {
        &self.pen
    }

    /// Waits for the requests under way, and closes all.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.pen.close().await;
    }
}

/// Refuses what names no file.
fn check_path(path: &Path) -> Result<(), Misconfigured> {
    let text = path.to_string_lossy();
    if text.is_empty() || text.contains(":memory:") {
        let reason = "it needs the path of a file, such as `bank.db`; for a store in memory take `MemoryStore`";
        return Err(Misconfigured::new(reason, None));
    }
    if text.starts_with("sqlite:") {
        let reason = "it takes a path, not a URL: leave out `sqlite:`";
        return Err(Misconfigured::new(reason, None));
    }
    Ok(())
}

/// Refuses a file of another program. Reads, and changes nothing.
async fn check_owner(path: &Path, options: &SqliteConnectOptions) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    let cannot_open = |source| error::cannot_open(path, source);
    let options = options.clone().read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(cannot_open)?;
    let names =
        "select count(*), count(*) filter (where name = 'es_migrations') from sqlite_schema where type = 'table'";
    let counted = sqlx::query_as(names).fetch_one(&mut connection).await;
    let _ = connection.close().await;
    let (tables, ours): (i64, i64) = counted.map_err(cannot_open)?;
    if tables > 0 && ours == 0 {
        let reason = format!(
            "`{}` is the database of another program: it has tables, and none of them are ours; nothing of it was changed; name \
             another file, or open it with `SqliteConfig::beside_other_tables`, if they are to be in one file",
            path.display()
        );
        return Err(Misconfigured::new(reason, None).into());
    }
    Ok(())
}

/// The one connection that writes.
#[derive(Debug)]
pub(crate) struct Pen {
    path: PathBuf,
    options: SqliteConnectOptions,
    /// How long it is waited for.
    patience: Duration,
    slot: Arc<AsyncMutex<Slot>>,
    /// Who has it, for those who wait in vain.
    holder: Arc<Mutex<Option<String>>>,
}

#[derive(Debug)]
enum Slot {
    Open(SqliteConnection),
    /// To be opened anew: nobody knows in what state the last one is.
    Gone,
    Closed,
}

impl Pen {
    async fn open(path: &Path, options: SqliteConnectOptions, patience: Duration) -> Result<Self, StoreError> {
        let connection = SqliteConnection::connect_with(&options).await;
        let connection = connection.map_err(|source| error::cannot_open(path, source))?;
        // Whoever comes back finds the file that was there, or none: a new one would be another history.
        let options = options.create_if_missing(false);
        let slot = Arc::new(AsyncMutex::new(Slot::Open(connection)));
        Ok(Self { path: path.to_owned(), options, patience, slot, holder: Arc::default() })
    }

    /// Waits for its turn, and begins a transaction that writes. `what` says to others who has the pen.
    pub(crate) async fn begin(&self, doing: &'static str, what: &str) -> Result<Writing, StoreError> {
        self.begin_within(self.patience, doing, what).await
    }

    /// The same, but waits for another time.
    pub(crate) async fn begin_within(
        &self,
        patience: Duration,
        doing: &'static str,
        what: &str,
    ) -> Result<Writing, StoreError> {
        let Ok(mut guard) = timeout(patience, Arc::clone(&self.slot).lock_owned()).await else {
            let holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let holder = holder.unwrap_or_else(|| "another writer".to_owned());
            let reason = format!(
                "{holder} had the file for {patience:?}, while {doing} waited; a SQLite file has one writer at a time"
            );
            return Err(Unavailable::new(reason, "its turn did not come").into());
        };
        if let Slot::Gone = *guard {
            let opened = SqliteConnection::connect_with(&self.options).await;
            *guard = Slot::Open(opened.map_err(|source| error::cannot_open(&self.path, source))?);
        }
        if let Slot::Closed = *guard {
            return Err(error::closed("the file was closed"));
        }
        *self.holder.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.to_owned());
        let mut writing = Writing { slot: Some(guard), holder: Arc::clone(&self.holder), open: true };
        let failed = |source| error::store_error(doing, source);
        let hurries = patience < self.patience;
        if hurries {
            set_patience(writing.connection()?, patience).await.map_err(failed)?;
        }
        let begun = writing.connection()?.execute("begin immediate").await;
        if hurries {
            set_patience(writing.connection()?, self.patience).await.map_err(failed)?;
        }
        match begun {
            Ok(_) => Ok(writing),
            Err(source) => {
                // It has not begun, unless the connection is gone.
                writing.open = error::is_lost(&source);
                Err(error::store_error(doing, source))
            }
        }
    }

    /// Takes the pen for what is not done in a transaction.
    pub(crate) async fn close(&self) {
        let mut guard = self.slot.lock().await;
        if let Slot::Open(connection) = std::mem::replace(&mut *guard, Slot::Closed) {
            let _ = connection.close().await;
        }
    }
}

/// Sets how long SQLite waits for a writer of another process.
async fn set_patience(connection: &mut SqliteConnection, patience: Duration) -> Result<(), sqlx::Error> {
    connection.execute(assembled(format!("pragma busy_timeout = {}", patience.as_millis()))).await.map(drop)
}

/// A transaction that writes. Dropping it undoes it.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is undone"]
pub(crate) struct Writing {
    slot: Option<OwnedMutexGuard<Slot>>,
    holder: Arc<Mutex<Option<String>>>,
    /// Whether the transaction may be open.
    open: bool,
}

impl Writing {
    /// The connection that is in the transaction.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        match self.slot.as_deref_mut() {
            Some(Slot::Open(connection)) => Ok(connection),
            _ => Err(error::closed("the connection is gone")),
        }
    }

    /// Commits. Where the answer is an error, [`Uncommitted`] says whether the transaction may be in the file.
    pub(crate) async fn commit(mut self, doing: &'static str) -> Result<(), Uncommitted> {
        let connection = self.connection().map_err(|error| Uncommitted { error, uncertain: false })?;
        match connection.execute("commit").await {
            Ok(_) => {
                self.open = false;
                Ok(())
            }
            // Dropped, and so closed: in what state the connection is, nobody knows.
            Err(source) => {
                let uncertain = error::is_uncertain(&source);
                Err(Uncommitted { error: error::store_error(doing, source), uncertain })
            }
        }
    }

    /// Undoes it, so that the connection can be used again at once.
    pub(crate) async fn rollback(mut self) {
        if let Ok(connection) = self.connection() {
            self.open = connection.execute("rollback").await.is_err();
        }
    }
}

/// A commit that was not answered with success.
#[derive(Debug)]
pub(crate) struct Uncommitted {
    pub(crate) error: StoreError,
    /// Whether it may have taken place nevertheless.
    pub(crate) uncertain: bool,
}

/// With its connection a transaction that was left open ends: whoever left it may be gone, and nobody else can write meanwhile.
impl Drop for Writing {
    fn drop(&mut self) {
        *self.holder.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(slot) = &mut self.slot
            && self.open
        {
            **slot = Slot::Gone;
        }
    }
}

/// A statement that is put together from names that are quoted, and from constants.
pub(crate) fn assembled(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}
