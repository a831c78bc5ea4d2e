//! The way back from stored JSON to typed events.

use serde::de::DeserializeOwned;

use super::error::Fault;
use crate::event::{Event, EventSchema};

/// Why a stored event could not be turned into a typed one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The set has no event of that name.
    #[error("no event of that name is known")]
    UnknownEvent,
    /// The event is known, but not in that version.
    #[error("version {newest} is the newest that is known")]
    UnknownVersion {
        /// The newest version that the code knows.
        newest: u32,
    },
    /// The event is known, but not in so old a version.
    #[error("version {oldest} is the oldest that is known")]
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
}

impl DecodeError {
    /// For a version that lies outside of those that `E` can read.
    pub(crate) fn other_version<E: Event>(version: u32) -> Self {
        if version < E::OLDEST {
            Self::VersionTooOld { oldest: E::OLDEST }
        } else {
            Self::UnknownVersion { newest: E::VERSION }
        }
    }
}

/// Reads JSON; only when that fails a second time with the path of the field, which costs more.
// Called for each event of each replay, and seen by the compiler as a part of `Event::decode` in another crate.
#[inline]
pub(crate) fn json<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(payload).map_err(|error| locate::<T>(payload, &error))
}

#[cold]
fn locate<T: DeserializeOwned>(payload: &[u8], first: &serde_json::Error) -> DecodeError {
    let mut deserializer = serde_json::Deserializer::from_slice(payload);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => error.into(),
        // Only what follows the value, or a type that reads differently each time, gets here.
        Ok(_) => DecodeError::Payload { path: ".".to_owned(), message: first.to_string() },
    }
}

/// Reads what a JSON upcast made.
pub(crate) fn value<T: DeserializeOwned>(json: serde_json::Value) -> Result<T, DecodeError> {
    Ok(serde_path_to_error::deserialize(json)?)
}

impl From<serde_path_to_error::Error<serde_json::Error>> for DecodeError {
    fn from(error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        Self::Payload { path: error.path().to_string(), message: error.into_inner().to_string() }
    }
}

/// The fault of an event that could not be decoded, with the events that would have been known.
pub(crate) fn fault(error: DecodeError, known: &[EventSchema]) -> Fault {
    match error {
        DecodeError::UnknownEvent => Fault::UnknownEvent { known: known.iter().map(|schema| schema.name).collect() },
        DecodeError::UnknownVersion { newest } => Fault::UnknownVersion { newest },
        DecodeError::VersionTooOld { oldest } => Fault::VersionTooOld { oldest },
        DecodeError::Upcast { from, to, message } => Fault::Upcast { from, to, message },
        DecodeError::Payload { path, message } => Fault::Payload { path, message },
    }
}
