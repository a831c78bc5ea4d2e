//! What is asked of a store to give events back, and what it answers.

use std::fmt;

use chrono::{DateTime, Utc};

use super::{
    append::check_names,
    decode::{self, DecodeError},
    error::{Corrupt, Fault},
    history::HistoryId,
    invalid::InvalidRequest,
};
use crate::{
    event::{Event, EventSchema, EventSet},
    recorded::{Envelope, EventId, Metadata, Position, Recorded, StreamId, StreamVersion},
};

/// How far an aggregate is built up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// To its present state.
    #[default]
    Latest,
    /// To just this version.
    Version(StreamVersion),
    /// To the longest run of events, from the first, that were recorded at this time or before.
    RecordedAt(DateTime<Utc>),
    /// To the last event at this position or before.
    Position(Position),
}

/// A request for what is needed to build up one aggregate.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Load {
    /// The stream.
    pub stream: StreamId,
    /// How far.
    pub until: Until,
    /// The fingerprint of the snapshots that can be used; `None` to replay from the start.
    pub fingerprint: Option<&'static str>,
    /// The highest version at which a snapshot can be used, where that is less than `until` allows.
    pub snapshot_at_most: Option<StreamVersion>,
    /// An idempotency key to look up in the stream.
    pub idempotency_key: Option<String>,
    /// Whether the events' metadata is wanted; without it a store may leave it out.
    pub metadata: bool,
}

impl Load {
    /// A request for the present state of a stream, replayed from the start.
    pub fn new(stream: StreamId) -> Self {
        Self {
            stream,
            until: Until::Latest,
            fingerprint: None,
            snapshot_at_most: None,
            idempotency_key: None,
            metadata: true,
        }
    }

    /// Refuses names that no store can hold. Stores call it before anything else.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the first limit that is broken.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        check_names(&self.stream, self.idempotency_key.as_deref())
    }

    /// Stops earlier.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.until = until;
        self
    }

    /// Starts from a snapshot with this fingerprint, where there is one.
    #[must_use]
    pub fn snapshot(mut self, fingerprint: Option<&'static str>) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// Says that the events' metadata will not be read: most aggregates are built up without it.
    #[must_use]
    pub fn without_metadata(mut self) -> Self {
        self.metadata = false;
        self
    }

    /// Uses only snapshots at this version or before, so that the events behind it are among those returned.
    #[must_use]
    pub fn snapshot_at_most(mut self, version: StreamVersion) -> Self {
        self.snapshot_at_most = Some(version);
        self
    }

    /// Looks up an idempotency key in the same answer.
    #[must_use]
    pub fn idempotency_key(mut self, key: Option<String>) -> Self {
        self.idempotency_key = key;
        self
    }
}

/// An append that stands in the stream under the idempotency key that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedAppend {
    /// The version of its first event.
    pub first: StreamVersion,
    /// The version of its last event.
    pub last: StreamVersion,
}

impl KeyedAppend {
    /// The append that stored `size` events from version `first` on.
    pub fn new(first: StreamVersion, size: u64) -> Self {
        Self { first, last: StreamVersion::new(first.get() + size.max(1) - 1) }
    }
}

/// The answer to a [`Load`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LoadedStream {
    /// The newest snapshot that could be used.
    pub snapshot: Option<StoredSnapshot>,
    /// The events behind it, by rising version, up to where the request stops.
    pub events: Vec<StoredEvent>,
    /// The append under the key that was asked for.
    pub keyed: Option<KeyedAppend>,
    /// When the stream was archived, if it is.
    pub archived_at: Option<DateTime<Utc>>,
    /// The history that all of it was read from.
    pub history: HistoryId,
}

impl LoadedStream {
    /// An answer, for stores.
    pub fn new(
        history: HistoryId,
        snapshot: Option<StoredSnapshot>,
        events: Vec<StoredEvent>,
        keyed: Option<KeyedAppend>,
    ) -> Self {
        Self { snapshot, events, keyed, archived_at: None, history }
    }

    /// The answer about a stream without events, for stores.
    pub fn empty(history: HistoryId) -> Self {
        Self::new(history, None, Vec::new(), None)
    }

    /// The same answer for a stream that is archived, or is not.
    #[must_use]
    pub fn archived_at(mut self, time: Option<DateTime<Utc>>) -> Self {
        self.archived_at = time;
        self
    }
}

/// A snapshot as a store gives it back.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredSnapshot {
    /// The version of the stream that it holds the state of.
    pub version: StreamVersion,
    /// The position of the event of that version.
    pub position: Position,
    /// The state, as JSON.
    pub state: Vec<u8>,
}

impl StoredSnapshot {
    /// A snapshot, for stores.
    pub fn new(version: StreamVersion, position: Position, state: Vec<u8>) -> Self {
        Self { version, position, state }
    }
}

/// A snapshot on its way into a store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewSnapshot {
    /// The stream.
    pub stream: StreamId,
    /// The version that it holds the state of.
    pub version: StreamVersion,
    /// The position of the event of that version.
    pub position: Position,
    /// What tells the structure of the state from others.
    pub fingerprint: &'static str,
    /// The state, as JSON.
    pub state: String,
    /// The history that the state is of. A store that has another one by now must drop the snapshot: there, other events
    /// may lead to the same version. `None` where that cannot be.
    pub history: Option<HistoryId>,
}

impl NewSnapshot {
    /// A snapshot of `stream` at `version`, whose event stands at `position`.
    pub fn new(
        stream: StreamId,
        version: StreamVersion,
        position: Position,
        fingerprint: &'static str,
        state: String,
    ) -> Self {
        Self { stream, version, position, fingerprint, state, history: None }
    }

