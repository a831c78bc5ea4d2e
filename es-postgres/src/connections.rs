//! The store's own connections.
//!
//! sqlx's pool tests a connection when it is handed out and again when it comes back, two round trips for each one
//! that does work, and a `begin()` that is dropped at the wrong moment leaves one inside an open transaction, in which
//! a later append would be acknowledged and then rolled back. Here nothing is tested, and a connection whose last request
//! did not run to its end, or whose transaction was not seen to end, is closed, not reused.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use es_core::store::{HistoryId, StoreError, Unavailable};
use futures_util::{FutureExt as _, TryStreamExt as _};
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, Postgres, SqlStr,
    postgres::{PgArguments, PgConnectOptions, PgRow},
    query::Query,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use uuid::Uuid;

use crate::{config::PostgresConfig, error, statements::Statements};

/// A bounded number of connections, opened when needed.
#[derive(Debug)]
pub(crate) struct Connections {
    options: PgConnectOptions,
    /// Asks for the history.
    identify: SqlStr,
    state: Mutex<State>,
    permits: Arc<Semaphore>,
    max: usize,
    acquire_timeout: Duration,
    /// How long the server may be silent, where no other time is given.
    pub(crate) longest_silence: Duration,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Identified>,
    /// The history of the connection that was opened last.
    history: Option<HistoryId>,
}

/// A connection with the history that the server had when it was opened. A server that starts again from a backup ends its
/// connections; a standby that takes over keeps them, and goes on from what was read on them.
#[derive(Debug)]
struct Identified {
    connection: PgConnection,
    history: HistoryId,
}

/// Why a request got no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was never sent.
    NotSent(StoreError),
    /// It was sent, and the connection was lost before the answer came: it may have been carried out.
    Lost(sqlx::Error),
    /// The database answered with an error: what was sent has had no effect.
    Refused(sqlx::Error),
    /// The answer has a row that cannot be read as what the schema says it is: the table is not ours.
    Unreadable(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(source: sqlx::Error) -> Self {
        error::failure(source)
    }
}

/// What an answer becomes, row by row, while the server still sends those behind it.
pub(crate) trait Answer: Send {
    fn row(&mut self, row: PgRow) -> Result<(), sqlx::Error>;
}

/// The rows as they are, for answers that are short.
impl Answer for Vec<PgRow> {
    fn row(&mut self, row: PgRow) -> Result<(), sqlx::Error> {
        self.push(row);
        Ok(())
    }
}

/// A connection in use. Dropped before the request came to its end, it closes.
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    connections: &'a Connections,
    connection: Identified,
    _permit: OwnedSemaphorePermit,
}

/// A connection for as long as a transaction takes, wherever that goes. Dropped, it closes, and the server undoes what was
/// begun on it.
#[derive(Debug)]
pub(crate) struct Kept {
    connection: Identified,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(crate) fn new(options: PgConnectOptions, statements: &Statements, config: &PostgresConfig) -> Self {
        let options = options
            .options([
                // Every statement sees what is committed when it starts; the frontier's proof rests on it.
                ("default_transaction_isolation", "read committed".to_owned()),
                // What is acknowledged survives a crash, and no position is given out twice.
                ("synchronous_commit", "on".to_owned()),
                ("lock_timeout", format!("{}ms", config.lock_timeout.as_millis())),
                // Planning anew costs more than most of these statements; none gains from a plan of its own.
                ("plan_cache_mode", "force_generic_plan".to_owned()),
            ])
            .disable_statement_logging();
        Self {
            options,
            identify: statements.history.clone(),
            state: Mutex::default(),
            permits: Arc::new(Semaphore::new(config.max_connections)),
            max: config.max_connections,
            acquire_timeout: config.acquire_timeout,
            // Waiting for a lock is no silence of the server's.
            longest_silence: config.answer_timeout.saturating_add(config.lock_timeout),
        }
    }

