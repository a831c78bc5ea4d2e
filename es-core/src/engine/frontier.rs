//! Everything up to the frontier, and no further: for tests and jobs.

use std::{sync::Arc, time::Instant};

use tokio::sync::watch;

use super::{
    claiming,
    error::EngineError,
    runner::{Ended, Order, Runner, Shared},
    supervisor::is_to_take_over,
    work::Work,
};
use crate::projection::{Activity, Claim, InlineReadModel, ProjectionStore, ShardId, ShardState};

/// How often a shard is asked for that another engine owns.
const POLL: std::time::Duration = std::time::Duration::from_millis(20);
/// How often it is tried to have a read model change with the appends.
const ATTEMPTS: u32 = 20;

pub(super) async fn run<S: ProjectionStore>(common: Arc<Shared<S>>, works: &[Work<S>]) -> Result<(), EngineError> {
    let outcome = run_all(&common, works).await;
    common.store.leave(common.info.id).await?;
    outcome
}

async fn run_all<S: ProjectionStore>(common: &Arc<Shared<S>>, works: &[Work<S>]) -> Result<(), EngineError> {
    let mut stopped = None;
    // What comes while they run need not be waited for: a new version only has to be as far as the active one.
    let now = common.store.settled().await?;
    for work in works {
        for shard in work.schema().shards() {
            match run_shard(common, work, shard).await {
                // The others are run nevertheless.
                Err(error @ EngineError::Stopped { .. }) => drop(stopped.get_or_insert(error)),
                other => other?,
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
    stopped.map_or(Ok(()), Err)
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

async fn run_shard<S: ProjectionStore>(
    common: &Arc<Shared<S>>,
    work: &Work<S>,
    shard: ShardId,
) -> Result<(), EngineError> {
    let Some((claim, state)) = claim(common, work, shard).await? else { return Ok(()) };
    let (_orders, given) = watch::channel(Order { end: false, redrive: state.redrive });
    let (ended, claim) = Runner::new(Arc::clone(common), work.clone(), claim, given).run_to_frontier().await;
    common.store.release(&claim).await?;
    match ended {
        Ended::AtFrontier | Ended::Asked => Ok(()),
        Ended::Void => Err(EngineError::NotOurs { shard }),
        Ended::Stopped(failure) => Err(EngineError::Stopped { shard, failure }),
        Ended::Store(error) => Err(error.into()),
    }
}

/// Claims a shard, and waits for one that is owned by another; `None` where it is not there any more, or changes with the
/// appends.
async fn claim<S: ProjectionStore>(
    common: &Arc<Shared<S>>,
    work: &Work<S>,
    shard: ShardId,
) -> Result<Option<(Claim, ShardState)>, EngineError> {
    let begun = Instant::now();
    loop {
        let roster = common.store.keep_alive(&common.info, &common.board.claims()).await?;
        let Some(state) = roster.shards.into_iter().find(|state| state.shard == shard) else { return Ok(None) };
        match state.activity {
            Activity::Running => {}
            Activity::Inline => return Ok(None),
            Activity::Paused => return Err(EngineError::NotOurs { shard }),
            Activity::Stopped => {
                return Err(match state.failure {
                    Some(failure) => EngineError::Stopped { shard, failure },
                    None => EngineError::NotOurs { shard },
                });
            }
        }
        if let Some(claim) = claiming::claim(common, work.schema(), shard).await? {
            return Ok(Some((claim, state)));
        }
        if begun.elapsed() > common.info.lease * 2 {
            return Err(EngineError::NotOurs { shard });
        }
        tokio::time::sleep(POLL).await;
    }
}
