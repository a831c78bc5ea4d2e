//! What is asked of a store to keep events, and what it answers.

use chrono::{DateTime, Utc};

use super::{encode, history::HistoryId, invalid::InvalidRequest, limits, turn::Turn};
use crate::{
    event::{EventSchema, EventSet},
    recorded::{EventId, Metadata, Position, StreamId, StreamVersion},
    store::EncodeError,
};

/// Which version a stream must have for an append to succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it has.
    Any,
    /// The stream must be empty.
    NoStream,
    /// The stream must have events.
    StreamExists,
    /// The stream must be at just this version.
    Exact(StreamVersion),
}

impl Expected {
    /// Whether a stream at `actual` is as expected.
    pub fn allows(self, actual: StreamVersion) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => actual == StreamVersion::EMPTY,
            Self::StreamExists => actual > StreamVersion::EMPTY,
            Self::Exact(version) => actual == version,
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => formatter.write_str("any version"),
            Self::NoStream => formatter.write_str("no stream"),
            Self::StreamExists => formatter.write_str("an existing stream"),
            Self::Exact(version) => write!(formatter, "version {version}"),
        }
    }
}

/// One event on its way into a store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewEvent {
    /// Its stored name and version.
    pub schema: EventSchema,
    /// Its stored form, as JSON.
    pub payload: String,
    /// What is known about it, with its event id.
    pub metadata: Metadata,
}

impl NewEvent {
    /// An event that is in its stored form already, as JSON; for copies between stores and for tests of stores.
    pub fn new(schema: EventSchema, payload: String, metadata: Metadata) -> Self {
        Self { schema, payload, metadata }
    }

    /// An event of a set in its stored form.
    ///
    /// # Errors
    /// [`EncodeError`] where the event has a value that cannot be stored and read back: NaN, NUL, too deep a nesting.
    pub fn encode<S: EventSet>(event: &S, metadata: Metadata) -> Result<Self, EncodeError> {
        let schema = event.schema();
        let payload = event.encode_with(encode::JsonEncoder)?;
        Ok(Self { schema, payload, metadata })
    }
}

/// A request to store events behind one stream.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Append {
    /// The stream.
    pub stream: StreamId,
    /// The version that it must have.
    pub expected: Expected,
    /// The events, in order.
    pub events: Vec<NewEvent>,
    /// Names this append within its stream: a second one of the same name stores nothing.
    pub idempotency_key: Option<String>,
    /// The history in which it was decided, where that matters: in another one it is refused.
    pub decided_in: Option<HistoryId>,
    /// Ends when the store lets go of this request.
    pub(crate) turn: Turn,
}

impl Append {
    /// A request to store `events` behind `stream`.
    pub fn new(stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Self {
        Self { stream, expected, events, idempotency_key: None, decided_in: None, turn: Turn::default() }
    }

    /// Names this append within its stream: a second one of the same name is answered with the first result.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Says in which history this was decided. In another, the same version may be another event.
    #[must_use]
    pub fn decided_in(mut self, history: HistoryId) -> Self {
        self.decided_in = Some(history);
        self
    }

    /// The name under which stores keep this append, so that the same one, sent again, is known: its own, or the id of its first
    /// event where it fixes no version. Without one the stream would have gone a step further, and it would be stored twice.
    ///
    /// ```
    /// use es_core::{EventSchema, prelude::*, store::{Append, NewEvent}};
    ///
    /// let lit = NewEvent::new(EventSchema::new("LampLit", 1), "{}".to_owned(), Metadata::at(Utc::now()));
    /// let id = lit.metadata.event_id.to_string();
    /// let append = |expected| Append::new(StreamId::new("lamp", "hall"), expected, vec![lit.clone()]);
    /// assert_eq!(append(Expected::Any).kept_key(), Some(id));
    /// assert_eq!(append(Expected::NoStream).kept_key(), None);
    /// assert_eq!(append(Expected::Any).idempotency_key("evening").kept_key().as_deref(), Some("evening"));
    /// ```
    pub fn kept_key(&self) -> Option<String> {
        let first = self.events.first().map(|event| event.metadata.event_id);
        match (&self.idempotency_key, self.expected) {
            (Some(key), _) => Some(key.clone()),
            (None, Expected::Any | Expected::StreamExists) => first.map(|id| id.to_string()),
            (None, Expected::NoStream | Expected::Exact(_)) => None,
        }
    }

    /// Refuses what no store can keep. Stores call it before anything else.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the first limit that is broken.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        check_names(&self.stream, self.idempotency_key.as_deref())?;
        if self.events.is_empty() {
            return Err(InvalidRequest::NoEvents);
        }
        if self.events.len() > limits::MAX_EVENTS {
            return Err(InvalidRequest::TooManyEvents { events: self.events.len(), limit: limits::MAX_EVENTS });
        }
        let mut total = 0;
        for (index, event) in self.events.iter().enumerate() {
            let bytes = event.payload.len();
            if bytes > limits::MAX_EVENT_BYTES {
                let event_type = event.schema.name;
                return Err(InvalidRequest::EventTooLarge { index, event_type, bytes, limit: limits::MAX_EVENT_BYTES });
            }
            if has_escaped_nul(&event.payload) {
                return Err(
                    EncodeError::of_raw_json(event.schema, "a text with a NUL character, written as \\u0000").into()
                );
            }
            total += bytes;
            check_metadata(&event.metadata)?;
        }
        if total > limits::MAX_APPEND_BYTES {
            return Err(InvalidRequest::AppendTooLarge { bytes: total, limit: limits::MAX_APPEND_BYTES });
        }
        Ok(())
    }
}

