//! What people do with projections: pause, resume, switch, drop, and look how far behind they are.

use super::{Busy, Projection};
use crate::{
    memory::{State, index},
    projection::{Activity, Lag, ProjectionId, ProjectionSchema},
    recorded::Position,
};

impl State {
    pub(super) fn set_activity(&mut self, projection: ProjectionId, activity: Activity) -> Result<(), Busy> {
        let now = self.clock.now();
        let Some(version) = self.projections.version_mut(projection) else { return Ok(()) };
        version.shards.iter_mut().try_for_each(|shard| shard.closed(now))?;
        version.shards.iter_mut().for_each(|shard| shard.activity = activity);
        Ok(())
    }

    pub(super) fn switch(&mut self, projection: ProjectionId, upto: Position) -> bool {
        let Some(known) = self.projections.by_name.get_mut(projection.name) else { return false };
        if projection.version == known.active {
            return true;
        }
        let far_enough = projection.version > known.active && known.has_come_to(projection.version, upto);
        if far_enough {
            known.active = projection.version;
        }
        far_enough
    }

    pub(super) fn drop_older(&mut self, name: &str) -> Result<(), Busy> {
        let now = self.clock.now();
        let Some(known) = self.projections.by_name.get_mut(name) else { return Ok(()) };
        let mut older = known.versions.range_mut(..known.active);
        older.try_for_each(|(_, version)| version.shards.iter_mut().try_for_each(|shard| shard.closed(now)))?;
        known.versions = known.versions.split_off(&known.active);
        Ok(())
    }

    pub(super) fn lag(&self, projection: &ProjectionSchema, after: Position) -> Lag {
        let behind = self.log.get(index(after.get())..).unwrap_or_default();
        let handled = |name: &str| projection.events.iter().any(|event| event.name == name);
        let mut behind = behind.iter().filter(|event| handled(&event.event_type)).take(index(Lag::MOST)).peekable();
        let oldest = behind.peek().map(|event| self.clock.now() - event.recorded_at);
        let time = oldest.and_then(|age| age.to_std().ok()).unwrap_or_default();
        Lag::new(behind.count() as u64, time)
    }
}

impl Projection {
    /// Whether all shards of a version stand there or behind it, and no shard of the active version stands behind them.
    fn has_come_to(&self, version: u32, upto: Position) -> bool {
        let positions = |version| {
            let version = self.versions.get(&version);
            version.into_iter().flat_map(|version| version.shards.iter().map(|shard| shard.position))
        };
        let furthest = positions(self.active).max().unwrap_or_default().max(upto);
        positions(version).min().is_some_and(|position| position >= furthest)
    }
}
