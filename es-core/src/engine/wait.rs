//! Waiting until projections have come as far as a position: reading one's own writes.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::{Duration, Instant},
};

use chrono::DateTime;

use super::{
    controls::Controls,
    error::{ControlError, WaitError},
    status::Failing,
};
use crate::{
    projection::{Activity, ProjectionId, ProjectionKind, ProjectionSchema, ProjectionStore, ShardId, ShardState},
    recorded::Position,
};

/// How often the store is asked about shards that other processes run.
const POLL: Duration = Duration::from_millis(25);
/// For how long it is waited unless said.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A wait for projections to come as far as a position, with a limit of 10 seconds unless [said](Self::timeout). Awaiting it
/// begins it.
#[derive(Clone, Debug)]
#[must_use = "nothing is waited for until it is awaited"]
pub struct WaitFor<S> {
    controls: Controls<S>,
    position: Position,
    name: Option<String>,
    timeout: Duration,
}

impl<S: ProjectionStore> WaitFor<S> {
    pub(super) fn new(controls: Controls<S>, position: Position) -> Self {
        Self { controls, position, name: None, timeout: TIMEOUT }
    }

    /// Only this projection: a read model's table, or what `#[projection(name = "..")]` or `#[reactor(name = "..")]` says.
    pub fn projection(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long at the most.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Waits.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`], which says who is how far and what holds him; [`WaitError::Halted`] at once where a
    /// projection has stopped or is paused before the position.
    pub async fn run(self) -> Result<(), WaitError> {
        let ids = self.ids()?;
        let mut changes = self.controls.board().map(super::board::Board::changes);
        let begun = Instant::now();
        let mut asked: Option<Instant> = None;
        loop {
            if self.is_there(&ids) {
                return Ok(());
            }
            let left = self.timeout.saturating_sub(begun.elapsed());
            // Each batch of ours wakes us, and is no reason to ask about those of others.
            if left.is_zero() || asked.is_none_or(|asked| asked.elapsed() >= POLL) {
                asked = Some(Instant::now());
                let behind = self.behind(&ids).await?;
                if behind.is_empty() {
                    return Ok(());
                }
                if left.is_zero() {
                    let settled = self.controls.store().settled().await?;
                    let (position, waited) = (self.position, begun.elapsed());
                    let failing = self.failing(&behind);
                    return Err(WaitError::TimedOut { position, waited, behind, settled, failing });
                }
            }
            let pause = POLL.saturating_sub(asked.map_or(POLL, |asked| asked.elapsed())).min(left);
            match &mut changes {
                Some(changes) => drop(tokio::time::timeout(pause, changes.changed()).await),
                None => tokio::time::sleep(pause).await,
            }
        }
    }

    fn ids(&self) -> Result<Vec<ProjectionId>, ControlError> {
        if let Some(name) = &self.name {
            return Ok(vec![self.controls.find(name)?.id]);
        }
        // Nobody reads what a reactor does.
        let read = self.controls.schemas().iter().filter(|schema| schema.kind != ProjectionKind::Reactor);
        Ok(read.map(|schema| schema.id).collect())
    }

    /// What those of them cannot get past that run in this process.
    fn failing(&self, behind: &[ShardState]) -> Vec<(ShardId, Failing)> {
        let Some(board) = self.controls.board() else { return Vec::new() };
        behind.iter().filter_map(|state| Some((state.shard, board.failing(state.shard)?))).collect()
    }

    /// Whether all of them are ours, and have come so far: then nobody needs to be asked.
    fn is_there(&self, ids: &[ProjectionId]) -> bool {
        let Some(board) = self.controls.board() else { return false };
        let schemas = self.controls.schemas();
        let shards = |id| schemas.iter().find(|schema| schema.id == id).map_or(0, |schema| schema.shards);
        ids.iter().all(|id| board.has_all(*id, shards(*id), self.position))
    }

    /// The shards that have not come so far. Of a name only the version that readers see counts.
    async fn behind(&self, ids: &[ProjectionId]) -> Result<Vec<ShardState>, WaitError> {
        let roster = self.controls.store().roster(ids).await?;
        let shards = &roster.shards;
        // What nobody has made ready yet has taken in nothing.
        let is_known = |id: &ProjectionId| roster.active.iter().any(|active| active.name == id.name);
        let unknown = self.controls.schemas().iter().filter(|schema| ids.contains(&schema.id) && !is_known(&schema.id));
        let unknown = unknown.flat_map(ProjectionSchema::shards);
        let unknown: Vec<_> =
            unknown.map(|shard| ShardState::new(shard, Position::START, DateTime::UNIX_EPOCH)).collect();
        let counts = |state: &&ShardState| roster.active.contains(&state.shard.projection);
        let board = self.controls.board();
        let is_behind = |state: &&ShardState| {
            let reached = board.and_then(|board| board.reached_by(state.shard)).unwrap_or(state.position);
            state.activity != Activity::Inline && reached.max(state.position) < self.position
        };
        let behind: Vec<_> = shards.iter().filter(counts).chain(&unknown).filter(is_behind).cloned().collect();
        match behind.iter().find(|state| state.activity != Activity::Running) {
            Some(halted) => Err(WaitError::Halted { position: self.position, state: Box::new(halted.clone()) }),
            None => Ok(behind),
        }
    }
}

impl<S: ProjectionStore> IntoFuture for WaitFor<S> {
    type Output = Result<(), WaitError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
