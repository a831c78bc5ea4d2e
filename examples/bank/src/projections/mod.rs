//! What is kept up to date with the events: the summaries and the statements, and the engine that runs them.

use std::time::Duration;

use es_core::{
    engine::{ProjectionEngine, RunningEngine, WaitError},
    projection::PrepareError,
    store::{EventStore as _, StoreError},
};
use es_postgres::{PostgresConfig, PostgresStore};
use sqlx::PgPool;

use crate::{statements::Statements, summaries::AccountSummary};

/// The database schema that holds everything which is made of the events.
const SCHEMA: &str = "bank";

/// For how long the projections of a process that was killed wait for another: the bank's batches are short.
const LEASE: Duration = Duration::from_secs(5);

/// How the store of a bank is set up.
pub fn config() -> PostgresConfig {
    PostgresConfig::new().read_model_schema(SCHEMA)
}

/// The engine of a bank, with all that it keeps.
pub fn engine(store: &PostgresStore) -> ProjectionEngine<PostgresStore> {
    ProjectionEngine::new(store).read_model::<AccountSummary>().projection(Statements).lease(LEASE)
}

/// Why projections could not be brought up to date. What was taken in stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatchUpError {
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The projections could not be made ready.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// One has stopped, or is paused.
    #[error(transparent)]
    Wait(#[from] WaitError),
}

/// Brings a projection up to date: it takes in all events that are there, here or in a process that runs it already.
///
/// # Errors
/// [`CatchUpError`]
pub async fn catch_up(store: &PostgresStore, name: &str) -> Result<(), CatchUpError> {
    let running = engine(store).start().await?;
    let outcome = all_taken_in(store, &running, Some(name)).await;
    running.shutdown().await;
    outcome
}

/// Waits until a projection, or all of them, have taken in the events that are there. That takes as long as it takes: one
/// that does not go on says so by itself.
///
/// # Errors
/// [`CatchUpError`]
pub async fn all_taken_in(
    store: &PostgresStore,
    running: &RunningEngine<PostgresStore>,
    name: Option<&str>,
) -> Result<(), CatchUpError> {
    let wait = running.wait_for(store.settled().await?).timeout(Duration::MAX);
    match name {
        Some(name) => wait.projection(name).await?,
        None => wait.await?,
    }
    Ok(())
}

/// Creates what the engine does not make by itself, and removes what an earlier release has left. Safe to call at every
/// start, and by several processes at once.
///
/// # Errors
/// What the database reports.
pub async fn migrate(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // `if not exists` alone does not keep two processes from creating the same schema at once.
    sqlx::raw_sql("select pg_advisory_xact_lock(hashtextextended('bank', 0))").execute(&mut *transaction).await?;
    sqlx::raw_sql(include_str!("tables.sql")).execute(&mut *transaction).await?;
    transaction.commit().await
}
