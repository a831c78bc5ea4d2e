//! What a block of event handlers says of itself, and what the derives ask of it.

use super::fold::{Dispatcher, Fold};
use crate::{
    aggregate::Aggregate,
    draft::ReadsNoMetadata,
    event::{AnyAggregate, Event, EventOf, EventSchema},
    handler::Given,
    recorded::{Envelope, Metadata},
    store::{Corrupt, StoredEvent},
};

/// What a type is: an aggregate, a read model, a projection or a reactor. Their derives implement it, so that a type is
/// one of them.
pub trait OneRole {
    /// Which one it is.
    type Role;
}

/// The role of an aggregate or a read model, whose handlers are not `async`.
#[derive(Debug)]
pub enum Folding {}

/// A role whose handlers are not `async`.
#[diagnostic::on_unimplemented(
    message = "the handlers of a projection or a reactor are `async`, and these are not",
    label = "write `async fn` for each of its handlers",
    note = "write `async fn name(&self, event: &Event, ..)`; what the handler does may wait for others, such as a database"
)]
pub trait FoldingRole {}

impl FoldingRole for Folding {}

/// A type whose handlers are not `async`. What a type without a role lacks is said here, in the words of
/// [`Folds`](crate::Folds), and of one that has the wrong role, at the role.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an aggregate nor a read model",
    label = "its handlers have no place",
    note = "add `#[derive(Aggregate, Default)]` and `#[aggregate(name = \"..\", id = .., event = ..)]` to `{Self}`, or `#[derive(ReadModel)]` and `#[read_model(table = \"..\")]`; the handlers of a projection are all `async`"
)]
pub trait MayFold {}

impl<F: OneRole<Role: FoldingRole>> MayFold for F {}

#[diagnostic::do_not_recommend]
impl<E: Event> EventOf<AnyAggregate> for E {
    const SCHEMA: Option<EventSchema> = Some(EventSchema::of::<E>());

    fn decode_alone(stored: &StoredEvent) -> Option<Result<Self, Box<Corrupt>>> {
        Some(stored.decode_as())
    }
}

/// An event that `H` handles; written by `#[event_handler]`, at the event. That is the one place where the compiler says
/// that a type is no event of the scope.
///
/// `HANDLER` is the handler's index in the block, so that of two handlers for one event the compiler reports only that
/// both apply it.
pub trait HandledBy<H, Scope, const HANDLER: usize>: EventOf<Scope> {}

/// The schema of an event that is handled.
pub const fn handled_event<H, Scope, E: HandledBy<H, Scope, HANDLER>, const HANDLER: usize>() -> EventSchema {
    alone(E::SCHEMA)
}

/// The schema of an event that is read by itself; that of others is not asked, because their set reads them.
const fn alone(schema: Option<EventSchema>) -> EventSchema {
    match schema {
        Some(schema) => schema,
        None => EventSchema::new("", 0),
    }
}

/// The one block of event handlers that a type has; written by `#[event_handler]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no event handlers",
    label = "no `#[event_handler]` block",
    note = "write `#[event_handler] impl {Self} {{ .. }}` with one function for each event: `fn name(&mut self, event: &Event)`, or in a projection `async fn name(&self, event: &Event, context: &mut Context)`, and in a reactor `async fn name(&self, event: &Event)`"
)]
pub trait OneEventHandlerBlock<Set, G: Given = Metadata>: Sized + 'static {
    /// The way from an aggregate's events to their handlers.
    const DISPATCHER: Dispatcher<Set, Self>;
    /// The events, in the order of the handlers; of an aggregate nobody asks for them.
    const EVENTS: &'static [EventSchema];
    /// The handlers of a read model.
    const HANDLERS: &'static [Fold<Self, G>];
    /// Whether one of them may return an error, and may then have left a row half changed.
    const MAY_FAIL: bool = false;
    /// What leads to the handlers of a projection or a reactor.
    type Handlers;
    /// What `#[key(..)]` says above the handlers, as [`KeysIn`](super::KeysIn); `()` where it is nowhere.
    type Keys;
    /// [`ReadsNothing`] where no handler reads what is given with the event, [`ReadsSomething`] where one does.
    type Reads: Reads;
}

/// Whether a handler of a block reads what is given with the event.
pub trait Reads {
    /// Whether one does.
    const ANY: bool;
}

/// No handler reads what is given with the event.
#[derive(Debug)]
pub enum ReadsNothing {}

impl Reads for ReadsNothing {
    const ANY: bool = false;
}

/// A handler reads what is given with the event.
#[derive(Debug)]
pub enum ReadsSomething {}

impl Reads for ReadsSomething {
    const ANY: bool = true;
}

#[diagnostic::do_not_recommend]
impl<A> ReadsNoMetadata for A where A: Aggregate + OneEventHandlerBlock<A::Event, Metadata, Reads = ReadsNothing> {}

/// A type has event handlers; written by its derive.
pub trait HasEventHandlers<Set, G: Given = Metadata>: OneEventHandlerBlock<Set, G> {}

/// Proves that a read model, a projection or a reactor has event handlers.
pub const fn has_event_handlers<H: OneEventHandlerBlock<AnyAggregate, Envelope>>() -> usize {
    0
}
