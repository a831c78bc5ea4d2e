//! What people do with projections: look at them, wait for them, pause, resume and redrive them.

use std::{fmt, sync::Arc};

use super::{
    board::Board,
    error::ControlError,
    health::{self, Health},
    status::{self, EngineStatus},
    wait::WaitFor,
};
use crate::{
    projection::{Activity, DeadLetter, ProjectionId, ProjectionSchema, ProjectionStore},
    recorded::Position,
    store::{StoreError, StoredEvent},
};

/// A hold on projections, whether this process runs them or another does. Clones are cheap.
///
/// From [`ProjectionEngine::controls`](super::ProjectionEngine::controls) or
/// [`RunningEngine::controls`](super::RunningEngine::controls).
#[derive(Clone)]
pub struct Controls<S> {
    store: S,
    schemas: Arc<[ProjectionSchema]>,
    /// Where this process runs them.
    board: Option<Arc<Board>>,
}

impl<S: ProjectionStore> Controls<S> {
    pub(super) fn new(store: S, schemas: Arc<[ProjectionSchema]>, board: Option<Arc<Board>>) -> Self {
        Self { store, schemas, board }
    }

    pub(super) fn store(&self) -> &S {
        &self.store
    }

    pub(super) fn schemas(&self) -> &[ProjectionSchema] {
        &self.schemas
    }

    pub(super) fn board(&self) -> Option<&Board> {
        self.board.as_deref()
    }

    pub(super) fn find(&self, name: &str) -> Result<&ProjectionSchema, ControlError> {
        self.schemas.iter().find(|schema| schema.id.name == name).ok_or_else(|| ControlError::Unknown {
            name: name.to_owned(),
            known: self.schemas.iter().map(|schema| schema.id.name).collect(),
        })
    }

    /// Waits until the projections have taken in all events up to a position, such as that of a command's result: then
    /// one reads what one has written. Of a name with several versions only the active one is waited for. Reactors are
    /// waited for only [by name](WaitFor::projection): a mail that cannot be sent holds up no request.
    pub fn wait_for(&self, position: Position) -> WaitFor<S> {
        WaitFor::new(self.clone(), position)
    }

    /// How all projections are doing.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be asked.
    pub async fn status(&self) -> Result<EngineStatus, StoreError> {
        status::status(self).await
    }

    /// Whether everything runs, for those who watch over the process; see [`Health`].
    pub async fn health(&self) -> Health {
        health::health(self).await
    }

    /// Pauses a projection: its shards end behind the batches that are under way, in whatever process they run. A read model
    /// whose rows change with the appends does not any more; [resumed](Self::resume), it is built up to their end, and
    /// does so again.
    ///
    /// # Errors
    /// [`ControlError::Unknown`] where no projection of that name is registered, [`ControlError::NotPrepared`] where the
    /// store does not know it, [`ControlError::Removed`] where it does not any more.
    pub async fn pause(&self, name: &str) -> Result<(), ControlError> {
        Ok(self.store.set_activity(self.known(name).await?, Activity::Paused).await?)
    }

    /// Has a projection go on that was paused, or had stopped at an event: that event is tried again first.
    ///
    /// # Errors
    /// [`ControlError::Unknown`] where no projection of that name is registered, [`ControlError::NotPrepared`] where the
    /// store does not know it, [`ControlError::Removed`] where it does not any more.
    pub async fn resume(&self, name: &str) -> Result<(), ControlError> {
        Ok(self.store.set_activity(self.known(name).await?, Activity::Running).await?)
    }

    /// Has all parked events of a projection tried again, each key's in their order, by whoever owns its shards.
    ///
    /// # Errors
    /// [`ControlError::Unknown`] where no projection of that name is registered, [`ControlError::NotPrepared`] where the
    /// store does not know it, [`ControlError::Removed`] where it does not any more.
    pub async fn redrive(&self, name: &str) -> Result<(), ControlError> {
        Ok(self.store.redrive(self.known(name).await?).await?)
    }

    /// Up to `limit` events that a projection has parked or passed over, by their position.
    ///
    /// # Errors
    /// [`ControlError::Unknown`] where no projection of that name is registered, [`ControlError::NotPrepared`] where the
    /// store does not know it, [`ControlError::Removed`] where it does not any more.
    pub async fn dead_letters(&self, name: &str, limit: u32) -> Result<Vec<(DeadLetter, StoredEvent)>, ControlError> {
        Ok(self.store.dead_letters(self.known(name).await?, limit).await?)
    }

    /// Removes the versions of a projection that are older than the active one, with their tables. Processes that still run
    /// one of them stop to run it.
    ///
    /// # Errors
    /// [`ControlError::Unknown`] where no projection of that name is registered, [`ControlError::NotPrepared`] where the
    /// store does not know it.
    pub async fn drop_older(&self, name: &str) -> Result<(), ControlError> {
        match self.known(name).await {
            // Another version of it is there, whichever this program runs.
            Ok(ProjectionId { name, .. })
            | Err(ControlError::Removed { projection: ProjectionId { name, .. }, .. }) => {
                Ok(self.store.drop_older(name).await?)
            }
            Err(error) => Err(error),
        }
    }

    /// The version of a projection that is registered, where the store has it: nothing could be done to another.
    async fn known(&self, name: &str) -> Result<ProjectionId, ControlError> {
        let projection = self.find(name)?.id;
        let roster = self.store.roster(&[projection]).await?;
        if roster.shards.iter().any(|state| state.shard.projection == projection) {
            return Ok(projection);
        }
        match roster.active.iter().find(|active| active.name == projection.name) {
            Some(active) if active.version > projection.version => {
                Err(ControlError::Removed { projection, active: active.version })
            }
            _ => Err(ControlError::NotPrepared { projection }),
        }
    }
}

impl<S> fmt::Debug for Controls<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Controls").field("schemas", &self.schemas).finish_non_exhaustive()
    }
}
