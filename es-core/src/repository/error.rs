//! Why a command led to nothing.

use crate::{
    command::WrongTarget,
    recorded::{StreamId, StreamVersion},
    store::{Conflict, StoreError},
};

/// Why a command led to nothing. Unless it is [`StoreError::OutcomeUnknown`], nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError<E> {
    /// The domain refused.
    #[error("the command was rejected: {0}")]
    Rejected(E),
    /// The command is for an existing aggregate, and this one has no events.
    #[error("{stream} does not exist")]
    NotFound {
        /// The stream.
        stream: StreamId,
    },
    /// The command begins an aggregate, and this one has events already.
    #[error("{stream} exists already, at version {version}")]
    AlreadyExists {
        /// The stream.
        stream: StreamId,
        /// The version that it has.
        version: StreamVersion,
    },
    /// The aggregate is archived: it takes no commands before it is restored.
    #[error("{stream} is archived: `restore` it first, if it is to go on")]
    Archived {
        /// The stream.
        stream: StreamId,
    },
    /// Other writers came first at every attempt.
    #[error("gave up after {attempts} attempts: {conflict}")]
    Conflict {
        /// The last conflict, with the expected and the actual version.
        conflict: Conflict,
        /// How often the command was decided upon a state that was loaded for it.
        attempts: u32,
    },
    /// The store could not do its part.
    #[error("{0}")]
    Store(#[source] StoreError),
}

impl<E> ExecuteError<E> {
    /// For a command that this stream cannot be given.
    pub(super) fn wrong_target(wrong: WrongTarget, stream: StreamId, version: StreamVersion) -> Self {
        match wrong {
            WrongTarget::NotFound => Self::NotFound { stream },
            WrongTarget::AlreadyExists => Self::AlreadyExists { stream, version },
        }
    }

    /// The domain's refusal, if it is one.
    pub fn rejection(&self) -> Option<&E> {
        match self {
            Self::Rejected(error) => Some(error),
            _ => None,
        }
    }

    /// Whether other writers came first at every attempt; executing again may succeed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// Whether the events, or the names that go with them, cannot be stored: the same command will never succeed.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Store(StoreError::Invalid(_)))
    }

    /// Whether the aggregate does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether the aggregate is archived.
    pub fn is_archived(&self) -> bool {
        matches!(self, Self::Archived { .. })
    }

    /// Whether the aggregate exists already.
    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::AlreadyExists { .. })
    }
}

impl<E> From<StoreError> for ExecuteError<E> {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Archived { stream } => Self::Archived { stream },
            error => Self::Store(error),
        }
    }
}
