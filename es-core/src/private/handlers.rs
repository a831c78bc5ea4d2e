//! What the blocks of event handlers, and the derives that look for them, say to one another.

use std::{fmt::Display, future::Future, hash::Hash, str::FromStr};

use crate::{
    aggregate::Aggregate,
    draft::ReadsNoMetadata,
    event::{AnyAggregate, Dispatch, Event, EventOf, EventSchema},
    handler::{Apply, Given, Handle, Row},
    projection::{HandlerError, Projection, ProjectionError},
    recorded::{Envelope, Metadata},
    store::{Corrupt, StoredEvent},
};

// ── Whose handlers they are ─────────────────────────────────────────────────

/// What a type is: an aggregate, a read model or a projection. The derives of all three implement it, so that a type is one
/// of them.
pub trait OneRole {}

#[diagnostic::do_not_recommend]
impl<E: Event> EventOf<AnyAggregate> for E {
    const SCHEMA: Option<EventSchema> = Some(EventSchema::of::<E>());

    fn decode_alone(stored: &StoredEvent) -> Option<Result<Self, Box<Corrupt>>> {
        Some(stored.decode_as())
    }
}

#[diagnostic::do_not_recommend]
impl<H> Dispatch<H> for AnyAggregate {
    fn dispatch(self, _: &mut H, _: &Metadata) {
        match self {}
    }

    fn dispatch_ref(&self, _: &mut H, _: &Metadata) {
        match *self {}
    }
}

/// An event that `H` handles; written by `#[event_handler]`, at the event. That is the one place where the compiler says
/// that a type is no event of the scope.
///
/// `HANDLER` is the handler's index in the block, so that of two handlers for one event the compiler reports only that both
/// apply it.
pub trait HandledBy<H, Scope, const HANDLER: usize>: EventOf<Scope> {}

// ── Aggregates ──────────────────────────────────────────────────────────────

/// The one block of event handlers that a type has; written by `#[event_handler]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no event handlers",
    label = "no `#[event_handler]` block",
    note = "write `#[event_handler] impl {Self} {{ .. }}` with one function for each event: `fn name(&mut self, event: &Event)`, or in a projection `async fn name(&self, event: &Event, context: &mut Context)`"
)]
pub trait OneEventHandlerBlock<Set, G: Given = Metadata>: Sized + 'static {
    /// The way from an aggregate's events to their handlers.
    const DISPATCHER: Dispatcher<Set, Self>;
    /// Whether any handler reads what is given with the event.
    const READS_GIVEN: bool;
    /// The handlers by the stored name of their event.
    const HANDLERS: &'static [StoredHandler<Self, G>];
    /// The events of a projection, in the order of the handlers.
    const EVENTS: &'static [EventSchema];
    /// What leads to the handlers of a projection.
    type Handlers;
    /// [`ReadsNothing`] where no handler reads what is given with the event, [`ReadsSomething`] where one does.
    type Reads;
}

/// No handler reads what is given with the event.
#[derive(Debug)]
pub enum ReadsNothing {}

/// A handler reads what is given with the event.
#[derive(Debug)]
pub enum ReadsSomething {}

#[diagnostic::do_not_recommend]
impl<A> ReadsNoMetadata for A where A: Aggregate + OneEventHandlerBlock<A::Event, Metadata, Reads = ReadsNothing> {}

/// A type has event handlers; written by its derive.
pub trait HasEventHandlers<Set, G: Given = Metadata>: OneEventHandlerBlock<Set, G> {}

/// Whether any handler reads metadata.
pub const fn reads_metadata<Set, A: HasEventHandlers<Set>>() -> bool {
    A::READS_GIVEN
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

// ── Read models ─────────────────────────────────────────────────────────────

/// How a stored event is handed to its handler.
type Fold<H, G> = fn(&mut H, &StoredEvent, &G) -> Result<<G as Given>::Outcome, NotRead>;

/// One handler by the stored name of its event.
pub struct StoredHandler<H, G: Given> {
    schema: EventSchema,
    fold: Fold<H, G>,
}

impl<H, G: Given> StoredHandler<H, G> {
    /// The handler for `E`.
    pub const fn of<Scope, E, const HANDLER: usize>() -> Self
    where
        E: HandledBy<H, Scope, HANDLER>,
        H: Apply<E, Given = G>,
    {
        let fold = |state: &mut H, stored: &StoredEvent, given: &G| match E::decode_alone(stored) {
            Some(event) => Ok(state.apply(event?, given)),
            None => Ok(G::nothing()),
        };
        Self { schema: alone(E::SCHEMA), fold }
    }
}

/// The schema of an event that is read by itself; that of others is not asked, because their set reads them.
const fn alone(schema: Option<EventSchema>) -> EventSchema {
    match schema {
        Some(schema) => schema,
        None => EventSchema::new("", 0),
    }
}

impl<H, G: Given> StoredHandler<H, G> {
    /// The stored name and version of the event.
    pub const fn schema(&self) -> EventSchema {
        self.schema
    }
}

impl<H, G: Given> std::fmt::Debug for StoredHandler<H, G> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StoredHandler").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// The events of a read model.
pub fn handled_events<R: HasEventHandlers<AnyAggregate, Envelope>>() -> impl Iterator<Item = EventSchema> {
    R::HANDLERS.iter().map(|handler| handler.schema)
}

/// Folds a stored event into a row.
///
/// # Errors
/// [`Corrupt`] where the event cannot be read.
pub fn fold_stored<R: HasEventHandlers<AnyAggregate, Envelope>>(
    row: &mut R,
    stored: &StoredEvent,
    envelope: &Envelope,
) -> Result<Row, Box<Corrupt>> {
    match R::HANDLERS.iter().find(|handler| handler.schema.name == stored.event_type) {
        Some(handler) => (handler.fold)(row, stored, envelope),
        None => Ok(Row::Keep),
    }
}

/// A type that can be a read model's key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a read model",
    label = "needs `Clone`, `Eq`, `Hash`, `Display` and `FromStr`",
    note = "take the id of an aggregate, a `String`, a `Uuid` or a whole number: a row's key is read from the id of the event's stream"
)]
pub trait RowKey: Clone + Eq + Hash + Display + Send + Sync + 'static {
    /// The key that the id of a stream stands for.
    ///
    /// # Errors
    /// Why it is none.
    fn from_stream_id(id: &str) -> Result<Self, String>;
}

