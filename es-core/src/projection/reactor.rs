//! Reactors: effects outside of the store.

use std::future::Future;

use super::{FailurePolicy, ProjectionError};
use crate::{
    event::{AnyAggregate, EventSchema},
    private::{HandlersIn, OneEventHandlerBlock},
    recorded::Envelope,
    store::StoredEvent,
};

/// Effects outside of the store, such as mails, by `async` handlers; written by `#[derive(Reactor)]`.
///
/// An event is delivered at least once: again where the process ends between the effect and the checkpoint. Each
/// delivery has an [id](Delivery::id) that stays the same, for those who can tell by it what they have done already. A
/// reactor has no version: nothing replays it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reactor",
    label = "not a `Reactor`",
    note = "add `#[derive(Reactor)]` and `#[reactor(name = \"..\")]` to `{Self}`"
)]
pub trait Reactor: Send + Sync + 'static {
    /// The stored name, unique in a store.
    const NAME: &'static str;
    /// Into how many shards the events are divided by their key, each with a checkpoint of its own.
    const SHARDS: u32;
    /// What becomes of an event of which all attempts have failed.
    const POLICY: FailurePolicy;

    /// The key of a stored event: its stream, or what `#[key(..)]` says above its handler. Events with one key are
    /// delivered in their order, and wait for one another where one is parked.
    ///
    /// # Errors
    /// [`ProjectionError`] where the event cannot be read.
    fn key(stored: &StoredEvent) -> Result<String, ProjectionError>;
}

/// The handlers of a reactor: what an engine needs of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run as a reactor",
    label = "not a reactor with handlers",
    note = "a reactor has `#[derive(Reactor)]`, and an `#[event_handler]` block of `async` functions without a context: `async fn name(&self, event: &Event, delivery: &Delivery)`"
)]
pub trait ReactorHandlers: Reactor {
    /// The stored names and present versions of the events that are handled, in the order of the handlers.
    const EVENTS: &'static [EventSchema];

    /// Delivers a stored event to its handler; one without a handler is passed over. `attempt` counts from 1.
    ///
    /// # Errors
    /// [`ProjectionError`]
    fn deliver<'a>(
        &'a self,
        stored: &'a StoredEvent,
        attempt: u32,
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send + 'a;
}

#[diagnostic::do_not_recommend]
impl<R> ReactorHandlers for R
where
    R: Reactor + OneEventHandlerBlock<AnyAggregate, Envelope, Handlers: HandlersIn<R, ()>>,
{
    const EVENTS: &'static [EventSchema] = <R as OneEventHandlerBlock<AnyAggregate, Envelope>>::EVENTS;

    async fn deliver(&self, stored: &StoredEvent, attempt: u32) -> Result<(), ProjectionError> {
        R::Handlers::handle_stored(self, stored, attempt, &mut ()).await
    }
}

/// What a reactor's handler is given with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Names this delivery: the reactor's name and the event's id, the same in every attempt and after a restart.
    pub id: String,
    /// How often it was tried, this time included, since this engine began with it.
    pub attempt: u32,
    /// Where the event stands, and what is known about it.
    pub envelope: Envelope,
}

impl Delivery {
    /// A delivery to the reactor of that name, for engines and tests.
    pub fn new(reactor: &str, attempt: u32, envelope: Envelope) -> Self {
        Self { id: format!("{reactor}/{}", envelope.metadata.event_id), attempt, envelope }
    }
}
