//! Changes of tables and views: one transaction at a time in all processes, which waits for no reader for long.

use std::time::Duration;

use es_core::{
    projection::PrepareError,
    store::{Misconfigured, StoreError, Unavailable},
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, error::DatabaseError};
use tokio::time::{Instant, sleep};

use super::prepare::Work;
use crate::{error, migrate::MIGRATION_LOCK, store::Parts};

pub(super) const PREPARING: &str = "making projections ready";

/// How long the lock on a view is waited for at once. Readers queue behind whoever waits, so it is tried again rather than
/// waited for.
const PATIENCE: &str = "200ms";
const PAUSE: Duration = Duration::from_millis(100);

/// Why a transaction did not come to its end.
#[derive(Debug)]
pub(super) enum Trouble {
    Refused(PrepareError),
    Failed(sqlx::Error),
}

impl From<PrepareError> for Trouble {
    fn from(error: PrepareError) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

impl Trouble {
    fn is_held(&self) -> bool {
        matches!(self, Self::Failed(error) if error::is_held(error))
    }

    fn into_error(self) -> PrepareError {
        let source = match self {
            Self::Refused(error) => return error,
            Self::Failed(source) => source,
        };
        if error::is_held(&source) {
            let reason =
                "others stay in transactions with the tables or views of a read model; end these, or try later";
            return StoreError::from(Unavailable::new(reason, source)).into();
        }
        let database = source.as_database_error();
        let words = database.map(DatabaseError::message).unwrap_or_default().to_owned();
        let reason = match database.and_then(DatabaseError::code).as_deref() {
            Some("42501") => format!(
                "the role may not make what is missing: {words}; call `prepare` as the owner of the tables, and give this role \
                 its rights with `grant_runtime`"
            ),
            Some("2BP01") => format!(
                "what depends on a read model stands in the way: {words}; drop it, make the projections ready, and make it anew"
            ),
            _ => return error::store_error(PREPARING, error::failure(source)).into(),
        };
        StoreError::from(Misconfigured::new(reason, Some(source.into()))).into()
    }
}

/// Runs work in a transaction; again where a lock was not to be had.
pub(super) async fn carry_out(parts: &Parts, work: &Work<'_>) -> Result<(), PrepareError> {
    let until = Instant::now() + parts.config.acquire_timeout;
    loop {
        let mut connection = parts.connections.open().await?;
        let outcome = run(parts, &mut connection, work).await;
        if outcome.is_err() {
            // By now, and not when the server finds that the connection is closed: nothing is locked behind the answer.
            let _ = parts.connections.answer(connection.execute("rollback")).await;
        }
        let _ = connection.close().await;
        match outcome {
            Err(trouble) if trouble.is_held() && Instant::now() < until => sleep(PAUSE).await,
            outcome => return outcome.map_err(Trouble::into_error),
        }
    }
}

async fn run(parts: &Parts, connection: &mut PgConnection, work: &Work<'_>) -> Result<(), Trouble> {
    let begin = format!(
        "begin; set local lock_timeout = 0; select pg_advisory_xact_lock({MIGRATION_LOCK}); \
         set local lock_timeout = '{PATIENCE}'"
    );
    execute(connection, begin).await?;
    work.carry_out(parts, connection).await?;
    execute(connection, "commit".to_owned()).await?;
    Ok(())
}

pub(super) async fn execute(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop)
}
