//! Where and when an event stands: streams, versions, positions, metadata.

use std::{collections::BTreeMap, fmt, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one stream of events: the kind of aggregate and the id of the one meant.
///
/// A stream is the unit of consistency: its events are numbered without gaps, and an append names the version it
/// was decided at. Cloning is cheap.
///
/// ```
/// let stream = es_core::StreamId::new("account", "4711");
/// assert_eq!(stream.to_string(), "account/4711");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    stream_type: Arc<str>,
    id: Arc<str>,
}

impl StreamId {
    /// A stream by its type (an aggregate's stored name) and its id within the type.
    pub fn new(stream_type: impl Into<Arc<str>>, id: impl Into<Arc<str>>) -> Self {
        Self { stream_type: stream_type.into(), id: id.into() }
    }

    /// The stored name of the aggregate, such as `account`.
    pub fn stream_type(&self) -> &str {
        &self.stream_type
    }

    /// The id within the type, as the aggregate's id displays itself.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.stream_type, self.id)
    }
}

/// Declares a counter newtype over `u64` that both backends store as a non-negative 64-bit integer.
macro_rules! counter {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            #[doc = concat!("A `", stringify!($name), "` from its number.")]
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number.
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                Self(number)
            }
        }

        impl From<$name> for u64 {
            fn from(counter: $name) -> Self {
                counter.0
            }
        }

        impl PartialEq<u64> for $name {
            fn eq(&self, number: &u64) -> bool {
                self.0 == *number
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

counter! {
    /// How many events a stream holds, and so the number of its last event: 1 is the first event, 0 the empty stream.
    StreamVersion
}

counter! {
    /// An event's place in the one order over all streams of a store, from 1 up.
    ///
    /// Positions grow but need not be dense: a rolled back append may leave a hole for good. 0 is before the first.
    Position
}

impl StreamVersion {
    /// The version of a stream without events.
    pub const EMPTY: Self = Self(0);

    /// The version that `events` further events lead to.
    #[must_use]
    pub const fn after(self, events: u64) -> Self {
        Self(self.0 + events)
    }
}

impl Position {
    /// Before the first event of the store.
    pub const START: Self = Self(0);
}

/// The identity of one event, a time-ordered UUID (version 7) made when the command is tried.
///
/// It is fixed before the decision, so that event handlers see the same one while deciding and in every replay, and so
/// that a repeated append is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// A new id of the present moment.
    pub fn now() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id from its UUID, for stores and tests.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id of the event that the command with this id leads to after `earlier` others.
    ///
    /// It is counted on from the command's in the random part of the UUID, so that an event has the same id while it is
    /// decided and when it is stored, without being told.
    pub(crate) const fn of_event(self, earlier: usize) -> Self {
        const RANDOM: u128 = (1 << 62) - 1;
        let command = self.0.as_u128();
        let counted = command.wrapping_add(earlier as u128 + 1);
        Self(Uuid::from_u128(command & !RANDOM | counted & RANDOM))
    }

    /// The UUID.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What is known about an event before it is stored: who, when, and because of what.
///
/// A fold may depend on it, because it is the same while deciding, after the append and in every replay.
/// What exists only after the append (position, version, time of recording) is in [`Envelope`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metadata {
    /// The event's identity; stores keep it in a column of its own.
    #[serde(skip, default = "nil")]
    pub event_id: EventId,
    /// When the thing happened, by the clock of the command: the present moment unless the command said otherwise.
    pub occurred_at: DateTime<Utc>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What the whole chain of commands and events belongs to, such as a request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The event that led to the command that led to this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<EventId>,
    /// Further facts of the application, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

fn nil() -> EventId {
    EventId(Uuid::nil())
}

impl Metadata {
    /// Metadata of an event that happens at `occurred_at`, with a new event id and nothing else known.
    pub fn at(occurred_at: DateTime<Utc>) -> Self {
        Self {
            event_id: EventId::now(),
            occurred_at,
            actor: None,
            correlation_id: None,
            causation_id: None,
            extra: BTreeMap::new(),
        }
    }

    /// The same facts for another event: all but the event id, which is new.
    #[must_use]
    pub fn for_next_event(&self) -> Self {
        Self { event_id: EventId::now(), ..self.clone() }
    }

    /// What the event is stored with that the command with this metadata leads to after `earlier` others.
    pub(crate) fn of_event(&self, earlier: usize) -> Self {
        Self { event_id: self.event_id.of_event(earlier), ..self.clone() }
    }

    /// Stands in where no handler reads metadata, so that replay need not decode it.
    pub(crate) fn unread() -> Self {
        Self {
            event_id: nil(),
            occurred_at: DateTime::UNIX_EPOCH,
            actor: None,
            correlation_id: None,
            causation_id: None,
            extra: BTreeMap::new(),
        }
    }
}

/// Where a stored event stands, and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its number within the stream, from 1.
    pub version: StreamVersion,
    /// Its place in the order over all streams.
    pub position: Position,
    /// When the store recorded it, by the store's clock, to the microsecond.
    pub recorded_at: DateTime<Utc>,
    /// What was known before it was stored.
    pub metadata: Metadata,
}

impl Envelope {
    /// An envelope from its parts, for stores and tests.
    pub fn new(
        stream: StreamId,
        version: StreamVersion,
        position: Position,
        recorded_at: DateTime<Utc>,
        metadata: Metadata,
    ) -> Self {
        Self { stream, version, position, recorded_at, metadata }
    }
}

/// An event as it was stored, with its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded<E> {
    /// The event, upcast to its present version.
    pub event: E,
    /// Where it stands and what is known about it.
    pub envelope: Envelope,
}

impl<E> Recorded<E> {
    /// A recorded event from its parts, for stores and tests.
    pub fn new(event: E, envelope: Envelope) -> Self {
        Self { event, envelope }
    }
}
