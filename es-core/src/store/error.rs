//! What can go wrong between a store and its users.

use std::error::Error;

use super::{
    append::Expected, append_all::PartlyStored, checkpoint::Checkpoint, history::HistoryId, invalid::InvalidRequest,
};
use crate::{
    projection::InlineError,
    recorded::{EventId, Position, StreamId, StreamVersion},
};

/// Why a store did not do what it was asked.
///
/// Unless it is [`StoreError::OutcomeUnknown`], nothing was stored. The text is for people and may change; programs
/// look at the variant. The text says what a person needs; what lies beneath is the [`source`](Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The stream was not at the version that was expected.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// Of appends that were to be stored together, some stand already and others do not.
    #[error(transparent)]
    PartlyStored(#[from] PartlyStored),
    /// The request broke a limit.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// The store cannot be reached or cannot answer now; the same request may succeed later.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The store was opened with settings that cannot work, such as a wrong password; trying again will not help.
    #[error(transparent)]
    Misconfigured(#[from] Misconfigured),
    /// The connection was lost after an append was sent, and its outcome could not be found out. Sending the same
    /// append again, with the same event ids, is safe: it is stored once.
    #[error(
        "the outcome of the append to {stream} is unknown: the connection was lost and could not be opened again; \
         send the same append again, it is stored at most once"
    )]
    OutcomeUnknown {
        /// The stream.
        stream: StreamId,
        /// The first event of the append, to look for.
        first_event: EventId,
        /// What the connection said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// An append inside a transaction of the caller's met another writer, or an earlier statement had failed, and the
    /// database has ended the transaction: nothing of it can be committed any more.
    #[error(
        "the database has ended the transaction of the append to {stream}, which met another writer or came after a \
         statement that failed: roll back and run the whole transaction again, from its first read on"
    )]
    RetryTransaction {
        /// The stream; of several that were to be stored together, the first.
        stream: StreamId,
        /// What the database said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was seen before is no longer the store's history.
    #[error(transparent)]
    HistoryDiverged(#[from] HistoryDiverged),
    /// A stored event cannot be read.
    #[error(transparent)]
    Corrupt(#[from] Box<Corrupt>),
    /// A read model whose rows change with the append stands in its way.
    #[error(transparent)]
    Inline(#[from] Box<InlineError>),
    /// The stream is archived: nothing is appended to it before it is restored.
    #[error("{stream} is archived: `restore` it first, if it is to go on")]
    Archived {
        /// The stream.
        stream: StreamId,
    },
    /// The stream that was to be archived, or restored, has no events.
    #[error("{stream} does not exist: there are no events of that type and id")]
    NoSuchStream {
        /// The stream.
        stream: StreamId,
    },
    /// Readers see another version of a read model than the struct with which it was read, and its rows do not fit it.
    #[error(
        "`{read_model}` v{wanted} was to be read, and readers see version {active}{}",
        version_advice(*.wanted, *.active)
    )]
    OtherVersion {
        /// The table of the read model.
        read_model: &'static str,
        /// The version of the struct.
        wanted: u32,
        /// The version that readers see.
        active: u32,
        /// What could not be read.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store's tables are not those that this version of the program needs.
    #[error("the store has schema version {found}, this program needs {needed}: {}", schema_advice(*.found, *.needed))]
    WrongSchema {
        /// The version found; 0 where there are no tables.
        found: u32,
        /// The version needed.
        needed: u32,
    },
    /// Anything else that the store reported.
    #[error("the store failed while {doing}: {source}")]
    Backend {
        /// What was being done.
        doing: &'static str,
        /// What the store said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

fn schema_advice(found: u32, needed: u32) -> &'static str {
    if found > needed { "it was made by a newer program; use that one" } else { "call `migrate()` on the store" }
}

fn version_advice(wanted: u32, active: u32) -> &'static str {
    if active < wanted {
        " until the newer one is complete and takes over: run an engine with it, see in its status how far it is, and read the \
         older version until then"
    } else {
        " since it has taken over: read it with a program that has that version"
    }
}

impl StoreError {
    /// Whether another writer came first.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// Whether the same request may succeed later, unchanged.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::OutcomeUnknown { .. })
    }

    /// Whether the store was closed in this process, so that it will not answer again.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Unavailable(unavailable) if unavailable.closed)
    }

    /// Whether the caller's transaction has ended because of another writer, or of an earlier statement: roll back, and
    /// run all of it again.
    pub fn is_retry_transaction(&self) -> bool {
        matches!(self, Self::RetryTransaction { .. })
    }

    /// Whether the stream is archived.
    pub fn is_archived(&self) -> bool {
        matches!(self, Self::Archived { .. })
    }

    /// Whether a stored event cannot be read.
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Self::Corrupt(_))
    }
}

/// A stream was not at the version that an append expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stream} is at version {actual}, but {expected} was expected: another writer came first")]
#[non_exhaustive]
pub struct Conflict {
    /// The stream.
    pub stream: StreamId,
    /// What was expected.
    pub expected: Expected,
    /// The version that the stream has.
    pub actual: StreamVersion,
}