    /// The same snapshot, only for the history that its state is of.
    #[must_use]
    pub fn of_history(mut self, history: HistoryId) -> Self {
        self.history = Some(history);
        self
    }
}

/// A request for the events of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadStream {
    /// The stream.
    pub stream: StreamId,
    /// Only events behind this version.
    pub after: StreamVersion,
    /// Only events before this version, where it is set.
    pub before: Option<StreamVersion>,
    /// Whether the newest come first.
    pub backwards: bool,
}

impl ReadStream {
    /// A request for all events of a stream, the oldest first.
    pub fn new(stream: StreamId) -> Self {
        Self { stream, after: StreamVersion::EMPTY, before: None, backwards: false }
    }

    /// Refuses names that no store can hold. Stores call it before anything else.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the first limit that is broken.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        check_names(&self.stream, None)
    }

    /// Only those behind a version.
    #[must_use]
    pub fn after(mut self, version: StreamVersion) -> Self {
        self.after = version;
        self
    }

    /// Only those before a version.
    #[must_use]
    pub fn before(mut self, version: StreamVersion) -> Self {
        self.before = Some(version);
        self
    }

    /// The newest first.
    #[must_use]
    pub fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }
}

/// An event in its stored form, as a store gives it back.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct StoredEvent {
    /// Its stream.
    pub stream: StreamId,
    /// Its number within the stream.
    pub version: StreamVersion,
    /// Its place in the order over all streams.
    pub position: Position,
    /// Its stored name.
    pub event_type: String,
    /// The version of its stored form.
    pub schema_version: u32,
    /// Its identity.
    pub event_id: EventId,
    /// The event, as JSON.
    pub payload: Vec<u8>,
    /// The metadata without the event id, as JSON; empty where a [`Load`] did not want it.
    pub metadata: Vec<u8>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// With payload and metadata as text.
impl fmt::Debug for StoredEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, version, position, event_type, schema_version, event_id, .. } = self;
        let [payload, metadata] = [&self.payload, &self.metadata].map(|json| String::from_utf8_lossy(json));
        formatter
            .debug_struct("StoredEvent")
            .field("stream", stream)
            .field("version", version)
            .field("position", position)
            .field("event_type", event_type)
            .field("schema_version", schema_version)
            .field("event_id", event_id)
            .field("payload", &format_args!("{payload}"))
            .field("metadata", &format_args!("{metadata}"))
            .field("recorded_at", &self.recorded_at)
            .finish()
    }
}

impl StoredEvent {
    /// An event of `stream`; further parts are set by the store.
    #[expect(clippy::too_many_arguments, reason = "one argument per column, named alike")]
    pub fn new(
        stream: StreamId,
        version: StreamVersion,
        position: Position,
        event_type: String,
        schema_version: u32,
        event_id: EventId,
        payload: Vec<u8>,
        metadata: Vec<u8>,
        recorded_at: DateTime<Utc>,
    ) -> Self {
        Self { stream, version, position, event_type, schema_version, event_id, payload, metadata, recorded_at }
    }

    /// The typed event, upcast to its present version; `None` where it is [retired](EventSet::RETIRED).
    ///
    /// # Errors
    /// [`Corrupt`] when the set does not know it, or its payload does not fit.
    pub fn decode_event<S: EventSet>(&self) -> Result<Option<S>, Box<Corrupt>> {
        S::decode(&self.event_type, self.schema_version, &self.payload)
            .map_err(|error| self.corrupt(decode::fault(error, S::SCHEMAS)))
    }

    /// The event as the type `E`, upcast to its present version: the way of readers that know which event it is.
    ///
    /// # Errors
    /// [`Corrupt`] when it has another stored name, or its payload does not fit.
    pub fn decode_as<E: Event>(&self) -> Result<E, Box<Corrupt>> {
        let decoded = if self.event_type == E::NAME {
            E::decode(self.schema_version, &self.payload)
        } else {
            Err(DecodeError::UnknownEvent)
        };
        decoded.map_err(|error| self.corrupt(decode::fault(error, &[EventSchema::of::<E>()])))
    }

    /// Where it stands, and what is known about it.
    ///
    /// # Errors
    /// [`Corrupt`] when the stored metadata cannot be read.
    pub fn envelope(&self) -> Result<Envelope, Box<Corrupt>> {
        let metadata = self.decode_metadata()?;
        Ok(Envelope::new(self.stream.clone(), self.version, self.position, self.recorded_at, metadata))
    }

    /// What was known about it before it was stored.
    ///
    /// # Errors
    /// [`Corrupt`] when the stored metadata cannot be read.
    pub fn decode_metadata(&self) -> Result<Metadata, Box<Corrupt>> {
        let metadata: Metadata = decode::json(&self.metadata).map_err(|error| match error {
            DecodeError::Payload { path, message } => self.corrupt(Fault::Metadata { path, message }),
            other => self.corrupt(decode::fault(other, &[])),
        })?;
        Ok(Metadata { event_id: self.event_id, ..metadata })
    }

    /// The typed event with its envelope; `None` where it is [retired](EventSet::RETIRED).
    ///
    /// # Errors
    /// [`Corrupt`] when event or metadata cannot be read.
    pub fn decode<S: EventSet>(self) -> Result<Option<Recorded<S>>, Box<Corrupt>> {
        let Some(event) = self.decode_event()? else { return Ok(None) };
        Ok(Some(Recorded::new(event, self.envelope()?)))
    }

    fn corrupt(&self, fault: Fault) -> Box<Corrupt> {
        Box::new(Corrupt {
            event_type: self.event_type.clone(),
            schema_version: self.schema_version,
            stream: self.stream.clone(),
            version: self.version,
            position: self.position,
            fault,
        })
    }
}
