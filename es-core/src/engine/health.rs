//! Whether all goes well, for those who watch over the process.

use std::{fmt, time::Duration};

use super::{
    controls::Controls,
    status::{ProjectionStatus, ShardStatus},
};
use crate::projection::{Activity, ProjectionStore};

/// Whether everything runs: what a web server answers to those who watch over the process.
///
/// Healthy is who can reach the store, and has no projection that has stopped, or that has failed for longer than a minute
/// in this process and is tried again and again, or whose oldest event waits for longer than a minute while nobody owns its
/// shard. A new version that is built beside the one that readers see counts as well: stopped, it would never take over.
///
/// Who is healthy may be [degraded](Self::is_degraded): a newer version has taken over from one that this program runs, or
/// cannot, and this program does not have it. That is for people, and no reason to end the process: while programs are
/// exchanged one by one it is so for a while.
///
/// [`status_code`](Self::status_code) is 200 or 503, [`Display`](fmt::Display) the body:
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
    /// What people should know besides, a line each.
    pub notes: Vec<String>,
}

impl Health {
    /// Whether nothing is wrong.
    pub fn is_healthy(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether nothing is wrong, but people should know of something.
    pub fn is_degraded(&self) -> bool {
        self.is_healthy() && !self.notes.is_empty()
    }

    /// 200 where nothing is wrong, and 503 where something is.
    pub fn status_code(&self) -> u16 {
        if self.is_healthy() { 200 } else { 503 }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match () {
            () if self.is_degraded() => Some("degraded"),
            () if self.is_healthy() => Some("healthy"),
            () => None,
        };
        let told = self.problems.iter().chain(&self.notes).map(String::as_str);
        formatter.write_str(&word.into_iter().chain(told).collect::<Vec<_>>().join("\n"))
    }
}

/// For how long a shard may be without an owner while events wait.
const ORPHANED: Duration = Duration::from_mins(1);
/// For how long a shard may fail and be tried again.
const TRIED: Duration = Duration::from_mins(1);

pub(super) async fn health<S: ProjectionStore>(controls: &Controls<S>) -> Health {
    let mut health = Health { problems: Vec::new(), notes: Vec::new() };
    match controls.status().await {
        Ok(status) => {
            for projection in &status.projections {
                let schema = controls.schemas().iter().find(|schema| schema.id == projection.id);
                health.look_at(projection, schema.is_some_and(|schema| !schema.inline));
            }
        }
        Err(error) => health.problems.push(format!("the store cannot be asked: {error}")),
    }
    health
}

impl Health {
    fn look_at(&mut self, projection: &ProjectionStatus, is_plain: bool) {
        let ProjectionStatus { id, active, superseded_by, registered, shards } = projection;
        let found = shards.iter().filter_map(problem);
        if is_plain && shards.iter().any(|shard| shard.state.activity == Activity::Inline) {
            self.problems.push(format!(
                "the rows of {id} change with the appends of another program, with `inline_read_model`, and events that it \
                 handles are refused to this one: end that program, and start this one anew"
            ));
        }
        if *registered && (shards.is_empty() || superseded_by.is_some()) {
            self.notes.push(format!("{id}: {}", projection.missing()));
        } else if *active {
            self.problems.extend(found);
        } else if superseded_by.is_none() {
            let found = found.map(|problem| format!("{problem}; as long as that is so it does not take over"));
            if *registered { self.problems.extend(found) } else { self.notes.extend(found) }
        }
    }
}

impl ProjectionStatus {
    /// Why this version is not what it could be.
    pub(super) fn missing(&self) -> String {
        match (self.superseded_by, self.shards.is_empty()) {
            (Some(newer), true) => {
                format!("removed, because version {newer} has taken over; this program does not have that version")
            }
            (Some(newer), false) => {
                format!("readers see version {newer}, which has taken over; this program does not have that version")
            }
            (None, _) => "not known to the store; call `prepare()` or `start()` on its engine first".to_owned(),
        }
    }
}

fn problem(shard: &ShardStatus) -> Option<String> {
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
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::{Health, ProjectionStatus, ShardStatus};
    use crate::{
        engine::Failing,
        projection::{Activity, ProjectionId, ShardId, ShardState},
        recorded::Position,
    };

    const ID: ProjectionId = ProjectionId { name: "sales", version: 1 };

    fn of(change: impl FnOnce(&mut ProjectionStatus), is_plain: bool) -> Health {
        let state = ShardState::new(ShardId { projection: ID, shard: 0 }, Position::START, DateTime::UNIX_EPOCH);
        let shards = vec![ShardStatus { state, lag: None, rate: None, failing: None }];
        let mut projection = ProjectionStatus { id: ID, active: true, superseded_by: None, registered: true, shards };
        change(&mut projection);
        let mut health = Health { problems: Vec::new(), notes: Vec::new() };
        health.look_at(&projection, is_plain);
        health
    }

    #[test]
    fn who_has_failed_for_too_long_is_not_healthy() {
        let failing = |seconds| {
            let (lasts, message) = (Duration::from_secs(seconds), "no route to host".to_owned());
            of(|projection| projection.shards[0].failing = Some(Failing { lasts, attempts: 7, message }), true).problems
        };
        assert_eq!(failing(60), [""; 0]);
        assert_eq!(failing(61), ["sales v1, shard 0 is failing for 61.0 s, 7 times: no route to host"]);
    }

    #[test]
    fn what_changes_with_the_appends_of_others_is_not_healthy() {
        let inline = |projection: &mut ProjectionStatus| projection.shards[0].state.activity = Activity::Inline;
        assert!(of(inline, false).is_healthy());
        let health = of(inline, true);
        assert_eq!(health.status_code(), 503);
        assert!(health.to_string().contains("events that it handles are refused to this one"), "{health}");
    }

    #[test]
    fn what_another_program_builds_in_vain_is_told_and_no_problem_of_this_one() {
        let stopped = |projection: &mut ProjectionStatus| {
            projection.shards[0].state.activity = Activity::Stopped;
            (projection.active, projection.registered) = (false, false);
        };
        let health = of(stopped, false);
        assert!(health.is_degraded());
        assert_eq!(
            health.to_string(),
            "degraded\nsales v1, shard 0 has stopped; as long as that is so it does not take over"
        );
    }
}