impl Conflict {
    /// A conflict, for stores.
    pub fn new(stream: StreamId, expected: Expected, actual: StreamVersion) -> Self {
        Self { stream, expected, actual }
    }
}

/// A store has another history than the one that was seen: it was restored, cloned, or taken over by a standby, or is
/// another one. Events that were seen may be gone, and others may stand in their places. Nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: it is another store, or was restored, cloned, or taken over by a standby; see that it is the right one, \
     forget what was read before, and read it again",
    .missing.map_or_else(
        || format!("the store has the history {found}, not {known}"),
        |missing| format!("the store has no event {} at position {}", missing.event_id, missing.position),
    )
)]
#[non_exhaustive]
pub struct HistoryDiverged {
    /// The history that was seen before.
    pub known: HistoryId,
    /// The history that the store has.
    pub found: HistoryId,
    /// The event that should be there, where it is known to be gone.
    pub missing: Option<Checkpoint>,
}

impl HistoryDiverged {
    /// Another history than the known one, for stores.
    pub fn new(known: HistoryId, found: HistoryId) -> Self {
        Self { known, found, missing: None }
    }

    /// A history in which the event of a checkpoint is not where it was, for stores.
    pub fn without(missing: Checkpoint, found: HistoryId) -> Self {
        Self { missing: Some(missing), ..Self::new(missing.history, found) }
    }
}

/// A store cannot be reached or cannot answer now.
#[derive(Debug, thiserror::Error)]
#[error("the store is not available: {reason}")]
#[non_exhaustive]
pub struct Unavailable {
    /// What is the matter and what to do, for people.
    pub reason: String,
    /// What the connection said.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
    /// Whether this process has closed the store: then it is not worth waiting for.
    pub closed: bool,
}

impl Unavailable {
    /// An absence with its cause.
    pub fn new(reason: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { reason: reason.into(), source: source.into(), closed: false }
    }

    /// A store that this process has closed.
    pub fn closed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { closed: true, ..Self::new("it was closed", source) }
    }
}

/// A store was opened with settings that cannot work.
#[derive(Debug, thiserror::Error)]
#[error("the store cannot be used: {reason}")]
#[non_exhaustive]
pub struct Misconfigured {
    /// What is the matter and what to do, for people.
    pub reason: String,
    /// What lies beneath, where there is something.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Misconfigured {
    /// A wrong setting.
    pub fn new(reason: impl Into<String>, source: Option<Box<dyn Error + Send + Sync>>) -> Self {
        Self { reason: reason.into(), source }
    }
}

/// A stored event that cannot be read, with all that is needed to find it. Nothing is skipped because of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "event {version} of {stream} at position {position}, `{event_type}` version {schema_version}, cannot be read: {fault}"
)]
#[non_exhaustive]
pub struct Corrupt {
    /// The stored name.
    pub event_type: String,
    /// The version of the stored form.
    pub schema_version: u32,
    /// The stream.
    pub stream: StreamId,
    /// The number within the stream.
    pub version: StreamVersion,
    /// The place in the order over all streams.
    pub position: Position,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a stored event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The set does not know an event of that name.
    #[error("no event of that name is known here (known: {}); was its type renamed or removed?", known.join(", "))]
    UnknownEvent {
        /// The names that are known.
        known: Vec<&'static str>,
    },
    /// The event is known, but not in that version.
    #[error("version {newest} is the newest that is known here; was it stored by a newer program?")]
    UnknownVersion {
        /// The newest version that the code knows.
        newest: u32,
    },
    /// The event is known, but not in so old a version.
    #[error("version {oldest} is the oldest that is known here; was an older version removed from the code?")]
    VersionTooOld {
        /// The oldest version that the code knows.
        oldest: u32,
    },
    /// A version could not be made into the next.
    #[error("version {from} cannot become version {to}: {message}")]
    Upcast {
        /// The version that was read.
        from: u32,
        /// The version that it should have become.
        to: u32,
        /// What the conversion said.
        message: String,
    },
    /// The payload does not fit the type.
    #[error("{message} at `{path}`")]
    Payload {
        /// The path of the field, such as `lines[3].amount`; `.` for the whole.
        path: String,
        /// What does not fit.
        message: String,
    },
    /// The metadata does not fit.
    #[error("{message} at `{path}` of the metadata")]
    Metadata {
        /// The path of the field.
        path: String,
        /// What does not fit.
        message: String,
    },
    /// An event of the stream is missing: the versions have a gap before this one.
    #[error("version {missing} before it is missing")]
    Gap {
        /// The first version that is missing.
        missing: StreamVersion,
    },
}

impl Corrupt {
    /// The gap before an event that is there, for stores.
    pub fn gap(event: &super::StoredEvent, missing: StreamVersion) -> Box<Self> {
        Box::new(Self {
            event_type: event.event_type.clone(),
            schema_version: event.schema_version,
            stream: event.stream.clone(),
            version: event.version,
            position: event.position,
            fault: Fault::Gap { missing },
        })
    }
}
