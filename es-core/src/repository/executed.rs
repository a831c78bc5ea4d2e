//! What a command led to.

use crate::{
    aggregate::Aggregate,
    recorded::{Position, Recorded, StreamVersion},
};

/// What a command led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Executed<A: Aggregate> {
    /// The state after the events; of a replayed command, as it was after the first time.
    pub state: A,
    /// The version of the stream's last event in that state.
    pub version: StreamVersion,
    /// The position of that event: what a read model must have reached to show this command's effect.
    pub position: Position,
    /// The events that the command led to, in order; empty when there was nothing to do.
    pub events: Vec<Recorded<A::Event>>,
    /// Whether a command with the same idempotency key was executed before, so that nothing was stored now and
    /// everything here is the first result.
    pub replayed: bool,
}
