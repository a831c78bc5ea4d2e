//! What generated code may name. Nothing here is for people, and all of it may change.

pub use core::{
    clone::Clone,
    convert::{From, Into},
    default::Default,
    fmt,
    marker::{Send, Sync},
    option::Option,
    result::Result,
    str::FromStr,
};
pub use std::vec::Vec;

pub use serde;

pub use crate::event::assert_handles;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    event::{Dispatch, Event, EventEncoder, EventOf, EventSchema},
    recorded::Metadata,
    snapshot::Snapshots,
    store::DecodeError,
};

// ── One requirement, one message ────────────────────────────────────────────
//
// Generated code needs one requirement in several places, and the compiler would report it in each. So each requirement
// is the supertrait of a trait here, which generated code implements once, where the message is to appear. All other
// places ask for the trait here only, and that is implemented even where its supertrait is not.

/// An event with all that a set needs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an event of a set",
    label = "an event of a set is an `Event`, and `Serialize`",
    note = "write `#[derive(Event, Serialize, Deserialize)]` above `struct {Self}`"
)]
pub trait StorableEvent: Event + Serialize {}

#[diagnostic::do_not_recommend]
impl<E: Event + Serialize> StorableEvent for E {}

/// An event in the set `Set`.
pub trait Member<Set>: StorableEvent {}

/// A set whose events `H` handles.
pub trait HandledBy<H>: Dispatch<H> {}

/// The schema of an event of a set.
pub const fn schema<Set, E: Member<Set>>() -> EventSchema {
    EventSchema::of::<E>()
}

/// The stored name of an event of a set.
pub const fn name<Set, E: Member<Set>>() -> &'static str {
    E::NAME
}

/// Encodes an event of a set.
///
/// # Errors
/// What the encoder returns.
pub fn encode<Set, E: Member<Set>, C: EventEncoder>(event: &E, encoder: C) -> Result<C::Output, C::Error> {
    encoder.encode(event)
}

/// Decodes the payload of an event in its present version.
///
/// # Errors
/// [`DecodeError`] where the version is another, or the payload does not fit.
pub fn decode<Set, E: Member<Set>>(version: u32, payload: &[u8]) -> Result<E, DecodeError> {
    if version == E::VERSION {
        crate::store::decode::json(payload)
    } else {
        Err(DecodeError::UnknownVersion { newest: E::VERSION })
    }
}

/// Hands an event to its handler.
pub fn fold<Set: HandledBy<H>, H>(handler: &mut H, event: Set, metadata: &Metadata) {
    event.dispatch(handler, metadata);
}

/// Shows an event to its handler.
pub fn fold_ref<Set: HandledBy<H>, H>(handler: &mut H, event: &Set, metadata: &Metadata) {
    event.dispatch_ref(handler, metadata);
}

// ── Requirements of a single place ──────────────────────────────────────────

/// Proves that the argument of a handler is an event of the set.
pub const fn event_of<Set, E: EventOf<Set>>() {}

/// What a handler may take by value.
#[diagnostic::on_unimplemented(
    message = "a handler takes `{Self}` by value, and `{Self}` is not `Clone`",
    label = "taken by value, but not `Clone`",
    note = "write `&{Self}`, or add `#[derive(Clone)]` to `{Self}`: while deciding, the value is needed by others too"
)]
pub trait ByValue: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> ByValue for T {}

/// A copy for a handler that takes its argument by value.
pub fn by_value<T: ByValue>(value: &T) -> T {
    value.clone()
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

/// Where a set does not know an event of that name.
///
/// # Errors
/// Always.
#[cold]
pub fn unknown_event<S>() -> Result<S, DecodeError> {
    Err(DecodeError::UnknownEvent)
}

/// Whether no two of the names are the same, for a constant assertion.
pub const fn all_different(names: &[&str]) -> bool {
    let mut first = 0;
    while first < names.len() {
        let mut second = first + 1;
        while second < names.len() {
            if same(names[first].as_bytes(), names[second].as_bytes()) {
                return false;
            }
            second += 1;
        }
        first += 1;
    }
    true
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
    let mut earlier = 0;
    while earlier < index {
        if same(names[earlier].as_bytes(), names[index].as_bytes()) {
            return false;
        }
        earlier += 1;
    }
    true
}
