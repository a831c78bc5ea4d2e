//! Why a projection stopped.

use std::{error::Error, fmt, io, iter};

use crate::{
    recorded::{Position, StreamId, StreamVersion},
    store::{Corrupt, StoreError, StoredEvent},
};

/// Why an event could not be projected. Nothing is skipped because of it.
///
/// All events before its `position` have been projected. Of an event that cannot be read, the position is in
/// [`StoreError::Corrupt`]; other errors of the store are about no event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// The store could not be read, or an event in it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A handler failed.
    #[error("`{event_type}` at position {position}, version {version} of {stream}, was not handled: {source}")]
    Handler {
        /// The stored name of the event.
        event_type: String,
        /// Its stream.
        stream: StreamId,
        /// Its version in the stream.
        version: StreamVersion,
        /// Its position.
        position: Position,
        /// What the handler said.
        source: HandlerError,
    },
    /// The id of the event's stream is no key of the read model.
    #[error("`{event_type}` at position {position}: \"{}\" of {stream} is no key of `{table}`: {message}", .stream.id())]
    Key {
        /// The read model's table.
        table: &'static str,
        /// The stored name of the event.
        event_type: String,
        /// Its stream, whose id should be a key.
        stream: StreamId,
        /// Its position.
        position: Position,
        /// Why the id is no key.
        message: String,
    },
}

impl ProjectionError {
    /// A handler's failure with its place.
    pub(crate) fn handler(stored: &StoredEvent, source: HandlerError) -> Self {
        Self::Handler {
            event_type: stored.event_type.clone(),
            stream: stored.stream.clone(),
            version: stored.version,
            position: stored.position,
            source,
        }
    }
}

impl From<Box<Corrupt>> for ProjectionError {
    fn from(corrupt: Box<Corrupt>) -> Self {
        Self::Store(corrupt.into())
    }
}

/// What a projection's handler failed with.
pub struct HandlerError(Box<dyn Error + Send + Sync>);

impl HandlerError {
    /// The error of a handler.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// The error, where it is an `E`.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }

    /// The error and its causes, from the outside to the inside; also those that a `HandlerError` or an [`io::Error`] among
    /// them holds, which show only the causes of what is in them.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        fn beneath<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
            if let Some(HandlerError(inner)) = error.downcast_ref() {
                return Some(inner.as_ref());
            }
            match error.downcast_ref().and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            }
        }
        let itself: &(dyn Error + 'static) = self.0.as_ref();
        iter::successors(Some(itself), |&error| beneath(error))
    }

    /// The error itself.
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Error for HandlerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
