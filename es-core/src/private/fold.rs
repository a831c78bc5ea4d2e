//! The ways from events to the handlers of aggregates and read models.

use super::{
    block::{HandledBy, HasEventHandlers, OneEventHandlerBlock, Reads},
    project::unread,
};
use crate::{
    event::{AnyAggregate, Dispatch, EventSchema},
    handler::{Apply, Given, Row},
    projection::ProjectionError,
    recorded::{Envelope, Metadata},
    store::{Corrupt, StoredEvent},
};

// ── Aggregates ──────────────────────────────────────────────────────────────

/// Whether any handler reads metadata.
pub const fn reads_metadata<Set, A: HasEventHandlers<Set>>() -> bool {
    <A::Reads as Reads>::ANY
}

/// Hands an event to the block of handlers.
pub fn fold<Set, A: HasEventHandlers<Set>>(state: &mut A, event: Set, metadata: &Metadata) {
    (A::DISPATCHER.owned)(event, state, metadata);
}

/// Shows an event to the block of handlers.
pub fn fold_ref<Set, A: HasEventHandlers<Set>>(state: &mut A, event: &Set, metadata: &Metadata) {
    (A::DISPATCHER.shared)(event, state, metadata);
}

/// Both ways from an event to its handler, so that generated code asks only once for [`Dispatch`].
#[derive(Debug)]
pub struct Dispatcher<Set, H> {
    /// Hands the event over.
    pub owned: fn(Set, &mut H, &Metadata),
    /// Shows the event.
    pub shared: fn(&Set, &mut H, &Metadata),
}

/// Both ways from an event to its handler.
pub const fn dispatcher<Set: Dispatch<H>, H>() -> Dispatcher<Set, H> {
    Dispatcher { owned: Set::dispatch, shared: Set::dispatch_ref }
}

/// Where a block has mistakes, nothing is dispatched.
pub const fn no_dispatcher<Set, H>() -> Dispatcher<Set, H> {
    Dispatcher { owned: |_, _, _| {}, shared: |_, _, _| {} }
}

/// Why a stored event could not be read.
pub type NotRead = Box<Corrupt>;

#[diagnostic::do_not_recommend]
impl<H> Dispatch<H> for AnyAggregate {
    fn dispatch(self, _: &mut H, _: &Metadata) {
        match self {}
    }

    fn dispatch_ref(&self, _: &mut H, _: &Metadata) {
        match *self {}
    }
}

// ── Read models ─────────────────────────────────────────────────────────────

/// How a stored event is handed to its handler.
pub type Fold<H, G> = fn(&mut H, &StoredEvent, &G) -> Result<<G as Given>::Outcome, NotRead>;

/// The handler for `E`.
pub const fn stored_handler<H, Scope, E, G, const HANDLER: usize>() -> Fold<H, G>
where
    E: HandledBy<H, Scope, HANDLER>,
    H: Apply<E, Given = G>,
    G: Given,
{
    |state, stored, given| match E::decode_alone(stored) {
        Some(event) => Ok(state.apply(event?, given)),
        None => Ok(G::nothing()),
    }
}

/// The events of a read model.
pub fn handled_events<R: OneEventHandlerBlock<AnyAggregate, Envelope>>() -> &'static [EventSchema] {
    R::EVENTS
}

/// What the handlers are given with an event; the metadata only where one of them reads it.
///
/// # Errors
/// [`Corrupt`] where it cannot be read.
pub fn envelope_of<R: OneEventHandlerBlock<AnyAggregate, Envelope>>(
    stored: &StoredEvent,
) -> Result<Envelope, Box<Corrupt>> {
    if <R::Reads as Reads>::ANY {
        return stored.envelope();
    }
    Ok(unread(stored))
}

/// Whether a handler of a read model may fail.
pub const fn may_fail<R: OneEventHandlerBlock<AnyAggregate, Envelope>>() -> bool {
    R::MAY_FAIL
}

/// Folds a stored event into a row.
///
/// # Errors
/// [`ProjectionError`] where the event cannot be read, or its handler fails.
pub fn fold_stored<R: OneEventHandlerBlock<AnyAggregate, Envelope>>(
    row: &mut R,
    stored: &StoredEvent,
    envelope: &Envelope,
) -> Result<Row, ProjectionError> {
    match R::EVENTS.iter().position(|event| event.name == stored.event_type) {
        Some(handler) => {
            R::HANDLERS[handler](row, stored, envelope)?.map_err(|error| ProjectionError::handler(stored, error))
        }
        None => Ok(Row::Keep),
    }
}
