//! What the test that writes `events.lock` is to know of the types, and the assertions that nothing released has vanished.

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

/// The events of a set; none where one of them is broken, which the compiler says elsewhere.
const fn events<S: EventSet>() -> Option<&'static [EventType]> {
    let Some(shape) = S::SHAPE else { return None };
    let mut index = 0;
    while index < shape.events.len() {
        if shape.events[index].is_broken() {
            return None;
        }
        index += 1;
    }
    Some(shape.events)
}

const fn find(events: &'static [EventType], name: &str) -> Option<&'static EventType> {
    let mut index = 0;
    while index < events.len() {
        if same(events[index].name.as_bytes(), name.as_bytes()) {
            return Some(&events[index]);
        }
        index += 1;
    }
    None
}

/// Whether an event of the set has this stored name.
pub const fn is_event<S: EventSet>(name: &str) -> bool {
    match events::<S>() {
        Some(events) => find(events, name).is_some(),
        None => false,
    }
}

/// Whether the set knows nothing of this stored name.
pub const fn event_is_gone<S: EventSet>(name: &str) -> bool {
    match events::<S>() {
        Some(events) => find(events, name).is_none() && !is_among(S::RETIRED, name),
        None => false,
    }
}

/// Whether the set has the event and does not read this version of it.
pub const fn version_is_gone<S: EventSet>(name: &str, version: u32) -> bool {
    let Some(events) = events::<S>() else { return false };
    match find(events, name) {
        Some(event) => version < event.oldest || version > event.version,
        None => false,
    }
}
