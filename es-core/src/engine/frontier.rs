//! Everything up to the frontier, and no further: for tests and jobs.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    claiming,
    error::EngineError,
    runner::{Ended, Order, Runner, Shared},
    supervisor::is_to_take_over,
    work::Work,
};
use crate::{
    projection::{Activity, Claim, EngineInfo, Failure, InlineReadModel, ProjectionStore, ShardId, ShardState},
    recorded::Position,
};

/// How often a shard is asked for that another engine owns.
const POLL: Duration = Duration::from_millis(20);
/// For how many leases a shard is waited for that another engine owns, and that does not move: when it is dead, one of them is
/// enough; a batch may take longer.
const LEASES: u32 = 6;
/// How often it is tried to have a read model change with the appends.
const ATTEMPTS: u32 = 20;

pub(super) async fn run<S: ProjectionStore>(common: Arc<Shared<S>>, works: &[Work<S>]) -> Result<(), EngineError> {
    let outcome = run_all(&common, works).await;
    common.store.leave(common.info.id).await?;
    outcome
}

async fn run_all<S: ProjectionStore>(common: &Arc<Shared<S>>, works: &[Work<S>]) -> Result<(), EngineError> {
    let mut halted = None;
    // What comes while they run need not be waited for: a new version only has to be as far as the active one.
    let now = common.store.settled().await?;
    for work in works {
        for shard in work.schema().shards() {
            match (Task { common, work, shard, upto: now }).run().await {
                // The others are run nevertheless.
                Err(error @ (EngineError::Prepare(_) | EngineError::Store(_))) => return Err(error),
                Err(error) => drop(halted.get_or_insert(error)),
                Ok(()) => {}
            }
        }
    }
    for read_model in works.iter().filter_map(Work::inline) {
        activate(common, &*read_model).await?;
    }
    let roster = common.store.roster(&common.info.projections).await?;
    for work in works {
        if is_to_take_over(work.schema(), &roster) {
            common.store.switch(work.schema().id, now).await?;
        }
    }
    halted.map_or(Ok(()), Err)
}

/// Has the rows of a read model change with the appends from here on, unless somebody is in the way for long.
async fn activate<S: ProjectionStore>(
    common: &Arc<Shared<S>>,
    read_model: &dyn InlineReadModel,
) -> Result<(), EngineError> {
    for _ in 0..ATTEMPTS {
        if common.store.activate_inline(read_model).await? {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// A shard of the job, and how far it is to come.
struct Task<'a, S> {
    common: &'a Arc<Shared<S>>,
    work: &'a Work<S>,
    shard: ShardId,
    /// Who has it besides us has done enough when it stands here.
    upto: Position,
}

impl<S: ProjectionStore> Task<'_, S> {
    /// Runs the shard up to the frontier, or waits until whoever owns it has come there.
    async fn run(&self) -> Result<(), EngineError> {
        let mut patience = Patience::new(self.common.info.lease * LEASES);
        loop {
            // Asked without saying what we run: an engine that divides the shards with others does not count on us.
            let roster = self.common.store.roster(&[self.work.schema().id]).await?;
            let Some(state) = roster.shards.into_iter().find(|state| state.shard == self.shard) else { return Ok(()) };
            match state.activity {
                Activity::Running => {}
                Activity::Inline => return Ok(()),
                Activity::Paused => return Err(EngineError::Paused { shard: self.shard }),
                Activity::Stopped => return Err(stopped(state)),
            }
            if state.owner.is_some() && state.position >= self.upto && state.redrive.is_none() {
                return Ok(());
            }
            if let Some(claim) = claiming::claim(self.common, self.work.schema(), self.shard).await? {
                match self.run_under(claim, &state).await? {
                    Ended::AtFrontier | Ended::Asked => return Ok(()),
                    Ended::Stopped(failure) => return Err(EngineError::Stopped { shard: self.shard, failure }),
                    Ended::Store(error) => return Err(error.into()),
                    // Somebody has paused it, or has had it since its lease was over.
                    Ended::Void => {}
                }
            }
            if let Some(waited) = patience.is_over(&state) {
                let owner = state.owner.map(|(_, label)| label);
                return Err(EngineError::Held { shard: self.shard, owner, position: state.position, waited });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn run_under(&self, claim: Claim, state: &ShardState) -> Result<Ended, EngineError> {
        let (_orders, given) = watch::channel(Order { end: false, redrive: state.redrive });
        let runner = Runner::new(Arc::clone(self.common), self.work.clone(), claim, given);
        let (ended, claim) = tokio::select! {
            ended = runner.run_to_frontier() => ended,
            never = self.keep_alive() => match never {},
        };
        self.common.store.release(&claim).await?;
        Ok(ended)
    }

    /// Keeps what we own, and says of nothing that we run it.
    async fn keep_alive(&self) -> Infallible {
        let info = EngineInfo { projections: Vec::new(), ..self.common.info.clone() };
        loop {
            tokio::time::sleep(info.lease / 3).await;
            if let Err(error) = self.common.store.keep_alive(&info, &self.common.board.claims()).await {
                tracing::warn!(%error, "an engine could not say that it is alive");
            }
        }
    }
}

/// How long a shard is waited for on which somebody else works: as long as it moves.
struct Patience {
    most: Duration,
    since: Instant,
    seen: Option<(Position, u64, Option<u64>)>,
}

impl Patience {
    fn new(most: Duration) -> Self {
        Self { most, since: Instant::now(), seen: None }
    }

    /// For how long the shard has not moved, where that is too long.
    fn is_over(&mut self, state: &ShardState) -> Option<Duration> {
        let seen = Some((state.position, state.parked, state.redrive));
        if self.seen != seen {
            (self.seen, self.since) = (seen, Instant::now());
        }
        Some(self.since.elapsed()).filter(|waited| *waited > self.most)
    }
}

fn stopped(state: ShardState) -> EngineError {
    let unknown = || Failure::new(state.position, "?".to_owned(), "why was not kept".to_owned(), 0);
    EngineError::Stopped { shard: state.shard, failure: state.failure.unwrap_or_else(unknown) }
}
