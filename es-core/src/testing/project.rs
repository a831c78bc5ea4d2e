//! What a read model makes of events, without a store.

use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
};

use chrono::Utc;

use super::given::difference;
use crate::{
    aggregate::Aggregate,
    command::IntoEvents,
    event::EventSet,
    projection::{ReadModel, Rows, row},
    recorded::{Metadata, Position, StreamId, StreamVersion},
    store::{NewEvent, StoredEvent},
};

/// Begins a sentence about a read model. The events go the whole way: they are encoded, read back, and folded by key; and
/// so do the rows, which are made into columns and back behind each event.
///
/// ```
/// use es_core::{prelude::*, testing::project};
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct LampId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// # struct LampLit {}
/// # #[derive(EventSet, Debug)]
/// # enum LampEvent { Lit(LampLit) }
/// # #[derive(ReadModel, Debug, PartialEq)]
/// # #[read_model(table = "lamps")]
/// # struct LampSummary { #[read_model(key)] id: LampId, times_lit: u64 }
/// # #[event_handler]
/// # impl LampSummary { fn lit(&mut self, _: &LampLit) { self.times_lit += 1; } }
///
/// let (hall, attic) = (LampId("hall".into()), LampId("attic".into()));
/// project::<LampSummary>()
///     .stream(&hall, (LampLit {}, LampLit {}))
///     .stream(&attic, LampLit {})
///     .expect([LampSummary { id: attic, times_lit: 1 }, LampSummary { id: hall, times_lit: 2 }]);
/// ```
#[must_use = "say what happens with `stream`, and what should become of it with `expect`"]
pub fn project<R: ReadModel>() -> Project<R> {
    Project { rows: Rows::new(), metadata: Metadata::at(Utc::now()), streams: Vec::new() }
}

/// A read model and the events that it has seen.
#[derive(Debug)]
pub struct Project<R: ReadModel> {
    rows: Rows<R>,
    metadata: Metadata,
    /// The version of each stream.
    streams: Vec<(StreamId, StreamVersion)>,
}

impl<R: ReadModel> Project<R> {
    /// What handlers see as actor, time and correlation, from here on.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// These events happen to the aggregate of that id, in order. Handlers see a stream of the type "aggregate".
    ///
    /// # Panics
    /// When an event cannot be stored or read, the id is no key of the read model, or a row does not fit its columns.
    #[must_use = "say what should have become of the events with `expect`"]
    #[track_caller]
    pub fn stream<S: EventSet, E: IntoEvents<S>>(self, id: &impl ToString, events: E) -> Self {
        self.append(&StreamId::new("aggregate", id.to_string()), events.into_event_vec())
    }

    /// These events happen to the aggregate `A` of that id, in order, for handlers that look at the type of the stream.
    ///
    /// # Panics
    /// When an event cannot be stored or read, the id is no key of the read model, or a row does not fit its columns.
    #[must_use = "say what should have become of the events with `expect`"]
    #[track_caller]
    pub fn stream_of<A: Aggregate>(self, id: &A::Id, events: impl IntoEvents<A::Event>) -> Self {
        self.append(&StreamId::new(A::NAME, id.to_string()), events.into_event_vec())
    }

    #[track_caller]
    fn append<S: EventSet>(mut self, stream: &StreamId, events: Vec<S>) -> Self {
        for event in events {
            let metadata = self.metadata.for_next_event();
            let known = serde_json::to_vec(&metadata);
            let known = known.unwrap_or_else(|error| panic!("the metadata cannot be stored: {error}"));
            let new = NewEvent::encode(&event, metadata);
            let new = new.unwrap_or_else(|error| panic!("the event cannot be stored: {error}"));
            let stored = StoredEvent::new(
                stream.clone(),
                self.next_version(stream),
                Position::new(self.rows.position().get() + 1),
                new.schema.name.to_owned(),
                new.schema.version,
                new.metadata.event_id,
                new.payload.into_bytes(),
                known,
                Utc::now(),
            );
            self.fold(&stored);
        }
        self
    }

    /// Folds an event, and puts the rows that it concerns into the form in which stores keep them, and back: a column that
    /// does not come back as it was shows in the test.
    #[track_caller]
    fn fold(&mut self, stored: &StoredEvent) {
        let keys = R::keys(stored).unwrap_or_else(|error| panic!("{error}"));
        let named: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        let (named, table) = (named.join(", "), R::TABLE);
        let event = format!("`{}`, version {} of {}", stored.event_type, stored.version, stored.stream);
        match catch_unwind(AssertUnwindSafe(|| self.rows.apply(stored))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("the row {named} of `{table}` could not take in {event}: {error}"),
            Err(panic) => {
                let said = panic.downcast_ref::<&str>().copied();
                let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason");
                panic!("the row {named} of `{table}` could not take in {event}: the handler panicked: {said}");
            }
        }
        for key in keys {
            let Some(row) = self.rows.get(&key) else { continue };
            match row::through_columns(row) {
                Ok(kept) => self.rows.replace(kept),
                Err(error) => panic!("the row `{key}` of `{table}` does not fit its columns: {error}, behind {event}"),
            }
        }
    }

    fn next_version(&mut self, stream: &StreamId) -> StreamVersion {
        if let Some((_, version)) = self.streams.iter_mut().find(|(known, _)| known == stream) {
            *version = version.after(1);
            return *version;
        }
        let first = StreamVersion::EMPTY.after(1);
        self.streams.push((stream.clone(), first));
        first
    }

    /// Just these rows are there, in any order.
    ///
    /// # Panics
    /// When others are, with the difference.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "it is an assertion; the next one is optional")]
    pub fn expect(self, rows: impl IntoIterator<Item = R>) -> Self
    where
        R: Debug + PartialEq,
    {
        let by_key = |rows: &mut Vec<&R>| rows.sort_by_key(|row| row.key().to_string());
        let expected: Vec<R> = rows.into_iter().collect();
        let mut expected: Vec<&R> = expected.iter().collect();
        let mut actual: Vec<&R> = self.rows.iter().collect();
        by_key(&mut expected);
        by_key(&mut actual);
        assert!(expected == actual, "other rows are there:\n{}", difference(&expected, &actual));
        self
    }

    /// The rows, to look at one by one.
    pub fn rows(&self) -> &Rows<R> {
        &self.rows
    }
}
