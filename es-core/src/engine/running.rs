//! An engine that runs.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle};

use super::{
    controls::Controls, health::Health, runner::Shared, status::EngineStatus, supervisor::Supervisor, wait::WaitFor,
    work::Work,
};
use crate::{
    projection::{EngineId, ProjectionStore},
    recorded::Position,
    store::StoreError,
};

/// An engine that runs, on tasks of its own. Dropped, it ends behind the batches that are under way, and hands its shards
/// over; [`shutdown`](Self::shutdown) also waits for that.
#[derive(Debug)]
#[must_use = "an engine that is dropped ends"]
pub struct RunningEngine<S> {
    controls: Controls<S>,
    id: EngineId,
    end: watch::Sender<bool>,
    supervisor: JoinHandle<()>,
}

impl<S: ProjectionStore> RunningEngine<S> {
    pub(super) fn start(shared: Arc<Shared<S>>, works: Arc<[Work<S>]>, interval: Duration) -> Self {
        let schemas = works.iter().map(|work| *work.schema()).collect();
        let controls = Controls::new(shared.store.clone(), schemas, Some(Arc::clone(&shared.board)));
        let id = shared.info.id;
        let (end, ended) = watch::channel(false);
        let supervisor = tokio::spawn(Supervisor::new(shared, works, interval, ended).run());
        Self { controls, id, end, supervisor }
    }

    /// A hold on the projections that can be handed around.
    pub fn controls(&self) -> &Controls<S> {
        &self.controls
    }

    /// Which engine this is, as [`ShardState::owner`](crate::projection::ShardState::owner) names it.
    pub fn id(&self) -> EngineId {
        self.id
    }

    /// Waits until the projections have come as far as a position; see [`Controls::wait_for`].
    pub fn wait_for(&self, position: Position) -> WaitFor<S> {
        self.controls.wait_for(position)
    }

    /// How all projections are doing; see [`Controls::status`].
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be asked.
    pub async fn status(&self) -> Result<EngineStatus, StoreError> {
        self.controls.status().await
    }

    /// Whether everything runs; see [`Controls::health`].
    pub async fn health(&self) -> Health {
        self.controls.health().await
    }

    /// Ends at once, in the midst of whatever is under way, and hands nothing over: as if the process had died, for tests of
    /// what happens then.
    pub fn abort(self) {
        self.supervisor.abort();
    }

    /// Ends behind the batches that are under way, hands all shards over, and waits for that.
    pub async fn shutdown(mut self) {
        self.end.send_replace(true);
        // A supervisor that panicked has nothing left to hand over.
        let _ = (&mut self.supervisor).await;
    }
}
