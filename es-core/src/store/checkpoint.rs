//! How far a reader has come, for those who keep it outside the store's database.

use serde::{Deserialize, Serialize};

use super::{history::HistoryId, read::StoredEvent};
use crate::recorded::{EventId, Position};

/// The last event that a reader has dealt with: its position, and what tells whether that still means the same.
///
/// Within one history of a store a position is enough. A restore, or a failover to a standby that had not received
/// everything, takes events back and gives their positions out again; a reader that goes by the position alone would
/// then skip the new ones. [`ReadAll::resume`](super::ReadAll::resume) looks whether the event is still there.
///
/// That it is does not say that all before it is: transactions do not commit in the order of their positions, and what is
/// lost is what was committed last. So in another `history`, where events may have been lost, an event that was dealt with
/// may be gone although the checkpoint's own is there. Whoever cannot bear that begins anew when the history is another.
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
    /// The place behind an event that was read from this history.
    pub fn behind(event: &StoredEvent, history: HistoryId) -> Self {
        Self { position: event.position, event_id: event.event_id, history }
    }
}
