//! What generated code may name. Nothing here is for people, and all of it may change.

pub mod id;
pub mod lock;
pub mod versions;

pub use std::vec::Vec;

pub use serde;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    aggregate::Aggregate,
    command::{CommandContext, IntoEvents},
    event::{Dispatch, Event, EventEncoder, EventOf, EventSchema, EventSet},
    recorded::Metadata,
    snapshot::Snapshots,
    store::DecodeError,
};

// ── One requirement, one message ────────────────────────────────────────────
//
// Generated code needs the same of a type in several places, and the compiler would report it in each. So each
// requirement is a trait without supertraits (`StorableEvent`), with a blanket implementation, and generated code states
// it once: it implements, where the message is to appear, a trait whose supertrait it is (`Member`). All other places
// ask for that second trait, which is implemented even where its supertrait is not.

/// An event with all that a set needs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an event of a set",
    label = "an event of a set is an `Event`, and `Serialize`",
    note = "`{Self}` must be a struct with `#[derive(Event, Serialize, Deserialize)]`; it is stored under a name of its own"
)]
pub trait StorableEvent: Sized {
    /// Its name and version.
    const SCHEMA: EventSchema;
    /// What its lock is to know.
    const TYPE: lock::EventType;

    /// Encodes it.
    ///
    /// # Errors
    /// What the encoder returns.
    fn encode<C: EventEncoder>(&self, encoder: C) -> Result<C::Output, C::Error>;

    /// Decodes its payload in any version that it can read.
    ///
    /// # Errors
    /// As [`Event::decode`].
    fn decode(version: u32, payload: &[u8]) -> Result<Self, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<E: Event + Serialize> StorableEvent for E {
    const SCHEMA: EventSchema = EventSchema::of::<E>();
    const TYPE: lock::EventType = lock::EventType::of::<E>();

    fn encode<C: EventEncoder>(&self, encoder: C) -> Result<C::Output, C::Error> {
        encoder.encode(self)
    }

    fn decode(version: u32, payload: &[u8]) -> Result<Self, DecodeError> {
        E::decode(version, payload)
    }
}

/// An event in the set `Set`; written by `#[derive(EventSet)]`.
pub trait Member<Set>: StorableEvent {}

/// The schema of an event of a set.
pub const fn schema<Set, E: Member<Set>>() -> EventSchema {
    E::SCHEMA
}

/// The stored name of an event of a set.
pub const fn name<Set, E: Member<Set>>() -> &'static str {
    E::SCHEMA.name
}

/// Encodes an event of a set.
///
/// # Errors
/// What the encoder returns.
pub fn encode<Set, E: Member<Set>, C: EventEncoder>(event: &E, encoder: C) -> Result<C::Output, C::Error> {
    event.encode(encoder)
}

/// Decodes the payload of an event of a set, and puts it into its variant.
///
/// # Errors
/// As [`Event::decode`].
pub fn decode<Set, E: Member<Set>>(
    version: u32,
    payload: &[u8],
    variant: fn(E) -> Set,
) -> Result<Option<Set>, DecodeError> {
    E::decode(version, payload).map(|event| Some(variant(event)))
}

/// A state that can be that of an aggregate to which nothing has happened.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no state to begin with",
    label = "needs `Default`",
    note = "add `Default` to the derives of `{Self}`: it is the state of an aggregate to which nothing has happened"
)]
pub trait Initial {
    /// That state.
    fn initial() -> Self;
}

#[diagnostic::do_not_recommend]
impl<A: Default> Initial for A {
    fn initial() -> Self {
        Self::default()
    }
}

/// An aggregate has a first state; written by `#[derive(Aggregate)]`.
pub trait HasInitial: Initial {}

/// The state of an aggregate to which nothing has happened.
pub fn initial<A: HasInitial>() -> A {
    A::initial()
}

/// The one block of event handlers that an aggregate has; written by `#[event_handler]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no event handlers",
    label = "no `#[event_handler]` block",
    note = "write `#[event_handler] impl {Self} {{ .. }}` with one `fn name(&mut self, event: &Event)` for each event of the set"
)]
pub trait OneEventHandlerBlock<Set> {
    /// Whether any handler reads metadata.
    const READS_METADATA: bool;

    /// Hands an event to its handler.
    fn fold(&mut self, event: Set, metadata: &Metadata);

    /// Shows an event to its handler.
    fn fold_ref(&mut self, event: &Set, metadata: &Metadata);
}

