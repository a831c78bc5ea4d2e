//! Projections in memory: all that the contract of [`ProjectionStore`](crate::projection::ProjectionStore) speaks of, under
//! the lock of the store.

mod letters;
mod lifecycle;
mod ownership;
mod prepare;
mod rows;
mod store;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod transaction;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use self::{letters::Letters, ownership::Engine, rows::Rows};
pub use self::{
    rows::NoQueryLanguage,
    transaction::{MemoryContext, MemoryTransaction},
};
use super::MemoryStore;
use crate::{
    projection::{Activity, EngineId, Failure, ProjectionId, ShardId, ShardState, column::TableSchema},
    recorded::Position,
};

/// All projections, and the engines that run them.
#[derive(Debug, Default)]
pub(super) struct Projections {
    by_name: BTreeMap<&'static str, Projection>,
    engines: BTreeMap<EngineId, Engine>,
    /// How many transactions were opened: what tells one from another.
    transactions: u64,
}

/// What is known under one name.
#[derive(Debug)]
struct Projection {
    kind: &'static str,
    /// The version that readers see.
    active: u32,
    /// The newest version that there ever was.
    newest: u32,
    versions: BTreeMap<u32, Version>,
}

#[derive(Debug)]
struct Version {
    /// Of a read model.
    table: Option<TableSchema>,
    /// The events that it handles, and where it began.
    events: Vec<String>,
    began: Position,
    rows: Rows,
    shards: Vec<Shard>,
    letters: Letters,
}

#[derive(Clone, Debug)]
struct Shard {
    position: Position,
    /// Of the last claim.
    epoch: u64,
    owner: Option<Owner>,
    /// The transaction that is open: until it ends nothing else is done to the shard.
    open: Option<Open>,
    activity: Activity,
    applied: u64,
    /// How often somebody wanted parked events to be tried again, and the last of these wishes that was seen to.
    wishes: u64,
    redriven: u64,
    failure: Option<Failure>,
    updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
struct Owner {
    engine: EngineId,
    label: String,
    lease_ends: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    number: u64,
    /// When it ends by itself, unless its owner does something with it before.
    abandoned_at: DateTime<Utc>,
}

impl Shard {
    fn new(position: Position, now: DateTime<Utc>) -> Self {
        Self {
            position,
            epoch: 0,
            owner: None,
            open: None,
            activity: Activity::Running,
            applied: 0,
            wishes: 0,
            redriven: 0,
            failure: None,
            updated_at: now,
        }
    }

    /// The newest wish to try parked events again that nobody has seen to.
    fn wish(&self) -> Option<u64> {
        (self.wishes > self.redriven).then_some(self.wishes)
    }

    /// Whose it is at this moment.
    fn owner(&self, now: DateTime<Utc>) -> Option<&Owner> {
        self.owner.as_ref().filter(|owner| owner.lease_ends > now)
    }

    /// Ends a transaction whose owner has done nothing with it for longer than its lease.
    fn end_abandoned(&mut self, now: DateTime<Utc>) {
        self.open = self.open.filter(|open| open.abandoned_at > now);
    }
}

impl Version {
    fn state(&self, shard: ShardId, now: DateTime<Utc>) -> Option<ShardState> {
        let known = self.shards.get(shard.shard as usize)?;
        let mut state = ShardState::new(shard, known.position, known.updated_at);
        state.activity = known.activity;
        state.owner = known.owner(now).map(|owner| (owner.engine, owner.label.clone()));
        state.applied = known.applied;
        (state.parked, state.skipped) = self.letters.count(shard.shard);
        state.redrive = known.wish();
        state.failure.clone_from(&known.failure);
        Some(state)
    }
}

impl Projections {
    fn version(&self, id: ProjectionId) -> Option<&Version> {
        self.by_name.get(id.name)?.versions.get(&id.version)
    }

    fn version_mut(&mut self, id: ProjectionId) -> Option<&mut Version> {
        self.by_name.get_mut(id.name)?.versions.get_mut(&id.version)
    }

    fn shard_mut(&mut self, id: ShardId) -> Option<&mut Shard> {
        self.version_mut(id.projection)?.shards.get_mut(id.shard as usize)
    }

    /// Every shard of every version.
    fn shards_mut(&mut self) -> impl Iterator<Item = &mut Shard> {
        self.by_name.values_mut().flat_map(|known| known.versions.values_mut()).flat_map(|version| &mut version.shards)
    }
}

/// Somebody else's transaction is open: what was asked for has to wait for its end.
#[derive(Debug)]
struct Busy;

impl MemoryStore {
    /// Does something to shards as soon as no transaction of theirs is open.
    async fn when_closed<T>(&self, mut attempt: impl FnMut(&mut super::State) -> Result<T, Busy>) -> T {
        loop {
            // Before the look, so that an end between the look and the wait is not missed.
            let ended = self.ended.notified();
            let outcome = attempt(&mut self.state());
            match outcome {
                Ok(done) => return done,
                Err(Busy) => ended.await,
            }
        }
    }
}
