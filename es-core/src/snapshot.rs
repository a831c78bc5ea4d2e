//! Snapshots: how often the state is kept, and whether a kept one still fits.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

/// How often snapshots of the aggregate `A` are kept, and how its state becomes JSON and back.
///
/// A snapshot is only ever a shortcut: one whose fingerprint is not the present one, or that does not decode, is
/// ignored and the events are replayed from the start.
pub struct Snapshots<A> {
    every: u64,
    fingerprint: &'static str,
    encode: fn(&A) -> Result<String, serde_json::Error>,
    decode: fn(&[u8]) -> Result<A, serde_json::Error>,
}

impl<A: Serialize + DeserializeOwned> Snapshots<A> {
    /// A snapshot after every `every` events, valid for states with the structure that `fingerprint` stands for.
    ///
    /// `#[derive(Aggregate)]` makes the fingerprint from the names, types and attributes of the fields.
    ///
    /// # Panics
    /// When `every` is 0, at compile time where it is used as a constant.
    pub const fn every(every: u64, fingerprint: &'static str) -> Self {
        assert!(every > 0, "a snapshot can be kept every 1 event or more, not every 0");
        Self {
            every,
            fingerprint,
            encode: |state| serde_json::to_string(state),
            decode: |json| serde_json::from_slice(json),
        }
    }
}

impl<A> Snapshots<A> {
    /// What tells the present structure of the state from earlier ones.
    pub fn fingerprint(&self) -> &'static str {
        self.fingerprint
    }

    /// Whether a snapshot is due at `version`, when the last one in use was taken at `last` (0 for none).
    pub(crate) fn is_due(&self, version: u64, last: u64) -> bool {
        version.saturating_sub(last) >= self.every
    }

    pub(crate) fn encode(&self, state: &A) -> Result<String, serde_json::Error> {
        (self.encode)(state)
    }

    pub(crate) fn decode(&self, json: &[u8]) -> Result<A, serde_json::Error> {
        (self.decode)(json)
    }
}

impl<A> fmt::Debug for Snapshots<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Snapshots")
            .field("every", &self.every)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}
