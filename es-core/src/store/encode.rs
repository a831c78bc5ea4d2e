//! The way of typed events into stored JSON, and what is refused on it.
//!
//! `serde_json` writes NaN as `null`, and reads no more than 128 levels deep; PostgreSQL's `jsonb` has no NUL. An event
//! with such a value would be stored and could never be read back, so it is refused here, with the path of the field.

use serde::Serialize;

use super::limits::MAX_DEPTH;
use crate::event::{Event, EventEncoder, EventSchema};

mod check;

/// An event has a value that cannot be stored and read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{event_type}` version {schema_version} cannot be stored: {message} at `{path}`")]
#[non_exhaustive]
pub struct EncodeError {
    /// The stored name of the event.
    pub event_type: &'static str,
    /// Its version.
    pub schema_version: u32,
    /// The path of the field, such as `lines[3].amount`; `.` for the whole.
    pub path: String,
    /// What cannot be stored.
    pub message: String,
}

impl EncodeError {
    /// An event that came as JSON, of which no field is known.
    pub(crate) fn of_raw_json(schema: EventSchema, message: &str) -> Self {
        let EventSchema { name, version } = schema;
        Self { event_type: name, schema_version: version, path: ".".to_owned(), message: message.to_owned() }
    }
}

/// Encodes an event as JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonEncoder;

impl EventEncoder for JsonEncoder {
    type Output = String;
    type Error = EncodeError;

    fn encode<E: Event + Serialize>(self, event: &E) -> Result<String, EncodeError> {
        let refuse = |path: String, message: String| EncodeError {
            event_type: E::NAME,
            schema_version: E::VERSION,
            path,
            message,
        };
        check::storable(event, MAX_DEPTH).map_err(|refusal| refuse(refusal.path, refusal.message))?;
        serde_json::to_string(event).map_err(|error| refuse(".".to_owned(), error.to_string()))
    }
}
