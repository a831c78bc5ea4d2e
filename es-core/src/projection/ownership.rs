//! Who runs what: engines, shards, claims.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::schema::{ProjectionId, ShardId};
use crate::{recorded::Position, store::HistoryId};

/// Names one engine: one per start, so that a process that starts again is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EngineId(Uuid);

impl EngineId {
    /// A new engine.
    pub fn random() -> Self {
        Self(Uuid::now_v7())
    }

    /// The engine of a UUID, for stores.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Its UUID.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for EngineId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An engine, as it makes itself known to a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineInfo {
    /// Which one it is.
    pub id: EngineId,
    /// A name for people, such as the host and the process.
    pub label: String,
    /// What it runs.
    pub projections: Vec<ProjectionId>,
    /// For how long it owns what it has claimed without renewing it, by the clock of the store.
    pub lease: Duration,
}

impl EngineInfo {
    /// An engine from its parts.
    pub fn new(id: EngineId, label: String, projections: Vec<ProjectionId>, lease: Duration) -> Self {
        Self { id, label, projections, lease }
    }
}

/// The right to move the checkpoint of a shard, until it is released, or taken over after its lease has run out.
///
/// Each claim has an epoch of its own, higher than all before it: whoever holds an older one is refused by the store,
/// whatever the clocks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Claim {
    /// The shard.
    pub shard: ShardId,
    /// Whose claim it is.
    pub engine: EngineId,
    /// Which of all claims to the shard.
    pub epoch: u64,
    /// Where the checkpoint stood when it was claimed.
    pub position: Position,
    /// For how long it holds without being renewed.
    pub lease: Duration,
}

impl Claim {
    /// A claim from its parts, for stores.
    pub const fn new(shard: ShardId, engine: EngineId, epoch: u64, position: Position, lease: Duration) -> Self {
        Self { shard, engine, epoch, position, lease }
    }
}

/// How far a checkpoint moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Advance {
    /// From where: the store refuses where it stands elsewhere.
    pub from: Position,
    /// To where; the same as `from` where something is to be written under the claim and nothing is read.
    pub to: Position,
    /// How many events are applied in between.
    pub applied: u64,
    /// In which history the events were read: the store refuses where it has another by now.
    pub history: HistoryId,
}

impl Advance {
    /// A move from its parts.
    pub const fn new(from: Position, to: Position, applied: u64, history: HistoryId) -> Self {
        Self { from, to, applied, history }
    }
}

/// What a shard is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activity {
    /// It takes in events, wherever there is an engine for it.
    #[default]
    Running,
    /// Somebody has paused it.
    Paused,
    /// It has stopped in front of an event that it cannot project.
    Stopped,
    /// Its rows change with each append, in the append's own transaction: no engine runs it, and it is never behind.
    Inline,
}

impl Activity {
    /// Its stored name: `running`, `paused`, `stopped` or `inline`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Inline => "inline",
        }
    }

    /// The activity of a stored name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Running, Self::Paused, Self::Stopped, Self::Inline].into_iter().find(|activity| activity.name() == name)
    }
}

/// A shard as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardState {
    /// Which one.
    pub shard: ShardId,
    /// All events up to here have been taken in, parked or skipped.
    pub position: Position,
    /// What it is doing.
    pub activity: Activity,
    /// Who owns it: the engine, and its name for people. `None` where nobody does, or the lease has run out.
    pub owner: Option<(EngineId, String)>,
    /// How many events were applied since it began.
    pub applied: u64,
    /// How many events are parked.
    pub parked: u64,
    /// How many events were passed over.
    pub skipped: u64,
    /// Where somebody wants its parked events to be tried again: the number of the newest such wish.
    pub redrive: Option<u64>,
    /// What it last failed with, if that has not passed.
    pub failure: Option<Failure>,
    /// When its checkpoint last moved, by the clock of the store.
    pub updated_at: DateTime<Utc>,
}

impl ShardState {
    /// A shard that nobody owns, where it stands, for stores.
    pub fn new(shard: ShardId, position: Position, updated_at: DateTime<Utc>) -> Self {
        Self {
            shard,
            position,
            activity: Activity::Running,
            owner: None,
            applied: 0,
            parked: 0,
            skipped: 0,
            redrive: None,
            failure: None,
            updated_at,
        }
    }
}

/// Why an event was not projected, as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// The position of the event.
    pub position: Position,
    /// The stored name of the event.
    pub event_type: String,
    /// The error, with its causes, for people.
    pub message: String,
    /// How often it was tried.
    pub attempts: u32,
}

impl Failure {
    /// A failure from its parts.
    pub fn new(position: Position, event_type: String, message: String, attempts: u32) -> Self {
        Self { position, event_type, message, attempts }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, event_type, message, attempts } = self;
        write!(formatter, "`{event_type}` at position {position}, tried {attempts} times: {message}")
    }
}

/// Who is there and what is to do: a store's answer to an engine that says it is alive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Roster {
    /// All engines that are alive, by their id, each with those of our projections that it runs too.
    pub engines: Vec<(EngineId, Vec<ProjectionId>)>,
    /// The shards of our projections, in their order.
    pub shards: Vec<ShardState>,
    /// For each name that we run, which version readers see.
    pub active: Vec<ProjectionId>,
}

impl Roster {
    /// An answer from its parts, for stores.
    pub fn new(
        engines: Vec<(EngineId, Vec<ProjectionId>)>,
        shards: Vec<ShardState>,
        active: Vec<ProjectionId>,
    ) -> Self {
        Self { engines, shards, active }
    }
}

/// An event that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// By which shard.
    pub shard: ShardId,
    /// The key whose events have to wait; of a skipped event none does.
    pub key: String,
    /// Whether it was passed over for good, and is only kept to be looked at.
    pub skipped: bool,
    /// Why. An event that waits behind another with its key has never been tried.
    pub failure: Failure,
    /// The position of the event that was set aside.
    pub position: Position,
}

impl DeadLetter {
    /// A parked event.
    pub fn parked(shard: ShardId, key: String, position: Position, failure: Failure) -> Self {
        Self { shard, key, skipped: false, failure, position }
    }

    /// An event that was passed over.
    pub fn skipped(shard: ShardId, key: String, position: Position, failure: Failure) -> Self {
        Self { skipped: true, ..Self::parked(shard, key, position, failure) }
    }
}
