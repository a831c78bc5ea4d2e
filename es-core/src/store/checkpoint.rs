//! How far a reader has come, for those who keep it outside the store's database.

use serde::{Deserialize, Serialize};

use super::{history::HistoryId, read::StoredEvent};
use crate::recorded::{EventId, Position};

/// The last event that a reader has dealt with: its position, and what tells whether that still means the same.
///
/// Within one history of a store a position is enough. A restore, or a failover to a standby that had not received
/// everything, takes events back and gives their positions out again; a reader that goes by the position alone would
/// then skip the new ones. So [`ReadAll::resume`](super::ReadAll::resume) goes on in the same history only, and only where
/// the event is still there.
///
/// In another history, that the event is there does not say that all before it is: transactions do not commit in the order
/// of their positions, and what is lost is what was committed last. Whoever knows that nothing was lost, behind a planned
/// switch-over, says so with [`assume_complete_in`](Self::assume_complete_in); anybody else begins anew.
///
/// ```
/// use es_core::{prelude::*, store::{Checkpoint, EventStore, ReadAll, StoreError, StoredEvent}};
///
/// async fn checkpoint<S: EventStore>(store: &S, done: &StoredEvent) -> Result<Checkpoint, StoreError> {
///     Ok(Checkpoint::behind(done, store.history().await?))    // keep it, as JSON for example
/// }
///
/// fn go_on(kept: Option<Checkpoint>) -> ReadAll {
///     kept.map_or_else(|| ReadAll::after(Position::START), ReadAll::resume)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Where the event stood.
    pub position: Position,
    /// Which event it was.
    pub event_id: EventId,
    /// The history that it was read from.
    pub history: HistoryId,
}

impl Checkpoint {
    /// A checkpoint from its parts, for stores that keep one in columns.
    pub fn new(position: Position, event_id: EventId, history: HistoryId) -> Self {
        Self { position, event_id, history }
    }

    /// The place behind an event that was read from this history.
    pub fn behind(event: &StoredEvent, history: HistoryId) -> Self {
        Self { position: event.position, event_id: event.event_id, history }
    }

    /// The same place in another history, of which you know that everything is there that was read before. Nobody can look
    /// whether that is so, but for the checkpoint's own event.
    #[must_use]
    pub fn assume_complete_in(self, history: HistoryId) -> Self {
        Self { history, ..self }
    }
}
