//! Versions, as events, read models and projections have them.

use proc_macro2::Span;

use crate::{errors::Errors, messages};

/// Versions count from 1, and a stored version is a 32-bit number.
pub(crate) fn counts_from_one(written: Option<(u64, Span)>, errors: &mut Errors) {
    if let Some((number, span)) = written
        && (number == 0 || number > u64::from(u32::MAX))
    {
        errors.at(span, messages::version::out_of_range(number));
    }
}

/// The version that is written, or the first.
pub(crate) fn or_first(written: Option<(u64, Span)>) -> u64 {
    written.map_or(1, |(version, _)| version)
}

/// A version as a literal. It fits: the rule above has seen to it.
pub(crate) fn number(version: u64) -> u32 {
    u32::try_from(version).unwrap_or(u32::MAX)
}
