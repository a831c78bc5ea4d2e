//! What is asked of a store to name its streams, and what it answers.

use chrono::{DateTime, Utc};

use super::{
    append::{check_names, check_nul, check_text},
    invalid::InvalidRequest,
    limits,
};
use crate::recorded::{Position, StreamId, StreamVersion};

/// A request for the streams of a store, by type and then by id, both in the order of their bytes.
///
/// ```
/// use es_core::{StreamId, store::ListStreams};
///
/// // The next of the accounts whose number begins with 12, behind the last one that was seen.
/// let list = ListStreams::all().stream_type("account").prefix("12").after(StreamId::new("account", "1207"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListStreams {
    /// Only streams of this type.
    pub stream_type: Option<String>,
    /// Only streams whose id begins with this; empty for all.
    pub prefix: String,
    /// Only streams behind this one.
    pub after: Option<StreamId>,
    /// What becomes of archived streams.
    pub archived: ArchivedStreams,
}

/// What a list does with archived streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArchivedStreams {
    /// They are left out.
    #[default]
    LeftOut,
    /// They stand among the others.
    Included,
    /// They are all there is.
    Only,
}

impl ArchivedStreams {
    /// Whether a stream that is archived, or is not, belongs into the list.
    pub fn lists(self, is_archived: bool) -> bool {
        match self {
            Self::LeftOut => !is_archived,
            Self::Included => true,
            Self::Only => is_archived,
        }
    }
}

impl ListStreams {
    /// All streams but the archived ones.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only those of one type, an aggregate's stored name.
    #[must_use]
    pub fn stream_type(mut self, stream_type: impl Into<String>) -> Self {
        self.stream_type = Some(stream_type.into());
        self
    }

    /// Only those whose id begins so. No character means anything else than itself.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Only those behind this one, which need not exist: the last that was seen, to go on there.
    #[must_use]
    pub fn after(mut self, stream: StreamId) -> Self {
        self.after = Some(stream);
        self
    }

    /// Archived ones, too.
    #[must_use]
    pub fn include_archived(mut self) -> Self {
        self.archived = ArchivedStreams::Included;
        self
    }

    /// Archived ones, and no others.
    #[must_use]
    pub fn only_archived(mut self) -> Self {
        self.archived = ArchivedStreams::Only;
        self
    }

    /// Refuses names that no store can hold. Stores call it before anything else.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the first limit that is broken.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        if let Some(stream_type) = &self.stream_type {
            check_text("stream type", stream_type, limits::MAX_STREAM_TYPE_BYTES)?;
        }
        if self.prefix.len() > limits::MAX_STREAM_ID_BYTES {
            let (bytes, limit) = (self.prefix.len(), limits::MAX_STREAM_ID_BYTES);
            return Err(InvalidRequest::TooLong { what: "prefix of the stream id", bytes, limit });
        }
        check_nul("prefix of the stream id", &self.prefix)?;
        self.after.as_ref().map_or(Ok(()), |after| {
            check_nul("stream type", after.stream_type())?;
            check_nul("stream id", after.id())
        })
    }
}

/// Refuses the name of a stream that no store can hold. Stores call it before they archive or restore one.
///
/// # Errors
/// [`InvalidRequest`] naming the first limit that is broken.
pub fn check_stream(stream: &StreamId) -> Result<(), InvalidRequest> {
    check_names(stream, None)
}

/// A stream as a list shows it, at the moment when its part of the list was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamInfo {
    /// The stream.
    pub stream: StreamId,
    /// How many events it has.
    pub version: StreamVersion,
    /// The position of the last.
    pub position: Position,
    /// When the first was recorded.
    pub first_recorded_at: DateTime<Utc>,
    /// When the last was recorded.
    pub last_recorded_at: DateTime<Utc>,
    /// When it was archived, if it is.
    pub archived_at: Option<DateTime<Utc>>,
}

impl StreamInfo {
    /// A stream that is not archived, with its last event and the times of its first and last, for stores.
    pub fn new(
        stream: StreamId,
        version: StreamVersion,
        position: Position,
        first_recorded_at: DateTime<Utc>,
        last_recorded_at: DateTime<Utc>,
    ) -> Self {
        Self { stream, version, position, first_recorded_at, last_recorded_at, archived_at: None }
    }

    /// The same stream, archived or not.
    #[must_use]
    pub fn archived_at(mut self, time: Option<DateTime<Utc>>) -> Self {
        self.archived_at = time;
        self
    }
}
