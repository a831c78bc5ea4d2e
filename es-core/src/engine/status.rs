//! How projections are doing, for people and for programs that watch.

use std::{fmt, time::Duration};

use super::controls::Controls;
use crate::{
    projection::{Activity, Lag, ProjectionId, ProjectionSchema, ProjectionStore, ShardState},
    recorded::Position,
    store::StoreError,
};

/// How projections are doing. Its `Display` is for people.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EngineStatus {
    /// How far the order of all events is settled: nobody can be further.
    pub settled: Position,
    /// The projections, by name and version; also versions that are kept and not registered here.
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
    /// Its shards.
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

/// Whether everything runs: what a web server answers to those who watch over the process.
///
/// Healthy is who can reach the store, and has no projection that has stopped, or that has failed for longer than a minute
/// in this process and is tried again and again, or whose oldest event waits for longer than a minute while nobody owns its
/// shard. [`status_code`](Self::status_code) is 200 or 503, [`Display`](fmt::Display) the
/// body:
///
/// ```
/// # use es_core::{engine::Controls, projection::ProjectionStore};
/// # struct Response { status: u16, body: String }
/// async fn health<S: ProjectionStore>(projections: &Controls<S>) -> Response {
///     let health = projections.health().await;
///     Response { status: health.status_code(), body: health.to_string() }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// What is wrong, a line each; nothing where all is well.
    pub problems: Vec<String>,
}

impl Health {
    /// Whether all is well.
    pub fn is_healthy(&self) -> bool {
        self.problems.is_empty()
    }

    /// 200 where all is well, and 503 where not.
    pub fn status_code(&self) -> u16 {
        if self.is_healthy() { 200 } else { 503 }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_healthy() { formatter.write_str("healthy") } else { formatter.write_str(&self.problems.join("\n")) }
    }
}

/// For how long a shard may be without an owner while events wait.
const ORPHANED: Duration = Duration::from_mins(1);
/// For how long a shard may fail and be tried again.
const TRIED: Duration = Duration::from_mins(1);

pub(super) async fn status<S: ProjectionStore>(controls: &Controls<S>) -> Result<EngineStatus, StoreError> {
    let ids: Vec<_> = controls.schemas().iter().map(|schema| schema.id).collect();
    let roster = controls.store().roster(&ids).await?;
    let mut projections: Vec<ProjectionStatus> = Vec::new();
    for state in roster.shards {
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
        match projections.iter_mut().find(|projection| projection.id == id) {
            Some(projection) => projection.shards.push(shard),
            None => {
                projections.push(ProjectionStatus { id, active: roster.active.contains(&id), shards: vec![shard] });
            }
        }
    }
    projections.sort_by_key(|projection| projection.id);
    Ok(EngineStatus { settled: controls.store().settled().await?, projections })
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

pub(super) async fn health<S: ProjectionStore>(controls: &Controls<S>) -> Health {
    let problems = match status(controls).await {
        Ok(status) => status.projections.iter().filter(|one| one.active).flat_map(problems).collect(),
        Err(error) => vec![format!("the store cannot be asked: {error}")],
    };
    Health { problems }
}

fn problems(projection: &ProjectionStatus) -> Vec<String> {
    let problem = |shard: &ShardStatus| {
        let ShardStatus { state, lag, failing, .. } = shard;
        let waits = lag.map_or(Duration::ZERO, |lag| lag.time);
        if state.activity == Activity::Stopped {
            let failure = state.failure.as_ref().map(|failure| format!(": {failure}")).unwrap_or_default();
            Some(format!("{} has stopped{failure}", state.shard))
        } else if let Some(failing) = failing.as_ref().filter(|failing| failing.lasts > TRIED) {
            Some(format!("{} is {failing}", state.shard))
        } else if state.activity == Activity::Running && state.owner.is_none() && waits > ORPHANED {
            Some(format!("{} is run by nobody, and events wait for {} s", state.shard, waits.as_secs()))
        } else {
            None
        }
    };
    projection.shards.iter().filter_map(problem).collect()
}

impl fmt::Display for EngineStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "all events are settled up to {}", self.settled)?;
        for projection in &self.projections {
            for shard in &projection.shards {
                let note = if projection.active { "" } else { " (not active)" };
                write!(formatter, "\n{}{note}: {shard}", shard.state.shard)?;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::{Failing, ProjectionStatus, ShardStatus, problems};
    use crate::{
        projection::{ProjectionId, ShardId, ShardState},
        recorded::Position,
    };

    #[test]
    fn who_has_failed_for_too_long_is_not_healthy() {
        let id = ProjectionId { name: "sales", version: 1 };
        let of = |seconds| {
            let (lasts, message) = (Duration::from_secs(seconds), "no route to host".to_owned());
            let state = ShardState::new(ShardId { projection: id, shard: 0 }, Position::START, DateTime::UNIX_EPOCH);
            let failing = Some(Failing { lasts, attempts: 7, message });
            problems(&ProjectionStatus {
                id,
                active: true,
                shards: vec![ShardStatus { state, lag: None, rate: None, failing }],
            })
        };
        assert_eq!(of(60), [""; 0]);
        assert_eq!(of(61), ["sales v1, shard 0 is failing for 61.0 s, 7 times: no route to host"]);
    }
}
