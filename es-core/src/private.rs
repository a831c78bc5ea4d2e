//! What generated code may name. Nothing here is for people, and all of it may change.

mod arguments;
mod block;
mod columns;
mod coverage;
mod fold;
pub mod id;
mod keys;
pub mod lock;
mod project;
mod proofs;
pub mod versions;

pub use std::{string::String, vec::Vec};

pub use self::{
    arguments::*,
    block::*,
    columns::*,
    coverage::*,
    fold::*,
    keys::*,
    project::*,
    proofs::{Proved, aggregate, aggregate_id, event_set, folds, shared_state},
};

pub use serde;
pub use serde_json::Error as JsonError;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    aggregate::Aggregate,
    command::{CommandContext, IntoEvents},
    event::{Event, EventEncoder, EventSchema, EventSet},
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
    note = "`{Self}` must be a struct with `#[derive(Event, Serialize, Deserialize)]`, in its newest version; it is stored under a name of its own"
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
    note = "add `Default` to the derives of `{Self}`, and of its parameters: it is the state of an aggregate to which nothing has happened"
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

/// What a command handler answers with inside `Ok`; written by `#[command_handler]` for each `Handler`.
pub trait Answer<Set> {
    /// What is inside `Ok`.
    type Events: IntoEvents<Set>;
}

/// The events of an answer.
pub fn events<Handler: Answer<Set>, Set>(answer: Handler::Events) -> Vec<Set> {
    answer.into_event_vec()
}

// ── Requirements of a single place ──────────────────────────────────────────

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

/// For each name, whether an earlier one is the same; for constant assertions.
///
/// Constant evaluation is slow, and a set of some hundred events has tens of thousands of pairs: so names are told
/// apart by a hash (64-bit FNV-1a), and compared where the hashes are the same.
pub const fn repeated<const N: usize>(names: [&str; N]) -> [bool; N] {
    let mut hashes = [0; N];
    let mut repeated = [false; N];
    let mut index = 0;
    while index < N {
        hashes[index] = lock::hash(names[index]);
        let mut earlier = 0;
        while earlier < index {
            if hashes[earlier] == hashes[index] && same(names[earlier].as_bytes(), names[index].as_bytes()) {
                repeated[index] = true;
            }
            earlier += 1;
        }
        index += 1;
    }
    repeated
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