/// An aggregate has event handlers; written by `#[derive(Aggregate)]`.
pub trait HasEventHandlers<Set>: OneEventHandlerBlock<Set> {}

/// Whether any handler reads metadata.
pub const fn reads_metadata<Set, A: HasEventHandlers<Set>>() -> bool {
    A::READS_METADATA
}

/// Hands an event to the block of handlers.
pub fn fold<Set, A: HasEventHandlers<Set>>(state: &mut A, event: Set, metadata: &Metadata) {
    state.fold(event, metadata);
}

/// Shows an event to the block of handlers.
pub fn fold_ref<Set, A: HasEventHandlers<Set>>(state: &mut A, event: &Set, metadata: &Metadata) {
    state.fold_ref(event, metadata);
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

/// What a command handler answers with inside `Ok`; written by `#[command_handler]` for each `Handler`.
pub trait Answer<Handler, Set>: IntoEvents<Set> {}

/// The events of an answer.
pub fn events<Handler, Set, E: Answer<Handler, Set>>(answer: E) -> Vec<Set> {
    answer.into_event_vec()
}

// ── Requirements of a single place ──────────────────────────────────────────

/// Proves that the argument of a handler is an event of the set.
pub const fn event_of<Set, E: EventOf<Set>>() {}

/// What a handler of `Self` may take by value.
#[diagnostic::on_unimplemented(
    message = "a handler takes `{T}` by value, and `{T}` is not `Clone`",
    label = "taken by value, but not `Clone`",
    note = "write `&{T}`, or add `#[derive(Clone)]` to `{T}`: while deciding, the value is needed by others too"
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

/// What an event handler may take as its second argument.
#[diagnostic::on_unimplemented(
    message = "the second argument of an event handler is `&Metadata`, not `&{Self}`",
    label = "not `Metadata`",
    note = "write `&Metadata`: what exists only after the append, such as the position, differs between a decision and a replay"
)]
pub trait MetadataArgument {
    /// The argument.
    fn of(metadata: &Metadata) -> &Self;
}

impl MetadataArgument for Metadata {
    fn of(metadata: &Metadata) -> &Self {
        metadata
    }
}

/// What a command handler of `A` may take as its second argument.
#[diagnostic::on_unimplemented(
    message = "the second argument of a command handler is `&CommandContext<'_, Self>`, not `&{Self}`",
    label = "not the `CommandContext` of this aggregate",
    note = "write `&CommandContext<'_, Self>`; it has the id, the version and the metadata"
)]
pub trait ContextArgument<'c, A: Aggregate> {
    /// The argument.
    fn of<'a>(context: &'a CommandContext<'c, A>) -> &'a Self;
}

impl<'c, A: Aggregate> ContextArgument<'c, A> for CommandContext<'c, A> {
    fn of(context: &Self) -> &Self {
        context
    }
}

/// A state of which snapshots can be kept.
#[diagnostic::on_unimplemented(
    message = "snapshots of `{Self}` cannot be kept",
    label = "needs `Serialize` and `Deserialize`",
    note = "add `Serialize` and `Deserialize` to the derives of `{Self}`, or remove `snapshot(..)`"
)]
pub trait SnapshotState: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<A: Serialize + DeserializeOwned> SnapshotState for A {}

/// The snapshots of an aggregate.
pub const fn snapshots<A: SnapshotState>(every: u64, fingerprint: &'static str) -> Option<Snapshots<A>> {
    Some(Snapshots::every(every, fingerprint))
}

// ── Small parts of generated code ───────────────────────────────────────────

/// The type itself.
pub type Itself<T> = T;

/// Where no variant of a set has an event of that name: `None` where the name is retired.
///
/// # Errors
/// Where it is not.
#[cold]
pub fn no_event<S: EventSet>(name: &str) -> Result<Option<S>, DecodeError> {
    if S::RETIRED.contains(&name) { Ok(None) } else { Err(DecodeError::UnknownEvent) }
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Whether no name before `index` is the same as the one there, for a constant assertion.
pub const fn is_first(names: &[&str], index: usize) -> bool {
    !is_among(names.split_at(index).0, names[index])
}

/// Whether a name is among others, for a constant assertion.
pub const fn is_among(names: &[&str], name: &str) -> bool {
    let mut index = 0;
    while index < names.len() {
        if same(names[index].as_bytes(), name.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}
