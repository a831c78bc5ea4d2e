//! What can go wrong with an engine.

use std::time::Duration;

use super::status::Failing;
use crate::{
    projection::{Failure, PrepareError, ProjectionId, ShardId, ShardState},
    recorded::Position,
    store::StoreError,
};

/// Why an engine did not come to the end of all events.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The projections could not be made ready.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A projection has stopped in front of an event.
    #[error("{shard} has stopped: {failure}; mend the cause, and resume it")]
    Stopped {
        /// Which one.
        shard: ShardId,
        /// At which event, and why.
        failure: Failure,
    },
    /// A projection is paused.
    #[error("{shard} is paused; have it go on with `Controls::resume(\"{}\")`", .shard.projection.name)]
    Paused {
        /// Which one.
        shard: ShardId,
    },
    /// A shard is owned by another engine, which does not come on with it.
    #[error(
        "{shard} is owned by {}, and stands at position {position} for {waited:?}; see in its log what holds it up, or end it",
        .owner.as_deref().unwrap_or("a transaction of somebody else")
    )]
    Held {
        /// Which one.
        shard: ShardId,
        /// The label of the engine; `None` where nobody owns it, and it could not be had either.
        owner: Option<String>,
        /// Where it stands.
        position: Position,
        /// For how long it has not moved.
        waited: Duration,
    },
}

/// Why something could not be done with a projection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No projection of that name is registered.
    #[error("there is no projection `{name}`; registered are: {}", .known.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// The names that are registered.
        known: Vec<&'static str>,
    },
    /// The store does not know the projection in this version: nobody has prepared it yet.
    #[error("`{projection}` is not known to the store yet; call `prepare()` or `start()` on its engine first")]
    NotPrepared {
        /// The projection.
        projection: ProjectionId,
    },
    /// The store does not have this version of the projection any more: a newer one has taken over, and it was dropped.
    #[error(
        "`{projection}` was removed, because version {active} has taken over; do it with a program that has that version"
    )]
    Removed {
        /// The projection, in the version of this program.
        projection: ProjectionId,
        /// The version that readers see.
        active: u32,
    },
}

/// Why projections have not come as far as somebody waits for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// They have not come so far in time.
    #[error("after {waited:?} not all projections have come to position {position}: {}{}", list(.behind, .failing), holders(*.settled, *.position))]
    TimedOut {
        /// The position that was waited for.
        position: Position,
        /// For how long.
        waited: Duration,
        /// The shards that are still behind.
        behind: Vec<ShardState>,
        /// How far the order of all events is settled; less than `position` where an unfinished transaction holds it up,
        /// which the status of the store names.
        settled: Position,
        /// What they cannot get past for now, of those that run in this process.
        failing: Vec<(ShardId, Failing)>,
    },
    /// A projection has stopped, or is paused, in front of it: it will not come by itself.
    #[error("{} is {} at position {}, before {position}{}", .state.shard, .state.activity.name(), .state.position, failure(.state))]
    Halted {
        /// The position that was waited for.
        position: Position,
        /// The shard that has stopped.
        state: Box<ShardState>,
    },
    /// No projection of that name is registered.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl From<StoreError> for WaitError {
    fn from(error: StoreError) -> Self {
        Self::Control(error.into())
    }
}

fn list(behind: &[ShardState], failing: &[(ShardId, Failing)]) -> String {
    let one = |state: &ShardState| {
        let owner = state.owner.as_ref().map_or("owned by nobody", |_| "owned");
        let failing = failing.iter().find(|(shard, _)| *shard == state.shard);
        let failing = failing.map_or_else(String::new, |(_, failing)| format!(", {failing}"));
        format!("{} is at {}, {owner}{failing}{}", state.shard, state.position, failure(state))
    };
    behind.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn failure(state: &ShardState) -> String {
    state.failure.as_ref().map_or_else(String::new, |failure| format!(", because of {failure}"))
}

fn holders(settled: Position, position: Position) -> String {
    if settled < position {
        format!("; an unfinished transaction holds all readers up at position {settled}")
    } else {
        String::new()
    }
}
