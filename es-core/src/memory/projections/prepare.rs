//! Making projections known.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Letters, Projection, Projections, Rows, Shard, Version};
use crate::{
    memory::{State, index},
    projection::{
        Activity, ColumnDifference, KeptColumn, PrepareError, ProjectionKind, ProjectionSchema, ShardId, Start,
        column::{ColumnSchema, TableSchema},
    },
    recorded::Position,
};

impl State {
    /// Looks at all of them before it changes anything.
    pub(super) fn prepare(&mut self, projections: &[ProjectionSchema]) -> Result<(), PrepareError> {
        let now = self.clock.now();
        let mut names = BTreeSet::new();
        for schema in projections {
            if !names.insert(schema.id.name) {
                return Err(PrepareError::NameTwice { name: schema.id.name });
            }
            self.projections.check(schema, now)?;
            PrepareError::of_passed(schema, self.passed(schema))?;
        }
        let end = Position::new(self.log.len() as u64);
        for schema in projections {
            self.projections.make(schema, end, now);
        }
        Ok(())
    }
}

impl State {
    /// The events that a version has passed of those whose handlers were changed.
    fn passed(&self, schema: &ProjectionSchema) -> Vec<String> {
        let known = self.projections.by_name.get(schema.id.name);
        let Some(version) = known.and_then(|known| known.versions.get(&schema.id.version)) else { return Vec::new() };
        let mut changed = schema.changed_events(&version.events);
        let stands = |shard: &Shard| match shard.activity {
            Activity::Inline => self.log.len(),
            _ => index(shard.position.get()),
        };
        let furthest = version.shards.iter().map(stands).max().unwrap_or_default();
        let passed = self.log.get(index(version.began.get())..furthest).unwrap_or_default();
        changed.retain(|name| passed.iter().any(|event| event.event_type == *name));
        changed
    }
}

impl Projections {
    fn check(&mut self, schema: &ProjectionSchema, now: DateTime<Utc>) -> Result<(), PrepareError> {
        let projection = schema.id;
        let Some(known) = self.by_name.get_mut(projection.name) else { return Ok(()) };
        let wanted = schema.kind.name();
        if known.kind != wanted {
            return Err(PrepareError::KindChanged { projection, found: known.kind.to_owned(), wanted });
        }
        let Some(version) = known.versions.get_mut(&projection.version) else { return Ok(()) };
        if let (Some(found), ProjectionKind::ReadModel(wanted)) = (&version.table, &schema.kind) {
            let differences = differences(found, wanted);
            if !differences.is_empty() {
                return Err(PrepareError::TableChanged { projection, differences });
            }
        }
        let (found, wanted) = (version.shards.len(), schema.shards.max(1));
        if found == wanted as usize || version.can_be_divided_anew(now) {
            return Ok(());
        }
        Err(PrepareError::ShardsChanged { projection, found: u32::try_from(found).unwrap_or(u32::MAX), wanted })
    }

    fn make(&mut self, schema: &ProjectionSchema, end: Position, now: DateTime<Utc>) {
        let id = schema.id;
        let known = self.by_name.entry(id.name).or_insert_with(|| Projection {
            kind: schema.kind.name(),
            active: id.version,
            newest: 0,
            versions: BTreeMap::new(),
        });
        if let Some(version) = known.versions.get_mut(&id.version) {
            version.divide(schema.shards.max(1), now);
            version.events = schema.events.iter().map(|event| event.name.to_owned()).collect();
        } else if id.version > known.newest {
            let start = match schema.start {
                Start::Beginning => Position::START,
                Start::Now => end,
                Start::After(position) => position,
            };
            let table = match schema.kind {
                ProjectionKind::ReadModel(table) => Some(table),
                ProjectionKind::Projection | ProjectionKind::Reactor => None,
            };
            let shards = schema.shards().map(|_| Shard::new(start, now)).collect();
            let events = schema.events.iter().map(|event| event.name.to_owned()).collect();
            let (rows, letters) = (Rows::default(), Letters::default());
            let version = Version { table, events, began: start, rows, shards, letters };
            known.versions.insert(id.version, version);
            known.newest = id.version;
        }
    }
}

impl Version {
    /// Whether keys may go to other shards: all shards stand at one position, and nobody works on them.
    fn can_be_divided_anew(&mut self, now: DateTime<Utc>) -> bool {
        self.shards.iter_mut().for_each(|shard| shard.end_abandoned(now));
        let position = self.shards.first().map(|shard| shard.position);
        self.shards
            .iter()
            .all(|shard| Some(shard.position) == position && shard.owner(now).is_none() && shard.open.is_none())
    }

    fn divide(&mut self, shards: u32, now: DateTime<Utc>) {
        if self.shards.len() == shards as usize {
            return;
        }
        let idle = self.shards.iter().find(|shard| shard.activity != Activity::Running);
        let Some(like) = idle.or(self.shards.first()) else { return };
        let mut added = Shard::new(like.position, now);
        (added.activity, added.failure) = (like.activity, like.failure.clone());
        added.wishes = self.shards.iter().map(|shard| shard.wishes).max().unwrap_or(0);
        added.redriven = self.shards.iter().map(|shard| shard.redriven).min().unwrap_or(0);
        // Whoever holds a claim of the old division must not meet its epoch again.
        added.epoch = self.shards.iter().map(|shard| shard.epoch).max().unwrap_or(0);
        let applied = self.shards.iter().map(|shard| shard.applied).sum();
        self.shards = vec![added; shards as usize];
        self.shards.iter_mut().take(1).for_each(|first| first.applied = applied);
        self.letters.divide(|key| ShardId::of_key(key, shards));
    }
}

/// How the columns of a table differ from those of a struct.
fn differences(found: &TableSchema, wanted: &TableSchema) -> Vec<ColumnDifference> {
    let kept = |column: &ColumnSchema| KeptColumn::new(column, format!("{:?}", column.ty));
    let columns = |table: &TableSchema| table.columns.iter().map(kept).collect::<Vec<_>>();
    KeptColumn::differences(&columns(found), &columns(wanted))
}
