//! What handlers of projections are given.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use es_core::{projection::ProjectionId, store::StoreError};
use sqlx::SqliteConnection;
use tokio::sync::{MappedMutexGuard, MutexGuard};

use super::{
    registry::{Open, Work, ended},
    transaction::{SqliteTransaction, take_file},
};

/// The transaction in which a projection's handlers do what they do: it commits with the move of the checkpoint, or not at
/// all, so that each event has its effects once.
///
/// ```no_run
/// use es_core::prelude::*;
/// use es_sqlite::{SqliteContext, sqlx};
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// # struct LampLit {}
/// # #[derive(EventSet, Debug)]
/// # enum LampEvent { Lit(LampLit) }
///
/// #[derive(Projection)]
/// #[projection(name = "lamplighter")]
/// struct Lamplighter;
///
/// #[event_handler(covers(LampEvent))]
/// impl Lamplighter {
///     async fn lit(&self, _: &LampLit, envelope: &Envelope, context: &mut SqliteContext<'_>) -> Result<(), sqlx::Error> {
///         sqlx::query("insert into lit (lamp, at) values ($1, $2)")
///             .bind(envelope.stream.id())
///             .bind(envelope.recorded_at)
///             .execute(&mut *context.connection().await?)
///             .await?;
///         Ok(())
///     }
/// }
/// ```
///
/// A SQLite file has one writer at a time. From the first [`connection`](Self::connection) to the end of its batch a projection
/// is that one: appends, and all else that writes, wait for it. So do in a handler what has to be done in the file, and nothing
/// that takes long; append nothing there, which would wait for the handler's own end; and give batches a
/// [size](es_core::engine::ProjectionEngine::batch_size) if they have many events. A batch whose handlers do nothing for longer
/// than the lease is undone, so that others can write.
///
/// A handler neither commits nor rolls back: it cannot commit, and a batch whose transaction it has rolled back fails.
/// Savepoints are its own, and what `begin` of the connection makes is one. Pass on every error of a statement. What is set for
/// the connection, by a `pragma`, stays set: leave that alone.
#[derive(Debug)]
pub struct SqliteContext<'t> {
    transaction: &'t mut SqliteTransaction,
}

impl<'t> SqliteContext<'t> {
    pub(super) fn new(transaction: &'t mut SqliteTransaction) -> Self {
        Self { transaction }
    }

    /// The connection that is in the transaction, for statements of your own: take it anew for each, and give it back with the
    /// end of the statement, as in the [example](Self). What is kept of it keeps the file from everybody, and cannot be taken
    /// away when the handler does not come on.
    ///
    /// # Errors
    /// An error that passes, where the file could not be had in the time that is
    /// [set](crate::SqliteConfig::lock_timeout), or where another engine has claimed the shard meanwhile: the batch is tried
    /// again.
    pub async fn connection(&mut self) -> Result<SqliteContextConnection<'_>, sqlx::Error> {
        self.take().await.map_err(as_drivers)
    }

    async fn take(&mut self) -> Result<SqliteContextConnection<'_>, StoreError> {
        let SqliteTransaction { parts, open } = &*self.transaction;
        let _call = open.call()?;
        let mut work = open.work.lock().await;
        take_file(parts, open, &mut work).await?.hand_out(parts, open).await?;
        let connection = MutexGuard::try_map(work, |work| match work {
            Some(Work::Held(held)) => held.connection().ok(),
            _ => None,
        });
        Ok(SqliteContextConnection { connection: connection.map_err(|_| ended())?, open })
    }

    /// Which projection this is, in which version: to write what a version builds apart from what another has built.
    pub fn projection(&self) -> ProjectionId {
        self.transaction.open.claim.shard.projection
    }
}

/// The connection of a batch, in the midst of a handler; from [`SqliteContext::connection`].
pub struct SqliteContextConnection<'c> {
    connection: MappedMutexGuard<'c, SqliteConnection>,
    open: &'c Open,
}

impl Deref for SqliteContextConnection<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for SqliteContextConnection<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

impl fmt::Debug for SqliteContextConnection<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connection.fmt(formatter)
    }
}

/// The owner has just done something.
impl Drop for SqliteContextConnection<'_> {
    fn drop(&mut self) {
        self.open.rest();
    }
}

/// A store's error as one of the driver: its own, where it is about one.
fn as_drivers(error: StoreError) -> sqlx::Error {
    match error {
        StoreError::Backend { doing, source } => match source.downcast::<sqlx::Error>() {
            Ok(source) => *source,
            Err(source) => sqlx::Error::Io(std::io::Error::other(StoreError::Backend { doing, source })),
        },
        error => sqlx::Error::Io(std::io::Error::other(error)),
    }
}
