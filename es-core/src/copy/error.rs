//! Why a copy did not come to its end, and what to do about it.

use super::parts::ImportError;
use crate::{
    recorded::{Position, StreamId, StreamVersion},
    store::{Checkpoint, HistoryDiverged, HistoryId, StoreError},
};

/// Why a copy did not come to its end. What was copied before stands, and nothing is ever stored twice: where the cause is
/// gone, the same copy, run again, goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// Both are one store.
    #[error("the source and the target are the same store: open the target in another database, schema or file")]
    SameStore,
    /// The target has events of its own.
    #[error(
        "the target is no copy: it has events of its own, such as event {version} of {stream} at position {position}; copy \
         into an empty store"
    )]
    NotACopy {
        /// The stream of the first of them.
        stream: StreamId,
        /// Its number within the stream.
        version: StreamVersion,
        /// Its position in the target.
        position: Position,
    },
    /// Somebody appended to the target behind what was copied.
    #[error(
        "event {version} of {stream} was appended to the target, at position {position} behind the last that was copied: from \
         then on it is a store of its own, into which nothing is copied any more; to copy again, begin with an empty store, \
         and let nobody append to it before the copy has ended"
    )]
    AppendedBetween {
        /// The stream of the first such event.
        stream: StreamId,
        /// Its number within the stream.
        version: StreamVersion,
        /// Its position in the target.
        position: Position,
    },
    /// The target is a copy of another source, or the source has another history since.
    #[error(
        "the target is a copy of a store with the history {known}, and the source has the history {found}: if this is the \
         wrong source, take the right one; if it is the same store after a failover or a restore, say `prove_source()`, \
         which reads again what was copied and goes on if all of it is still there; otherwise begin with an empty target"
    )]
    AnotherSource {
        /// The history of the source that was copied.
        known: HistoryId,
        /// The history of this one.
        found: HistoryId,
    },
    /// The source no longer has what was copied.
    #[error(
        "the source no longer has what was copied up to event {} at position {}: it was restored to an earlier state, or is \
         another store; begin with an empty target",
        copied.event_id, copied.position
    )]
    SourceDiverged {
        /// The last event that was copied from it.
        copied: Checkpoint,
    },
    /// The target no longer has what was copied into it.
    #[error(
        "the target no longer has the last event that was copied into it, {} at position {}: it was changed by hand; begin \
         with an empty store",
        copied.event_id, copied.position
    )]
    TargetDiverged {
        /// The last event that was copied, at its position in the target.
        copied: Checkpoint,
    },
    /// Another copy into the same target was quicker.
    #[error(
        "another copy into the same target is at work, or one that was broken off has stored its last batch just now: run \
         only one at a time, and run it again when the other has ended"
    )]
    Overtaken,
    /// Source and target do not have the same.
    #[error("the target is not what the source is: {0}; do not use it, and begin with an empty store")]
    Verification(#[from] Difference),
    /// The source failed.
    #[error("the source failed; what was copied stands, and the same copy goes on there when it is run again: {0}")]
    Source(#[source] StoreError),
    /// The target failed.
    #[error("the target failed; what was copied stands, and the same copy goes on there when it is run again: {0}")]
    Target(#[source] StoreError),
}

/// The first thing in which a target differs from its source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// An event of the source is not in the target.
    #[error("event {version} of {stream}, at position {position} of the source, is missing")]
    Missing {
        /// Its stream.
        stream: StreamId,
        /// Its number within the stream.
        version: StreamVersion,
        /// Its position in the source.
        position: Position,
    },
    /// An event of the target is not in the source.
    #[error("event {version} of {stream}, at position {position} of the target, is not in the source")]
    Extra {
        /// Its stream.
        stream: StreamId,
        /// Its number within the stream.
        version: StreamVersion,
        /// Its position in the target.
        position: Position,
    },
    /// An event is another one in the target.
    #[error(
        "event {version} of {stream}, at position {position} of the source and {target} of the target, has another {field}"
    )]
    Field {
        /// Its stream in the source.
        stream: StreamId,
        /// Its number within the stream, in the source.
        version: StreamVersion,
        /// Its position in the source.
        position: Position,
        /// The position of the event in the target that should be the same.
        target: Position,
        /// What differs.
        field: &'static str,
    },
    /// Both have the same by now, but it is not what was copied.
    #[error("source and target have the same {found} events, and these are not the {copied} that were copied")]
    Copied {
        /// How many events were copied.
        copied: u64,
        /// How many events both have.
        found: u64,
    },
    /// Other streams are archived in the target, or at other times.
    #[error("its archived streams are not those of the source")]
    Archived,
}

impl CopyError {
    /// Whether the same copy may succeed later, unchanged, because a store could not be reached.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Source(error) | Self::Target(error) if error.is_unavailable())
    }

    /// What the source said when it was read behind what was copied.
    pub(super) fn of_source(error: StoreError) -> Self {
        match error {
            StoreError::HistoryDiverged(HistoryDiverged { missing: Some(copied), .. }) => {
                Self::SourceDiverged { copied }
            }
            StoreError::HistoryDiverged(HistoryDiverged { known, found, .. }) => Self::AnotherSource { known, found },
            error => Self::Source(error),
        }
    }

    /// What the target said when it was read at the last event that was copied.
    pub(super) fn of_target(error: StoreError) -> Self {
        match error {
            StoreError::HistoryDiverged(HistoryDiverged { missing: Some(copied), .. }) => {
                Self::TargetDiverged { copied }
            }
            error => Self::Target(error),
        }
    }

    pub(super) fn of_import(error: ImportError, begun: bool) -> Self {
        match error {
            ImportError::Store(error) => Self::Target(error),
            ImportError::Moved { .. } => Self::Overtaken,
            ImportError::Foreign { stream, version, position } if begun => {
                Self::AppendedBetween { stream, version, position }
            }
            ImportError::Foreign { stream, version, position } => Self::NotACopy { stream, version, position },
        }
    }
}
