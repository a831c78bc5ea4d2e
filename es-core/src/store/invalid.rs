//! Requests that no store carries out.

use super::EncodeError;
use crate::recorded::StreamId;

/// A request that no store can serve. Nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// There is nothing to store.
    #[error("an append needs at least one event")]
    NoEvents,
    /// There is nothing to store together.
    #[error("to append to several streams needs at least one append")]
    NoAppends,
    /// Two appends that were to be stored together are for one stream.
    #[error(
        "two appends to {stream} cannot be stored together: put all events of a stream into one append, in their order"
    )]
    StreamTwice {
        /// The stream.
        stream: StreamId,
    },
    /// A name is missing.
    #[error("the {what} is empty")]
    Empty {
        /// Which name.
        what: &'static str,
    },
    /// A name or a text is too long.
    #[error("the {what} has {bytes} bytes, at most {limit} can be stored")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The most allowed.
        limit: usize,
    },
    /// A text has a NUL character, which PostgreSQL cannot store.
    #[error("the {what} has a NUL character, which cannot be stored")]
    Nul {
        /// Which text.
        what: &'static str,
    },
    /// Too many events in one append.
    #[error("{events} events in one append, at most {limit} can be stored together")]
    TooManyEvents {
        /// How many.
        events: usize,
        /// The most allowed.
        limit: usize,
    },
    /// One event is too large.
    #[error("event {index} of the append, `{event_type}`, has {bytes} bytes, at most {limit} can be stored")]
    EventTooLarge {
        /// Which event of the append, from 0.
        index: usize,
        /// Its stored name.
        event_type: &'static str,
        /// Its size as JSON.
        bytes: usize,
        /// The most allowed.
        limit: usize,
    },
    /// The append as a whole is too large.
    #[error("the append has {bytes} bytes, at most {limit} can be stored together")]
    AppendTooLarge {
        /// Its size as JSON.
        bytes: usize,
        /// The most allowed.
        limit: usize,
    },
    /// A condition was given an argument that it does not name.
    #[error("argument {number} of the condition is not used: there is no `${number}` in it")]
    ArgumentUnused {
        /// Which one, from 1.
        number: usize,
    },
    /// An event has a value that cannot be stored and read back.
    #[error(transparent)]
    Event(#[from] EncodeError),
}
