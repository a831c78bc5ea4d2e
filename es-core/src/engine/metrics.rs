//! What an engine tells of itself through the `metrics` facade, under the names that [`names`] lists.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::{
    projection::{Lag, ShardId},
    recorded::Position,
};

/// The names of the metrics. Each has the labels `projection`, `version` and `shard`.
pub mod names {
    /// A counter: events that were applied.
    pub const APPLIED: &str = "es_projection_events_applied_total";
    /// A histogram, in seconds: how long a batch took, from its first statement to its commit.
    pub const BATCH: &str = "es_projection_batch_seconds";
    /// A counter: attempts that failed, whatever became of them.
    pub const FAILURES: &str = "es_projection_failures_total";
    /// A counter: events that were parked or passed over.
    pub const SET_ASIDE: &str = "es_projection_events_set_aside_total";
    /// A gauge: the position up to which everything is taken in.
    pub const POSITION: &str = "es_projection_position";
    /// A gauge: events that are still to come, counted up to [`Lag::MOST`](crate::projection::Lag::MOST), every 15 seconds.
    pub const LAG_EVENTS: &str = "es_projection_lag_events";
    /// A gauge, in seconds: how long the oldest of them waits, every 15 seconds.
    pub const LAG_SECONDS: &str = "es_projection_lag_seconds";
}

/// The labels of a shard.
fn labels(shard: ShardId) -> [(&'static str, String); 3] {
    [
        ("projection", shard.projection.name.to_owned()),
        ("version", shard.projection.version.to_string()),
        ("shard", shard.shard.to_string()),
    ]
}

pub(super) fn taken(shard: ShardId, applied: u64, position: Position, took: Duration) {
    let labels = labels(shard);
    counter!(names::APPLIED, &labels).increment(applied);
    histogram!(names::BATCH, &labels).record(took);
    #[expect(clippy::cast_precision_loss, reason = "metrics are floating-point numbers")]
    gauge!(names::POSITION, &labels).set(position.get() as f64);
}

pub(super) fn failed(shard: ShardId) {
    counter!(names::FAILURES, &labels(shard)).increment(1);
}

pub(super) fn set_aside(shard: ShardId, events: usize) {
    counter!(names::SET_ASIDE, &labels(shard)).increment(events as u64);
}

pub(super) fn lags(shard: ShardId, lag: Lag) {
    let labels = labels(shard);
    #[expect(clippy::cast_precision_loss, reason = "metrics are floating-point numbers")]
    gauge!(names::LAG_EVENTS, &labels).set(lag.events as f64);
    gauge!(names::LAG_SECONDS, &labels).set(lag.time.as_secs_f64());
}
