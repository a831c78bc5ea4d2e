//! What generated code may name. Nothing here is for people, and all of it may change.

pub use core::{
    clone::Clone,
    convert::{From, Into},
    default::Default,
    fmt,
    marker::{Send, Sync},
    option::Option,
    result::Result,
    str::FromStr,
};
pub use std::vec::Vec;

pub use serde;

pub use crate::event::assert_handles;
use crate::{event::Event, store::DecodeError};

/// Decodes the payload of an event in its present version.
///
/// # Errors
/// [`DecodeError`] where the version is another, or the payload does not fit.
pub fn decode<E: Event>(version: u32, payload: &[u8]) -> Result<E, DecodeError> {
    if version == E::VERSION {
        crate::store::decode::json(payload)
    } else {
        Err(DecodeError::UnknownVersion { newest: E::VERSION })
    }
}

/// Where a set does not know an event of that name.
///
/// # Errors
/// Always.
#[cold]
pub fn unknown_event<S>() -> Result<S, DecodeError> {
    Err(DecodeError::UnknownEvent)
}

/// Whether no two of the names are the same, for a constant assertion.
pub const fn all_different(names: &[&str]) -> bool {
    let mut first = 0;
    while first < names.len() {
        let mut second = first + 1;
        while second < names.len() {
            if same(names[first].as_bytes(), names[second].as_bytes()) {
                return false;
            }
            second += 1;
        }
        first += 1;
    }
    true
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}
