//! Which history of a store something belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one history of one store.
///
/// It changes when what was stored may no longer be what was seen: a failover, a restore, a clone, tables made anew. What
/// is remembered outside the store (a state, a position) holds within one history only. A plain restart changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HistoryId(Uuid);

impl HistoryId {
    /// A history that never was before, for stores that begin one.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The history that a store keeps, or works out, as a UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl Default for HistoryId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for HistoryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
