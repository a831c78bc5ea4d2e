//! Which events of all streams a reader asks for.

use super::{
    append::{check_names, check_nul},
    checkpoint::Checkpoint,
    invalid::InvalidRequest,
    read::StoredEvent,
};
use crate::{
    event::EventSet,
    recorded::{Position, StreamId},
};

/// A request for events of all streams, by rising position.
///
/// Filters of different kinds narrow each other down: an event must pass all of them. Within one kind it needs to pass
/// one: what is named in several calls adds up. An empty list is a list: it lets no event through.
///
/// ```
/// use es_core::{Position, StreamId, store::ReadAll};
///
/// // Deposits and withdrawals of two accounts.
/// let read = ReadAll::after(Position::START)
///     .event_types(["MoneyDeposited", "MoneyWithdrawn"])
///     .streams([StreamId::new("account", "4711"), StreamId::new("account", "4712")]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadAll {
    /// Only events behind this position.
    pub after: Position,
    /// Only events up to this position, and this one; `None` for no end.
    pub until: Option<Position>,
    /// Only events that pass this.
    pub filter: Filter,
    /// The event behind which to go on, which must stand there still; `None` where `after` is enough.
    pub resume: Option<Checkpoint>,
}

impl ReadAll {
    /// The events behind a position; [`Position::START`] for all.
    ///
    /// A position is a whole checkpoint where it is kept in the same database as the events, because then both are
    /// restored and fail over together. For one kept elsewhere there is [`resume`](Self::resume).
    pub fn after(position: Position) -> Self {
        Self { after: position, until: None, filter: Filter::default(), resume: None }
    }

    /// The events behind the one that a checkpoint names, which the store looks for before it reads on.
    ///
    /// In another history than the checkpoint's, or where another event stands in its place, or none, the answer is
    /// [`StoreError::HistoryDiverged`](super::StoreError::HistoryDiverged): after a restore or a failover events that were
    /// read may be gone, and positions given out again. What was made of them has to be made anew, or the checkpoint
    /// [assumed complete](Checkpoint::assume_complete_in) by someone who knows.
    pub fn resume(checkpoint: Checkpoint) -> Self {
        Self { resume: Some(checkpoint), ..Self::after(checkpoint.position) }
    }

    /// Stops behind this position.
    #[must_use]
    pub fn until(mut self, position: Position) -> Self {
        self.until = Some(position);
        self
    }

    /// Only events with one of these stored names.
    #[must_use]
    pub fn event_types<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.filter.event_types.get_or_insert_default().extend(names.into_iter().map(Into::into));
        self
    }

    /// Only events of this set: those that it can be read as. The [retired](EventSet::RETIRED) are left out, because no
    /// typed reader sees them.
    #[must_use]
    pub fn events_of<S: EventSet>(self) -> Self {
        self.event_types(S::SCHEMAS.iter().map(|schema| schema.name))
    }

    /// Only events of streams of one of these types: the stored names of aggregates.
    #[must_use]
    pub fn stream_types<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.filter.stream_types.get_or_insert_default().extend(names.into_iter().map(Into::into));
        self
    }

    /// Only events of one of these streams.
    #[must_use]
    pub fn streams(mut self, streams: impl IntoIterator<Item = StreamId>) -> Self {
        self.filter.streams.get_or_insert_default().extend(streams);
        self
    }

    /// The same request, going on behind another position. What `resume` asked for is done with.
    #[must_use]
    pub fn go_on(mut self, after: Position) -> Self {
        self.after = after;
        self.resume = None;
        self
    }

    /// Refuses names that no store can hold. Stores call it before anything else.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the first limit that is broken.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        let names =
            |what, names: &Option<Vec<String>>| names.iter().flatten().try_for_each(|name| check_nul(what, name));
        names("event type", &self.filter.event_types)?;
        names("stream type", &self.filter.stream_types)?;
        self.filter.streams.iter().flatten().try_for_each(|stream| check_names(stream, None))
    }
}

/// What an event has to be for a reader of all streams to see it; by default everything is.
///
/// `None` lets every event through, an empty list none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// The stored names of events.
    pub event_types: Option<Vec<String>>,
    /// The types of streams: the stored names of aggregates.
    pub stream_types: Option<Vec<String>>,
    /// The streams.
    pub streams: Option<Vec<StreamId>>,
}

impl Filter {
    /// Whether this event passes, for stores that filter in memory.
    ///
    /// ```
    /// use es_core::{Position, prelude::*, store::{ReadAll, StoredEvent}};
    ///
    /// fn is_deposit(event: &StoredEvent) -> bool {
    ///     ReadAll::after(Position::START).event_types(["MoneyDeposited"]).filter.matches(event)
    /// }
    /// ```
    pub fn matches(&self, event: &StoredEvent) -> bool {
        let is_one_of = |names: &Option<Vec<String>>, name: &str| {
            names.as_ref().is_none_or(|names| names.iter().any(|one| one == name))
        };
        is_one_of(&self.event_types, &event.event_type)
            && is_one_of(&self.stream_types, event.stream.stream_type())
            && self.streams.as_ref().is_none_or(|streams| streams.contains(&event.stream))
    }

    /// Whether every event passes.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether no event can pass, because a list is empty.
    pub fn is_none(&self) -> bool {
        let is_empty = |names: &Option<Vec<String>>| names.as_ref().is_some_and(Vec::is_empty);
        is_empty(&self.event_types) || is_empty(&self.stream_types) || self.streams.as_ref().is_some_and(Vec::is_empty)
    }
}
