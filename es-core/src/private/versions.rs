//! The parts of a chain of versions; written by `#[derive(Event)]`.

pub use serde_json::Value;

use crate::{
    event::Event,
    store::{DecodeError, decode},
    upcast::{self, JsonStep, UpcastFrom, UpcastJson},
};

/// The event has this previous version; stated once, at `previous`.
pub trait HasPrevious<Old>: UpcastFrom<Old> {}

/// Decodes the present version.
///
/// # Errors
/// [`DecodeError`] where the payload does not fit.
pub fn present<E: Event>(payload: &[u8]) -> Result<E, DecodeError> {
    decode::json(payload)
}

/// Decodes a version that the previous type can read.
///
/// # Errors
/// As [`Event::decode`].
pub fn previous<Old: Event, New: Event + HasPrevious<Old>>(version: u32, payload: &[u8]) -> Result<New, DecodeError> {
    upcast::from_previous::<Old, New>(version, payload)
}

/// Decodes a version that steps over JSON lead on from.
///
/// # Errors
/// As [`Event::decode`].
pub fn json<E: Event>(version: u32, payload: &[u8], steps: &[JsonStep]) -> Result<E, DecodeError> {
    upcast::from_json(version, payload, steps)
}

/// The outcome of one step over JSON.
///
/// # Errors
/// The text of the step's error.
pub fn step<T: UpcastJson>(outcome: T) -> Result<Value, String> {
    outcome.into_json()
}

/// Where no part of the chain knows the version.
///
/// # Errors
/// Always.
#[cold]
pub fn other<E: Event>(version: u32) -> Result<E, DecodeError> {
    Err(DecodeError::other_version::<E>(version))
}

/// Whether two stored names are the same, for a constant assertion.
pub const fn same_name(left: &str, right: &str) -> bool {
    super::same(left.as_bytes(), right.as_bytes())
}

/// Tells an event that has been superseded from one that has not. `previous = Old` gives `Old` an inherent constant of
/// this name, which hides the trait's.
pub trait Superseded {
    /// Whether a newer version has taken its place.
    const __ONE_SUCCESSOR_ONLY: bool = false;
}

impl<T: ?Sized> Superseded for T {}
