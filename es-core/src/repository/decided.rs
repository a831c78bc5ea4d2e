//! A decision that is not stored yet.

use super::{Executed, asked::UnderWay, error::ExecuteError};
use crate::{
    aggregate::Aggregate,
    command::Command,
    recorded::{Position, StreamVersion},
    store::{Append, EventStore},
};

/// What a command would lead to; made by [`Execute::decide`](super::Execute::decide). Nothing of it is stored.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing is stored until its `append` is"]
#[non_exhaustive]
pub struct Decided<A: Aggregate> {
    /// The state that decided: the present one, before the events.
    pub state: A,
    /// The version of the last event in that state; 0 where the aggregate does not exist.
    pub version: StreamVersion,
    /// The position of that event.
    pub position: Position,
    /// The events that follow, in order; empty when there is nothing to do, and when it was done before.
    pub events: Vec<A::Event>,
    /// What stores the events, at just the version that they were decided at and under the command's idempotency key;
    /// `None` where there are none. Where it is a conflict, nothing is stored, and the command is to be decided again.
    pub append: Option<Append>,
    /// The first result, where a command with the same idempotency key was executed before. Nothing was decided then.
    pub replayed: Option<Executed<A>>,
}

impl<A: Aggregate> Decided<A> {
    pub(super) async fn upon_present_state<S: EventStore, C: Command<A>>(
        mut command: UnderWay<'_, A, S, C>,
    ) -> Result<Self, ExecuteError<C::Error>> {
        let (hydrated, keyed) = command.load().await?;
        let (mut events, mut append, mut replayed) = (Vec::new(), None, None);
        if let Some(keyed) = keyed {
            replayed = Some(command.first_result(keyed).await?);
        } else {
            events = command.decide(&hydrated)?;
            if !events.is_empty() {
                append = Some(command.request(&hydrated, &events)?);
            }
        }
        Ok(Self {
            state: hydrated.state,
            version: hydrated.version,
            position: hydrated.position,
            events,
            append,
            replayed,
        })
    }
}
