//! A snapshot as it is kept, whether it can be used or not.

use crate::recorded::{Position, StreamVersion};

/// The snapshot that a store keeps of one stream, with whatever fingerprint: for those who look after snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptSnapshot {
    /// The version of the stream that it holds the state of.
    pub version: StreamVersion,
    /// The position of the event of that version.
    pub position: Position,
    /// What tells the structure of the state from others.
    pub fingerprint: String,
    /// The state, as JSON.
    pub state: Vec<u8>,
}

impl KeptSnapshot {
    /// A snapshot, for stores.
    pub fn new(version: StreamVersion, position: Position, fingerprint: impl Into<String>, state: Vec<u8>) -> Self {
        Self { version, position, fingerprint: fingerprint.into(), state }
    }
}
