//! What is kept up to date with the events: the summaries and the statements, by the engine of the bank's
//! [database](crate::databases).

use std::time::Duration;

use es_core::{
    engine::{RunningEngine, WaitError},
    projection::{PrepareError, ProjectionStore},
    store::StoreError,
};

use crate::databases::Database;

/// For how long the projections of a process that was killed wait for another: the bank's batches are short.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

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
pub async fn catch_up(database: &impl Database, name: &str) -> Result<(), CatchUpError> {
    let running = database.engine().start().await?;
    let outcome = all_taken_in(database.store(), &running, Some(name)).await;
    running.shutdown().await;
    outcome
}

/// Waits until a projection, or all of them, have taken in the events that are there. That takes as long as it takes: one
/// that does not go on says so by itself.
///
/// # Errors
/// [`CatchUpError`]
pub async fn all_taken_in<S: ProjectionStore>(
    store: &S,
    running: &RunningEngine<S>,
    name: Option<&str>,
) -> Result<(), CatchUpError> {
    let wait = running.wait_for(store.settled().await?).timeout(Duration::MAX);
    match name {
        Some(name) => wait.projection(name).await?,
        None => wait.await?,
    }
    Ok(())
}