    /// How connections are opened, for those that are not shared.
    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// As [`fetch`](Self::fetch), of a statement that may take longer than others.
    pub(crate) async fn fetch_within<'q>(
        &self,
        longest: Duration,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
    ) -> Result<Vec<PgRow>, Failure> {
        match self.fetch_once(query(), Vec::new(), longest).await {
            Err(Failure::Lost(_)) => self.fetch_once(query(), Vec::new(), longest).await,
            answer => answer,
        }
        .map(|(_, rows)| rows)
    }

    /// Sends a request whose repetition does no harm; where the connection turns out to be dead, once more.
    pub(crate) async fn fetch<'q>(
        &self,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
    ) -> Result<Vec<PgRow>, Failure> {
        Ok(self.fetch_with_history(query).await?.1)
    }

    /// As [`fetch`](Self::fetch), with the history that the answer is from.
    pub(crate) async fn fetch_with_history<'q>(
        &self,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
    ) -> Result<(HistoryId, Vec<PgRow>), Failure> {
        self.fetch_as(query, Vec::new).await
    }

    /// As [`fetch_with_history`](Self::fetch_with_history), with the rows read as they come. An answer that breaks off is
    /// thrown away, and another one begun.
    pub(crate) async fn fetch_as<'q, A: Answer>(
        &self,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
        begin: impl Fn() -> A + Send,
    ) -> Result<(HistoryId, A), Failure> {
        match self.fetch_once(query(), begin(), self.longest_silence).await {
            Err(Failure::Lost(_)) => self.fetch_once(query(), begin(), self.longest_silence).await,
            answer => answer,
        }
    }

    /// Sends a request once. After [`Failure::Lost`] no idle connection is trusted: the next request opens a new one.
    async fn fetch_once<A: Answer>(
        &self,
        query: Query<'_, Postgres, PgArguments>,
        answer: A,
        longest: Duration,
    ) -> Result<(HistoryId, A), Failure> {
        let lease = self.lease().await.map_err(Failure::NotSent)?;
        Ok((lease.history(), lease.fetch_as(query, answer, longest).await?))
    }

    /// How long the server may be silent over a statement that may look at everything there is.
    pub(crate) fn long_silence(&self) -> Duration {
        self.longest_silence.saturating_mul(10)
    }

    /// A connection outside of the bounded number, for work that needs a transaction; the caller closes it.
    pub(crate) async fn open(&self) -> Result<PgConnection, StoreError> {
        match timeout(self.acquire_timeout, PgConnection::connect_with(&self.options)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(source)) => {
                let known = self.state().history.is_some();
                Err(error::cannot_connect(&self.options, source, known))
            }
            Err(elapsed) => Err(error::no_answer(&self.options, elapsed)),
        }
    }

    /// Waits for the server's answer, but not for ever: if nothing comes, the connection is lost, and must be dropped.
    pub(crate) async fn answer<T, E: From<sqlx::Error>>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        answered_within(self.longest_silence, answer).await
    }

    async fn open_identified(&self) -> Result<Identified, StoreError> {
        let mut connection = self.open().await?;
        let history = sqlx::query_scalar(self.identify.clone()).fetch_one(&mut connection);
        let history: Uuid = answered_within(self.acquire_timeout, history)
            .await
            .map_err(|source| error::store_error("asking for the history", error::failure(source)))?;
        let history = HistoryId::from_uuid(history);
        let mut state = self.state();
        if let Some(known) = state.history.replace(history).filter(|&known| known != history) {
            tracing::warn!(%known, found = %history, "the server has another history: it was restored, cloned, or took over");
            state.idle.clear();
        }
        Ok(Identified { connection, history })
    }

    /// Opens new connections from here on: the tables were made or changed.
    pub(crate) fn forget(&self) {
        *self.state() = State::default();
    }

    /// A connection for one request, as soon as one is free.
    pub(crate) async fn lease(&self) -> Result<Lease<'_>, StoreError> {
        let permit = match timeout(self.acquire_timeout, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(closed)) => return Err(Unavailable::closed(closed).into()),
            Err(elapsed) => {
                let (max, waited) = (self.max, self.acquire_timeout);
                let reason = format!("all {max} of its connections were busy for {waited:?}; allow more, or ask less");
                return Err(Unavailable::new(reason, elapsed).into());
            }
        };
        let idle = self.state().idle.pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open_identified().await?,
        };
        Ok(Lease { connections: self, connection, _permit: permit })
    }

    /// Opens new connections from here on: one of them was lost, and the others may be.
    pub(crate) fn distrust(&self) {
        self.state().idle.clear();
    }

    /// Takes back a connection on which nothing is under way. One of an earlier history is closed.
    pub(crate) fn take_back(&self, kept: Kept) {
        self.put(kept.connection);
    }

    /// Keeps a connection for the next request, unless there will be none.
    fn put(&self, connection: Identified) {
        let mut state = self.state();
        if state.history == Some(connection.history) && !self.permits.is_closed() {
            state.idle.push(connection);
        }
    }

    /// Waits for all requests under way, and closes all connections. Later requests are answered `Unavailable`.
    pub(crate) async fn close(&self) {
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        let _ = timeout(self.acquire_timeout, self.permits.acquire_many(all)).await;
        self.permits.close();
        let idle = std::mem::take(&mut self.state().idle);
        for identified in idle {
            let _ = identified.connection.close().await;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for an answer, but not for ever: if nothing comes, the connection is lost, and must be dropped.
pub(crate) async fn answered_within<T, E: From<sqlx::Error>>(
    longest: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let silent = |_elapsed| {
        let reason = format!("the server has said nothing for {longest:?}");
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, reason)).into())
    };
    timeout(longest, answer).await.unwrap_or_else(silent)
}

impl Kept {
    /// The history that the server had when the connection was opened.
    pub(crate) fn history(&self) -> HistoryId {
        self.connection.history
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection.connection
    }
}

impl Lease<'_> {
    /// The connection for more than one request: it is given back by hand.
    pub(crate) fn keep(self) -> Kept {
        let Self { connection, _permit: permit, .. } = self;
        Kept { connection, _permit: permit }
    }

    /// The history that the server has.
    pub(crate) fn history(&self) -> HistoryId {
        self.connection.history
    }

    /// Sends a request once, and gives the connection back.
    pub(crate) async fn fetch(self, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>, Failure> {
        let longest = self.connections.longest_silence;
        self.fetch_as(query, Vec::new(), longest).await
    }

    /// Sends a request once, adds each row to the answer as it comes, and gives the connection back.
    async fn fetch_as<A: Answer>(
        mut self,
        query: Query<'_, Postgres, PgArguments>,
        mut answer: A,
        longest: Duration,
    ) -> Result<A, Failure> {
        let mut rows = query.fetch(&mut self.connection.connection);
        let end = loop {
            // What has come already needs no timer.
            let next = match rows.try_next().now_or_never() {
                Some(next) => next,
                None => answered_within(longest, rows.try_next()).await,
            };
            match next {
                Ok(Some(row)) => answer.row(row).map_err(Failure::Unreadable)?,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(rows);
        match end {
            Ok(()) => {
                self.give_back();
                Ok(answer)
            }
            Err(error) if error::is_lost(&error) => {
                self.connections.state().idle.clear();
                Err(Failure::Lost(error))
            }
            Err(error) => {
                self.give_back();
                Err(Failure::Refused(error))
            }
        }
    }

    /// Gives a connection back on which nothing is under way. One of an earlier history is closed.
    pub(crate) fn give_back(self) {
        self.connections.put(self.connection);
    }
}
