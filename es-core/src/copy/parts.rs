//! What a copy is made of: events on their way, and how far they have come.

use chrono::{DateTime, Utc};

use super::chain::CopyHash;
use crate::{
    recorded::{Position, StreamId, StreamVersion},
    store::{Checkpoint, HistoryId, Page, StoreError, StoredEvent},
};

/// An event with all that belongs to it, on its way from one store into another.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CopiedEvent {
    /// The event. Its position is that in the store that it comes from.
    pub event: StoredEvent,
    /// The name of the append, on its first event; `None` on others, and where the append has no name.
    pub idempotency_key: Option<String>,
    /// How many events the append stored, where it has a name.
    pub append_size: Option<u32>,
}

impl CopiedEvent {
    /// An event as a store keeps it, for stores.
    pub fn new(event: StoredEvent, idempotency_key: Option<String>, append_size: Option<u32>) -> Self {
        Self { event, idempotency_key, append_size }
    }

    /// What it takes up, about, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.event.payload.len() + self.event.metadata.len()
    }
}

/// A part of the order over all streams, with all that is to be copied of it. What is said of a
/// [`Page`](crate::store::Page) holds for it, too.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CopyPage {
    /// The events, by rising position.
    pub events: Vec<CopiedEvent>,
    /// Everything up to here is settled and has been looked at.
    pub upto: Position,
    /// Whether there may be more at once behind `upto`.
    pub more: bool,
    /// The history that it was read from.
    pub history: HistoryId,
}

impl CopyPage {
    /// A page, for stores.
    pub fn new(events: Vec<CopiedEvent>, upto: Position, more: bool, history: HistoryId) -> Self {
        Self { events, upto, more, history }
    }

    /// A page as it is read otherwise, for stores; with the name and the size of the append that begins at a position, where it
    /// has a name.
    pub fn of(page: Page, mut name: impl FnMut(Position) -> Option<(String, Option<u32>)>) -> Self {
        let events = page.events.into_iter().map(|event| {
            let (key, size) = name(event.position).unzip();
            CopiedEvent::new(event, key, size.flatten())
        });
        Self::new(events.collect(), page.upto, page.more, page.history)
    }
}

/// How far a store has been made a copy of another: kept in the copy itself, and changed together with its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyProgress {
    /// The last event that was copied: where it stands in the source, and the source's history.
    pub source: Checkpoint,
    /// Where the same event stands in the copy.
    pub target: Position,
    /// How many events were copied in all.
    pub events: u64,
    /// The hash of all of them.
    pub hash: CopyHash,
}

impl CopyProgress {
    /// A progress from its parts, for stores.
    pub fn new(source: Checkpoint, target: Position, events: u64, hash: CopyHash) -> Self {
        Self { source, target, events, hash }
    }
}

/// Events that are to be stored in a copy behind those that are there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Import {
    /// How far the copy has come, as far as is known; `None` where nothing was copied yet. Where it is not so, nothing is
    /// stored.
    pub known: Option<CopyProgress>,
    /// The events, by rising position in the source; at least one.
    pub events: Vec<CopiedEvent>,
    /// The last of the events, in the source.
    pub source: Checkpoint,
    /// How many events are copied with these, in all.
    pub total: u64,
    /// The hash of all events that are copied with these.
    pub hash: CopyHash,
}

impl Import {
    /// How far the copy has come with these events, the last of which was put at this position of the target.
    pub fn progress(&self, target: Position) -> CopyProgress {
        CopyProgress::new(self.source, target, self.total, self.hash)
    }
}

/// A stream of a copy that is to be archived as in the source, or to be put back into use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArchivedChange {
    /// The stream.
    pub stream: StreamId,
    /// When it was archived; `None` where it is not.
    pub archived_at: Option<DateTime<Utc>>,
}

impl ArchivedChange {
    pub(super) fn new(stream: StreamId, archived_at: Option<DateTime<Utc>>) -> Self {
        Self { stream, archived_at }
    }
}

/// Why a store took in nothing of what was to be copied into it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The copy has come to another place than was known.
    #[error("the copy has come to another place than was known: another one is at work")]
    Moved {
        /// Where it has come to.
        found: Option<CopyProgress>,
    },
    /// There is an event behind those that were copied.
    #[error("event {version} of {stream} was appended to the copy, at position {position}")]
    Foreign {
        /// Its stream.
        stream: StreamId,
        /// Its number within the stream.
        version: StreamVersion,
        /// Its position in the copy.
        position: Position,
    },
}
