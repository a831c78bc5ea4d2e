//! The connections to the file: one that writes, and some that read.
//!
//! A SQLite file has one writer at a time, whoever it is. So within this process there is one connection that writes, the pen,
//! and whoever wants to write takes it in turn; writers of other processes are waited for in SQLite, for as long as is set.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use es_core::store::{StoreError, Unavailable};
use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::{Instant, sleep, timeout},
};

use crate::{
    config::SqliteConfig,
    error::{self, code},
    place::{self, Opened},
};

/// How many statements a connection keeps prepared: ours, and those of read models.
const STATEMENTS: usize = 256;
/// How long a writer of another process is waited for before the next look, at first and at most. SQLite's own pauses grow up
/// to a tenth of a second, and who writes all the time is free for less than that: others would never have their turn.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// The way to the file.
#[derive(Debug)]
pub(crate) struct Connections {
    path: PathBuf,
    opened: Opened,
    pen: Arc<Pen>,
    readers: SqlitePool,
    reading: SqliteConnectOptions,
}

impl Connections {
    /// Opens the file, or makes it; and looks first whether it may be ours, before anything of it is changed.
    pub(crate) async fn open(path: &Path, config: &SqliteConfig) -> Result<Self, StoreError> {
        let from_root = place::check_path(path)?;
        place::check_log(&from_root)?;
        let options = SqliteConnectOptions::new()
            .filename(&from_root)
            .busy_timeout(config.lock_timeout)
            .statement_cache_capacity(STATEMENTS);
        if !config.beside_other_tables {
            place::check_owner(&from_root, &options).await?;
        }
        let options = options
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // In this mode a commit is on the disk when it is answered.
            .synchronous(SqliteSynchronous::Full);
        let pen = Pen::open(&from_root, options.clone(), config.lock_timeout).await?;
        let reading = options.pragma("query_only", "on");
        let readers = SqlitePoolOptions::new()
            .max_connections(config.readers)
            .acquire_timeout(config.acquire_timeout)
            // It is a call of a function, and not a way over a network, that might be cut off.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(reading.clone());
        Ok(Self { path: path.to_owned(), opened: pen.opened.clone(), pen: Arc::new(pen), readers, reading })
    }

    /// Whether the path still leads to the file that was opened.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.opened.check()
    }

    /// The path of the file, as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The connections that read. Whatever is read in one statement is of one view of the data.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The same, as long as the file is the one that was opened: the pool opens further connections when they are needed, and
    /// some would be to one file and some to another.
    pub(crate) fn reading(&self) -> Result<&SqlitePool, StoreError> {
        self.check()?;
        Ok(&self.readers)
    }

    /// A connection that reads, beside the others.
    pub(crate) async fn open_reader(&self) -> Result<SqliteConnection, sqlx::Error> {
        SqliteConnection::connect_with(&self.reading).await
    }

    /// The connection that writes.
    pub(crate) fn pen(&self) -> &Arc<Pen> {
        &self.pen
    }

    /// Brings what was committed from the log into the file, where nobody is in the way.
    pub(crate) async fn checkpoint(&self) {
        let mut guard = self.pen.slot.lock().await;
        if let Slot::Open { connection, .. } = &mut *guard {
            let _ = run(connection, "pragma wal_checkpoint(truncate)").await;
        }
    }

    /// Waits for the requests under way, and closes all.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.pen.close().await;
    }
}

/// The one connection that writes.
#[derive(Debug)]
pub(crate) struct Pen {
    opened: Opened,
    options: SqliteConnectOptions,
    /// How long it is waited for.
    patience: Duration,
    slot: Arc<AsyncMutex<Slot>>,
    /// Who has it, for those who wait in vain.
    holder: Arc<Mutex<Option<String>>>,
}

#[derive(Debug)]
enum Slot {
    Open {
        connection: SqliteConnection,
        /// The log that it writes to, once it has.
        log: Option<Opened>,
    },
    /// To be opened anew: nobody knows in what state the last one is.
    Gone,
    Closed,
}

