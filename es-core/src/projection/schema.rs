//! What a store is told of a projection before it runs.

use std::{collections::BTreeSet, fmt};

use super::column::TableSchema;
use crate::{event::EventSchema, recorded::Position};

/// What becomes of an event that cannot be projected, after the attempts are used up. Nobody waits for it but those who
/// must: other projections go on in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// The projection stops in front of it, until it is [resumed](crate::engine::Controls::resume).
    #[default]
    Stop,
    /// The event is passed over, and kept in the list of those that were.
    Skip,
    /// The event, and every later one with the same key, is parked in order, until it is
    /// [redriven](crate::engine::Controls::redrive). Events of other keys go on.
    DeadLetter,
}

/// Where a projection begins that the store does not know yet. One that it knows goes on where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Start {
    /// With the first event of the store.
    #[default]
    Beginning,
    /// Behind all events that are there.
    Now,
    /// Behind this position.
    After(Position),
}

/// What a projection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProjectionKind {
    /// Rows that are folded from events, in a table of the store's.
    ReadModel(TableSchema),
    /// Whatever its handlers do in the transaction that moves the checkpoint.
    Projection,
    /// Effects outside of the store.
    Reactor,
}

impl ProjectionKind {
    /// Its stored name: `read_model`, `projection` or `reactor`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ReadModel(_) => "read_model",
            Self::Projection => "projection",
            Self::Reactor => "reactor",
        }
    }
}

/// One version of a projection, as a store is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectionSchema {
    /// Its name and version.
    pub id: ProjectionId,
    /// What it is.
    pub kind: ProjectionKind,
    /// Into how many shards it is divided, at least one.
    pub shards: u32,
    /// What becomes of an event that cannot be projected.
    pub policy: FailurePolicy,
    /// Where it begins.
    pub start: Start,
    /// Whether its rows are to change with the appends, once it has come to their end.
    pub inline: bool,
    /// The events that it handles.
    pub events: &'static [EventSchema],
}

impl ProjectionSchema {
    /// A projection in one shard that stops at an event it cannot project, and begins with the first event.
    pub const fn new(id: ProjectionId, kind: ProjectionKind, events: &'static [EventSchema]) -> Self {
        Self { id, kind, shards: 1, policy: FailurePolicy::Stop, start: Start::Beginning, inline: false, events }
    }

    /// Whether it handles events of this stored name.
    pub fn handles(&self, event: &str) -> bool {
        self.events.iter().any(|schema| schema.name == event)
    }

    /// The stored names of events that it handles and did not, or did and does not, each once and in order; of what it handled
    /// when it was last prepared. None for a reactor: it has no versions, and what is added to it begins now.
    ///
    /// ```
    /// # use es_core::projection::{ProjectionId, ProjectionKind, ProjectionSchema};
    /// let sales = ProjectionId { name: "sales", version: 1 };
    /// let schema = ProjectionSchema::new(sales, ProjectionKind::Projection, &[]);
    /// assert_eq!(schema.changed_events(&["Sold".to_owned()]), ["Sold"]);
    /// ```
    pub fn changed_events(&self, handled: &[String]) -> Vec<String> {
        if self.kind == ProjectionKind::Reactor {
            return Vec::new();
        }
        let added =
            self.events.iter().map(|event| event.name).filter(|name| !handled.iter().any(|known| known == name));
        let removed = handled.iter().map(String::as_str).filter(|name| !self.handles(name));
        let changed: BTreeSet<_> = added.chain(removed).collect();
        changed.into_iter().map(str::to_owned).collect()
    }

    /// Its shards.
    pub fn shards(&self) -> impl Iterator<Item = ShardId> + use<> {
        let id = self.id;
        (0..self.shards).map(move |shard| ShardId { projection: id, shard })
    }
}

/// Names one version of a projection. Displayed as `account_summaries v2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectionId {
    /// The stored name: a read model's table, or what `#[projection(name = "..")]` says.
    pub name: &'static str,
    /// The version of what the handlers make of events, from 1.
    pub version: u32,
}

impl fmt::Display for ProjectionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} v{}", self.name, self.version)
    }
}

/// Names one shard of a projection: the events whose key belongs to it, with a checkpoint of their own. Displayed as
/// `account_summaries v2, shard 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId {
    /// Whose it is.
    pub projection: ProjectionId,
    /// Which one, from 0.
    pub shard: u32,
}

impl ShardId {
    /// The shard of `shards` to which a key belongs: by a hash of the key's text that never changes (FNV-1a of 64 bits,
    /// with its bits mixed, because the lowest of them alone do not depend on all of the text).
    pub fn of_key(key: &str, shards: u32) -> u32 {
        if shards < 2 {
            return 0;
        }
        let hash = crate::private::lock::hash(key);
        // The finaliser of MurmurHash3.
        let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        u32::try_from((mixed ^ (mixed >> 33)) % u64::from(shards)).unwrap_or(0)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, shard {}", self.projection, self.shard)
    }
}
