//! Engines, and which of them owns a shard.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Busy, Owner, Projections, Shard};
use crate::{
    memory::State,
    projection::{Claim, EngineId, EngineInfo, ProjectionId, Roster, ShardId},
};

/// An engine that has made itself known.
#[derive(Debug)]
pub(super) struct Engine {
    projections: Vec<ProjectionId>,
    lease_ends: DateTime<Utc>,
}

/// When a lease ends that begins now.
pub(super) fn lease_end(now: DateTime<Utc>, lease: Duration) -> DateTime<Utc> {
    let lease = chrono::TimeDelta::from_std(lease).unwrap_or(chrono::TimeDelta::MAX);
    now.checked_add_signed(lease).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl Shard {
    /// Whether this is the newest claim to it.
    pub(super) fn is_held_by(&self, claim: &Claim) -> bool {
        self.epoch == claim.epoch && self.owner.as_ref().is_some_and(|owner| owner.engine == claim.engine)
    }
}

impl State {
    pub(super) fn keep_alive(&mut self, engine: &EngineInfo, held: &[Claim]) -> Roster {
        let now = self.clock.now();
        let lease_ends = lease_end(now, engine.lease);
        self.projections.engines.retain(|_, known| known.lease_ends > now);
        self.projections.engines.insert(engine.id, Engine { projections: engine.projections.clone(), lease_ends });
        for claim in held {
            let Some(shard) = self.projections.shard_mut(claim.shard) else { continue };
            if shard.open.is_none()
                && shard.is_held_by(claim)
                && let Some(owner) = &mut shard.owner
            {
                owner.lease_ends = lease_ends;
            }
        }
        self.roster(&engine.projections, false)
    }

    pub(super) fn claim(&mut self, engine: &EngineInfo, id: ShardId) -> Option<Claim> {
        let now = self.clock.now();
        let shard = self.projections.shard_mut(id)?;
        shard.end_abandoned(now);
        if shard.open.is_some() || shard.owner(now).is_some_and(|owner| owner.engine != engine.id) {
            return None;
        }
        shard.epoch += 1;
        let lease_ends = lease_end(now, engine.lease);
        shard.owner = Some(Owner { engine: engine.id, label: engine.label.clone(), lease_ends });
        Some(Claim::new(id, engine.id, shard.epoch, shard.position, engine.lease))
    }

    pub(super) fn release(&mut self, claim: &Claim) -> Result<(), Busy> {
        let now = self.clock.now();
        let Some(shard) = self.projections.shard_mut(claim.shard) else { return Ok(()) };
        if shard.is_held_by(claim) {
            shard.closed(now)?;
            shard.owner = None;
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, engine: EngineId) -> Result<(), Busy> {
        let now = self.clock.now();
        self.projections.engines.remove(&engine);
        let mut busy = Ok(());
        for shard in self.projections.shards_mut() {
            if shard.owner.as_ref().is_some_and(|owner| owner.engine == engine) {
                match shard.closed(now) {
                    Ok(()) => shard.owner = None,
                    Err(open) => busy = Err(open),
                }
            }
        }
        busy
    }

    /// What there is of these projections; if asked for, with all other versions that are kept.
    pub(super) fn roster(&self, projections: &[ProjectionId], all: bool) -> Roster {
        let now = self.clock.now();
        let engines = self.projections.engines.iter().filter(|(_, engine)| engine.lease_ends > now);
        let engines = engines.map(|(&id, engine)| {
            let shared = projections.iter().filter(|id| engine.projections.contains(id));
            (id, shared.copied().collect())
        });
        let known = &self.projections;
        let versions = projections.iter().flat_map(|&id| known.kept(id, all));
        let shards = versions.flat_map(|id| known.shards(id)).filter_map(|shard| {
            let version = known.version(shard.projection)?;
            version.state(shard, now)
        });
        let active = projections.iter().filter_map(|id| known.active(id.name));
        Roster::new(engines.collect(), shards.collect(), active.collect())
    }
}

impl Shard {
    /// That no transaction is open.
    pub(super) fn closed(&mut self, now: DateTime<Utc>) -> Result<(), Busy> {
        self.end_abandoned(now);
        if self.open.is_some() { Err(Busy) } else { Ok(()) }
    }
}

impl Projections {
    /// A version, or if asked for all of the name, in their order.
    fn kept(&self, id: ProjectionId, all: bool) -> Vec<ProjectionId> {
        let wanted = if all { 0..=u32::MAX } else { id.version..=id.version };
        let versions = self.by_name.get(id.name).map(|known| known.versions.range(wanted));
        versions.into_iter().flatten().map(|(&version, _)| ProjectionId { version, ..id }).collect()
    }

    fn shards(&self, projection: ProjectionId) -> impl Iterator<Item = ShardId> + use<> {
        let shards = self.version(projection).map_or(0, |version| version.shards.len());
        (0..).take(shards).map(move |shard| ShardId { projection, shard })
    }

    fn active(&self, name: &'static str) -> Option<ProjectionId> {
        self.by_name.get(name).map(|known| ProjectionId { name, version: known.active })
    }
}