impl Pen {
    async fn open(path: &Path, options: SqliteConnectOptions, patience: Duration) -> Result<Self, StoreError> {
        let mut connection = connect(path, &options.clone().create_if_missing(true), patience).await?;
        let opened = Opened::at(path)?;
        match try_to_write(&mut connection).await {
            // Others can write it.
            Err(source) if error::code_of(&source) == Some(code::BUSY) => {}
            tried => tried.map_err(|source| error::cannot_open(path, source))?,
        }
        let slot = Arc::new(AsyncMutex::new(Slot::Open { connection, log: None }));
        // Whoever comes back finds the file that was there, or none: a new one would be another history.
        Ok(Self { opened, options: options.create_if_missing(false), patience, slot, holder: Arc::default() })
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
        if let Slot::Closed = *guard {
            return Err(error::closed("the file was closed"));
        }
        self.opened.check()?;
        match &*guard {
            Slot::Gone => {
                let connection = connect(self.opened.path(), &self.options, patience).await?;
                // It may have been replaced just now.
                self.opened.check()?;
                *guard = Slot::Open { connection, log: None };
            }
            // Without its log a file has lost all that was not yet copied over from there.
            Slot::Open { log: Some(log), .. } => log.check()?,
            _ => {}
        }
        *self.holder.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.to_owned());
        let mut writing = Writing { slot: Some(guard), holder: Arc::clone(&self.holder), open: true };
        match begin_immediate(writing.connection()?, patience).await {
            Ok(()) => {
                if let Some(Slot::Open { log: log @ None, .. }) = writing.slot.as_deref_mut() {
                    *log = Opened::log_of(self.opened.path()).ok();
                }
                Ok(writing)
            }
            Err(source) => {
                // It has not begun, unless the connection is gone.
                writing.open = error::is_lost(&source);
                Err(error::store_error(doing, source))
            }
        }
    }

    /// Waits for whoever has it, and closes the file.
    async fn close(&self) {
        let mut guard = self.slot.lock().await;
        if let Slot::Open { connection, .. } = std::mem::replace(&mut *guard, Slot::Closed) {
            let _ = connection.close().await;
        }
    }
}

/// A connection that never waits for other processes by itself. While another one makes the file what it is, SQLite does not
/// wait for it, whatever is set.
async fn connect(
    path: &Path,
    options: &SqliteConnectOptions,
    patience: Duration,
) -> Result<SqliteConnection, StoreError> {
    let mut others = Others::new(patience);
    loop {
        let connected = async {
            let mut connection = SqliteConnection::connect_with(options).await?;
            run(&mut connection, "pragma busy_timeout = 0").await?;
            Ok(connection)
        };
        let connected = connected.await;
        if !others.are_waited_for(&connected).await {
            return connected.map_err(|source| error::cannot_open(path, source));
        }
    }
}

/// SQLite opens what can only be read as well, and begins to write, and would say so at the first append.
async fn try_to_write(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    run(connection, "begin immediate").await?;
    let tried = run(connection, "pragma user_version = 0").await;
    run(connection, "rollback").await?;
    tried
}

/// Begins, as soon as no other process writes.
async fn begin_immediate(connection: &mut SqliteConnection, patience: Duration) -> Result<(), sqlx::Error> {
    let mut others = Others::new(patience);
    loop {
        let begun = run(connection, "begin immediate").await;
        if !others.are_waited_for(&begun).await {
            return begun;
        }
    }
}

/// Other processes that are in the way, and how long they are waited for.
struct Others {
    since: Instant,
    patience: Duration,
    pause: Duration,
}

impl Others {
    fn new(patience: Duration) -> Self {
        Self { since: Instant::now(), patience, pause: FIRST_PAUSE }
    }

    /// Waits a moment where it is because of them that something failed, unless they were waited for long enough.
    async fn are_waited_for<T>(&mut self, outcome: &Result<T, sqlx::Error>) -> bool {
        let busy = outcome.as_ref().is_err_and(|source| error::code_of(source) == Some(code::BUSY));
        if !busy || self.since.elapsed() >= self.patience {
            return false;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

/// Runs a statement and waits until it is done. Where the driver's thread ends in the midst of it, nothing comes, which sqlx
/// takes for success: so it is counted.
async fn run(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    let answers = connection.fetch_many(statement).try_fold(0, async |count, _| Ok(count + 1)).await?;
    if answers == 0 { Err(sqlx::Error::WorkerCrashed) } else { Ok(()) }
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
            Some(Slot::Open { connection, .. }) => Ok(connection),
            _ => Err(error::closed("the connection is gone")),
        }
    }

    /// Commits. Where the answer is an error, [`Uncommitted`] says whether the transaction may be in the file.
    pub(crate) async fn commit(mut self, doing: &'static str) -> Result<(), Uncommitted> {
        let connection = self.connection().map_err(|error| Uncommitted { error, uncertain: false })?;
        match run(connection, "commit").await {
            Ok(()) => {
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
            self.open = run(connection, "rollback").await.is_err();
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
