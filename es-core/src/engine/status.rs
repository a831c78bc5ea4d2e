//! How projections are doing, for people and for programs that watch.

use std::{fmt, time::Duration};

use super::controls::Controls;
use crate::{
    projection::{Activity, Lag, ProjectionId, ProjectionSchema, ProjectionStore, Roster, ShardState},
    recorded::Position,
    store::StoreError,
};

/// How projections are doing. Its `Display` is for people.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EngineStatus {
    /// How far the order of all events is settled: nobody can be further.
    pub settled: Position,
    /// The projections, by name and version: those that are registered here, whether the store has them or not, and all
    /// other versions of theirs that are kept.
    pub projections: Vec<ProjectionStatus>,
}

/// How one version of a projection is doing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProjectionStatus {
    /// Its name and version.
    pub id: ProjectionId,
    /// Whether it is the version that readers see.
    pub active: bool,
    /// The version that readers see, where it is a newer one: then this one was superseded.
    pub superseded_by: Option<u32>,
    /// Whether this version is registered here.
    pub registered: bool,
    /// Its shards; none where it was removed, or nobody has prepared it yet.
    pub shards: Vec<ShardStatus>,
}

/// How a shard is doing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ShardStatus {
    /// What the store knows of it.
    pub state: ShardState,
    /// How far it is behind: events of its projection, of all shards; `None` for a version that is not registered here, of
    /// which nobody knows what it handles.
    pub lag: Option<Lag>,
    /// How many events it has applied per second within the last ten seconds; `None` where another process runs it.
    pub rate: Option<f64>,
    /// What it cannot get past for now, and tries again; `None` where all goes well, or another process runs it.
    pub failing: Option<Failing>,
}

/// What a shard cannot get past for now, such as a store that is away: it is tried again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failing {
    /// For how long.
    pub lasts: Duration,
    /// How many attempts have failed since.
    pub attempts: u32,
    /// The last error, with its causes, for people.
    pub message: String,
}

impl fmt::Display for Failing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lasts, attempts, message } = self;
        write!(formatter, "failing for {:.1} s, {attempts} times: {message}", lasts.as_secs_f64())
    }
}

impl ShardStatus {
    /// How long it will take to catch up at this rate; `None` where nobody can tell.
    pub fn time_left(&self) -> Option<Duration> {
        let (lag, rate) = (self.lag?, self.rate?);
        #[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
        Duration::try_from_secs_f64(lag.events as f64 / rate).ok()
    }
}

impl EngineStatus {
    /// The status of a projection in the version that readers see.
    pub fn projection(&self, name: &str) -> Option<&ProjectionStatus> {
        self.projections.iter().find(|projection| projection.id.name == name && projection.active)
    }
}

pub(super) async fn status<S: ProjectionStore>(controls: &Controls<S>) -> Result<EngineStatus, StoreError> {
    let ids: Vec<_> = controls.schemas().iter().map(|schema| schema.id).collect();
    let roster = controls.store().roster(&ids).await?;
    // Also where the store does not have them, so that nobody looks for them in vain.
    let mut projections: Vec<_> = ids.iter().map(|&id| ProjectionStatus::new(id, true, &roster)).collect();
    for state in roster.shards.iter().cloned() {
        let id = state.shard.projection;
        let schema = controls.schemas().iter().find(|schema| schema.id == id);
        let lag = match state.activity {
            Activity::Inline => Some(Lag::default()),
            _ => lag(controls.store(), schema, state.position).await?,
        };
        let rate = controls.board().and_then(|board| board.rate(state.shard));
        let runs = state.activity == Activity::Running;
        let failing = controls.board().filter(|_| runs).and_then(|board| board.failing(state.shard));
        let shard = ShardStatus { state, lag, rate, failing };
        if let Some(projection) = projections.iter_mut().find(|projection| projection.id == id) {
            projection.shards.push(shard);
        } else {
            let other = ProjectionStatus::new(id, false, &roster);
            projections.push(ProjectionStatus { shards: vec![shard], ..other });
        }
    }
    projections.sort_by_key(|projection| projection.id);
    Ok(EngineStatus { settled: controls.store().settled().await?, projections })
}

impl ProjectionStatus {
    fn new(id: ProjectionId, registered: bool, roster: &Roster) -> Self {
        let active = roster.active.iter().find(|active| active.name == id.name).map(|active| active.version);
        let superseded_by = active.filter(|&active| active > id.version);
        Self { id, active: active == Some(id.version), superseded_by, registered, shards: Vec::new() }
    }
}

async fn lag<S: ProjectionStore>(
    store: &S,
    schema: Option<&ProjectionSchema>,
    position: Position,
) -> Result<Option<Lag>, StoreError> {
    match schema {
        Some(schema) => store.lag(schema, position).await.map(Some),
        None => Ok(None),
    }
}

impl fmt::Display for EngineStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "all events are settled up to {}", self.settled)?;
        for projection in &self.projections {
            for shard in &projection.shards {
                let note = match projection.superseded_by {
                    Some(newer) => format!(" (superseded by v{newer})"),
                    None if projection.active => String::new(),
                    None => " (not active)".to_owned(),
                };
                write!(formatter, "\n{}{note}: {shard}", shard.state.shard)?;
            }
            if projection.shards.is_empty() {
                write!(formatter, "\n{}: {}", projection.id, projection.missing())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ShardStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, lag, rate, failing } = self;
        write!(formatter, "{} at {}, {} applied", state.activity.name(), state.position, state.applied)?;
        if let Some(lag) = lag {
            let more = if lag.events >= Lag::MOST { "at least " } else { "" };
            write!(formatter, ", {more}{} to come", lag.events)?;
            if !lag.time.is_zero() {
                write!(formatter, ", the oldest since {:.1} s", lag.time.as_secs_f64())?;
            }
        }
        if let Some(rate) = rate.filter(|rate| *rate > 0.0) {
            write!(formatter, ", {rate:.0} per second")?;
        }
        for (count, what) in [(state.parked, "parked"), (state.skipped, "passed over")] {
            if count > 0 {
                write!(formatter, ", {count} {what}")?;
            }
        }
        match &state.owner {
            Some((_, label)) => write!(formatter, ", run by {label}")?,
            None if state.activity == Activity::Inline => formatter.write_str(", run by whoever appends")?,
            None => formatter.write_str(", run by nobody")?,
        }
        if let Some(failing) = failing {
            write!(formatter, ", {failing}")?;
        }
        match &state.failure {
            Some(failure) => write!(formatter, "; {failure}"),
            None => Ok(()),
        }
    }
}
