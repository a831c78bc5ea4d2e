//! What the test that writes `events.lock` is to know of the types, and the assertions that nothing released has
//! vanished.

use std::any::{TypeId, type_name};

use super::{Member, is_among, same};
use crate::event::{Event, EventSet};

/// One version of an event, as a struct says it.
#[derive(Debug)]
pub struct Shape {
    /// The version; 0 where nothing is recorded.
    pub version: u32,
    /// Its lines in the lock.
    pub text: &'static str,
    /// The version before it, where a struct says it.
    pub previous: Option<&'static Shape>,
}

impl Shape {
    /// Of an event with mistakes: nothing is concluded from it.
    pub const BROKEN: Self = Self { version: 0, text: "broken", previous: None };
    /// Of an event that is exempt from the lock.
    pub const UNLOCKED: Self = Self { version: 0, text: "", previous: None };
}

/// One event of a set.
#[derive(Clone, Copy, Debug)]
pub struct EventType {
    /// The stored name.
    pub name: &'static str,
    /// The oldest version that is read.
    pub oldest: u32,
    /// The present version.
    pub version: u32,
    /// The present version's shape; `None` where the event is written by hand.
    pub shape: Option<&'static Shape>,
    /// Which type it is.
    pub id: TypeId,
    /// What that type is called.
    pub type_name: fn() -> &'static str,
}

impl EventType {
    /// What there is to know of an event.
    pub(crate) const fn of<E: Event>() -> Self {
        Self {
            name: E::NAME,
            oldest: E::OLDEST,
            version: E::VERSION,
            shape: E::SHAPE,
            id: TypeId::of::<E>(),
            type_name: type_name::<E>,
        }
    }

    /// Whether the event is exempt from the lock.
    #[cfg(feature = "testing")]
    pub(crate) fn is_unlocked(&self) -> bool {
        self.shape.is_some_and(|shape| shape.version == 0)
    }

    const fn is_broken(&self) -> bool {
        matches!(self.shape, Some(shape) if same(shape.text.as_bytes(), Shape::BROKEN.text.as_bytes()))
    }
}

/// An event of a set.
pub const fn event_type<Set, E: Member<Set>>() -> EventType {
    E::TYPE
}

/// A set of events.
#[derive(Debug)]
pub struct SetShape {
    /// The name of its enum.
    pub name: &'static str,
    /// Its events.
    pub events: &'static [EventType],
}

/// The stored name of the aggregate `A` that has the events of this set; written by `#[derive(Aggregate)]`.
#[diagnostic::on_unimplemented(
    message = "no aggregate has the events of `{Self}`",
    label = "the set of no aggregate",
    note = "write `{Self} => []` if that is right, or `#[aggregate(event = {Self}, ..)]` above the aggregate that has them"
)]
pub trait NamedBy<A: ?Sized> {
    /// That name.
    const NAME: &'static str;
}

/// A stored name that is released.
#[derive(Debug)]
pub struct Released {
    /// The name.
    pub name: &'static str,
    /// Its [`hash`].
    pub hash: u64,
    /// The versions of the event; none where it is retired.
    pub versions: &'static [u32],
}

/// What has become of a released name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be read, or is retired, as it was.
    Kept,
    /// Nothing has the name.
    Gone,
    /// The first version that cannot be read.
    VersionGone(u32),
    /// It was retired, and is the name of an event again.
    Again,
}

/// A hash of a name: FNV-1a, as `es-derive` has it. The compiler takes its time to compare texts, and there are many
/// pairs of them.
pub const fn hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

/// What has become of each released name. Nothing is concluded where an event is broken, which the compiler says
/// elsewhere.
pub const fn states<S: EventSet, const EVENTS: usize, const NAMES: usize>(
    events: &'static [EventType; EVENTS],
    released: &[Released; NAMES],
) -> [State; NAMES] {
    let mut states = [State::Kept; NAMES];
    let mut hashes = [0; EVENTS];
    let mut index = 0;
    while index < EVENTS {
        if events[index].is_broken() {
            return states;
        }
        hashes[index] = hash(events[index].name);
        index += 1;
    }
    index = 0;
    while index < NAMES {
        states[index] = state(events, &hashes, S::RETIRED, &released[index]);
        index += 1;
    }
    states
}

const fn state(events: &[EventType], hashes: &[u64], retired: &[&str], released: &Released) -> State {
    let mut index = 0;
    while index < events.len() {
        if hashes[index] == released.hash && same(events[index].name.as_bytes(), released.name.as_bytes()) {
            return state_of_event(&events[index], released.versions);
        }
        index += 1;
    }
    if is_among(retired, released.name) { State::Kept } else { State::Gone }
}

const fn state_of_event(event: &EventType, versions: &[u32]) -> State {
    if versions.is_empty() {
        return State::Again;
    }
    let mut index = 0;
    while index < versions.len() {
        if versions[index] < event.oldest || versions[index] > event.version {
            return State::VersionGone(versions[index]);
        }
        index += 1;
    }
    State::Kept
}