#[diagnostic::do_not_recommend]
impl<K> RowKey for K
where
    K: Clone + Eq + Hash + Display + Send + Sync + 'static + FromStr<Err: Display>,
{
    fn from_stream_id(id: &str) -> Result<Self, String> {
        id.parse().map_err(|error: K::Err| error.to_string())
    }
}

/// A field that a new row can begin with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no value to begin a row with",
    label = "needs `Default`",
    note = "add `Default` to the derives of `{Self}`, or take an `Option`: a new row has its key, and the default of each other field"
)]
pub trait FieldOfRow: Sized {
    /// That value.
    fn initial() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> FieldOfRow for T {
    fn initial() -> Self {
        Self::default()
    }
}

// ── Projections ─────────────────────────────────────────────────────────────

/// A type may have `async` handlers.
pub const fn is_projection<P: Projection>() {}

/// The handlers of the projection `P` in the context `C`.
pub trait HandlersIn<P, C> {
    /// Handles a stored event; one that is not handled is passed over.
    fn handle_stored<'a>(
        projection: &'a P,
        stored: &'a StoredEvent,
        context: &'a mut C,
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send + 'a;
}

/// The schema of an event that a projection handles.
pub const fn handled_event<H, Scope, E: HandledBy<H, Scope, HANDLER>, const HANDLER: usize>() -> EventSchema {
    alone(E::SCHEMA)
}

/// Hands a stored event to the handler of its type.
///
/// # Errors
/// [`ProjectionError`]
pub async fn handle<H, E, C, const HANDLER: usize>(
    projection: &H,
    stored: &StoredEvent,
    context: &mut C,
) -> Result<(), ProjectionError>
where
    E: HandledBy<H, AnyAggregate, HANDLER>,
    H: Handle<E, C>,
{
    let Some(event) = E::decode_alone(stored) else { return Ok(()) };
    let (event, envelope) = (event?, stored.envelope()?);
    let outcome = projection.handle(event, &envelope, context).await;
    outcome.map_err(|error| ProjectionError::handler(stored, error))
}

/// What an `async` handler may return.
#[diagnostic::on_unimplemented(
    message = "a handler of a projection returns `()` or a `Result<(), Error>`, not `{Self}`",
    label = "neither `()` nor a `Result<(), Error>`",
    note = "write `-> Result<(), Error>` with an error that implements `std::error::Error`, or remove the return type"
)]
pub trait Handled {
    /// The plain result.
    ///
    /// # Errors
    /// The handler's own.
    fn handled(self) -> Result<(), HandlerError>;
}

impl Handled for () {
    fn handled(self) -> Result<(), HandlerError> {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> Handled for Result<(), E> {
    fn handled(self) -> Result<(), HandlerError> {
        self.map_err(HandlerError::new)
    }
}

// ── Single functions ────────────────────────────────────────────────────────

/// What a handler of `Self` may take by value.
#[diagnostic::on_unimplemented(
    message = "a handler takes `{T}` by value, and `{T}` is not `Clone`",
    label = "taken by value, but not `Clone`",
    note = "write `&{T}`, or add `#[derive(Clone)]` to `{T}`: the value is needed by others too, such as another handler"
)]
pub trait ByValue<T> {
    /// A copy of it.
    fn copy(value: &T) -> T;
}

#[diagnostic::do_not_recommend]
impl<H, T: Clone> ByValue<T> for H {
    fn copy(value: &T) -> T {
        value.clone()
    }
}

/// What an event handler may take as its second argument, where it is given `G`.
#[diagnostic::on_unimplemented(
    message = "the second argument of this event handler is `&{G}`, not `&{Self}`",
    label = "not `{G}`",
    note = "write `&{G}`; the handlers of an aggregate see the metadata, which is the same in a decision and in each replay, and those of read models and projections the whole envelope; a projection's context is `&mut`"
)]
pub trait SecondArgument<G> {
    /// The argument.
    fn of(given: &G) -> &Self;
}

impl SecondArgument<Metadata> for Metadata {
    fn of(metadata: &Metadata) -> &Self {
        metadata
    }
}

impl SecondArgument<Envelope> for Metadata {
    fn of(envelope: &Envelope) -> &Self {
        &envelope.metadata
    }
}

impl SecondArgument<Envelope> for Envelope {
    fn of(envelope: &Envelope) -> &Self {
        envelope
    }
}

/// What an event handler may return, where the outcome is `O`.
#[diagnostic::on_unimplemented(
    message = "an event handler returns nothing, and not `{Self}`",
    label = "an event handler returns nothing",
    note = "remove the return type; an event is a fact and cannot be refused; only a handler of a read model may answer with a `Row`"
)]
pub trait Answers<O> {
    /// The outcome.
    fn outcome(self) -> O;
}

impl<O> Answers<O> for O {
    fn outcome(self) -> O {
        self
    }
}