/// Whether JSON holds a NUL character: the escape `\u0000` that is not itself escaped by another backslash.
fn has_escaped_nul(json: &str) -> bool {
    let escaped = |at: usize| json[..at].bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 0;
    json.match_indices("\\u0000").any(|(at, _)| escaped(at))
}

/// Refuses names that no store can hold, whether to write or to look for them.
pub(super) fn check_names(stream: &StreamId, idempotency_key: Option<&str>) -> Result<(), InvalidRequest> {
    check_text("stream type", stream.stream_type(), limits::MAX_STREAM_TYPE_BYTES)?;
    check_text("stream id", stream.id(), limits::MAX_STREAM_ID_BYTES)?;
    idempotency_key.map_or(Ok(()), |key| check_text("idempotency key", key, limits::MAX_KEY_BYTES))
}

pub(super) fn check_text(what: &'static str, text: &str, limit: usize) -> Result<(), InvalidRequest> {
    if text.is_empty() {
        return Err(InvalidRequest::Empty { what });
    }
    if text.len() > limit {
        return Err(InvalidRequest::TooLong { what, bytes: text.len(), limit });
    }
    check_nul(what, text)
}

pub(super) fn check_nul(what: &'static str, text: &str) -> Result<(), InvalidRequest> {
    if text.contains('\0') { Err(InvalidRequest::Nul { what }) } else { Ok(()) }
}

fn check_metadata(metadata: &Metadata) -> Result<(), InvalidRequest> {
    let optional = [("actor", &metadata.actor), ("correlation id", &metadata.correlation_id)];
    let mut bytes = 0;
    for (what, text) in optional {
        if let Some(text) = text {
            check_nul(what, text)?;
            bytes += text.len();
        }
    }
    for (name, value) in &metadata.extra {
        check_nul("name of extra metadata", name)?;
        check_nul("extra metadata", value)?;
        bytes += name.len() + value.len();
    }
    if bytes > limits::MAX_EVENT_BYTES {
        return Err(InvalidRequest::TooLong { what: "metadata", bytes, limit: limits::MAX_EVENT_BYTES });
    }
    Ok(())
}

/// Where one event of an append was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed {
    /// Which event.
    pub event_id: EventId,
    /// Its number within the stream.
    pub version: StreamVersion,
    /// Its place in the order over all streams.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

impl Placed {
    /// The place of one event, for stores.
    pub fn new(event_id: EventId, version: StreamVersion, position: Position, recorded_at: DateTime<Utc>) -> Self {
        Self { event_id, version, position, recorded_at }
    }
}

/// The answer to an append that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// Where each event stands, in the order of the request; of a replayed append, those of the first time.
    pub events: Vec<Placed>,
    /// Whether these events stood already, so that nothing was stored now.
    pub replayed: bool,
}

impl Appended {
    /// An answer, for stores.
    pub fn new(events: Vec<Placed>, replayed: bool) -> Self {
        Self { events, replayed }
    }

    /// The version of the last event.
    pub fn version(&self) -> StreamVersion {
        self.events.last().map_or(StreamVersion::EMPTY, |placed| placed.version)
    }

    /// The position of the last event.
    pub fn position(&self) -> Position {
        self.events.last().map_or(Position::START, |placed| placed.position)
    }
}
