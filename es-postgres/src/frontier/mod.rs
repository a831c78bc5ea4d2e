//! The frontier: how far the order of all events is settled, so that no reader ever misses one.
//!
//! A reader calls [`advance`], and then reads what lies behind its own position and is not beyond the answer, with
//! [`fetch`]. `DESIGN.md` has the proof.

mod prove;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use es_core::{
    recorded::Position,
    store::{HistoryDiverged, HistoryId, StoreError},
};
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use crate::{error, store::Parts};

const DOING: &str = "reading all events";

/// Up to here every position is visible for good, or dead: in this history, and in no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) position: Position,
    pub(crate) history: HistoryId,
}

/// What the process knows of the frontier.
#[derive(Debug, Default)]
pub(crate) struct Frontier {
    known: Mutex<Option<Settled>>,
}

impl Frontier {
    /// How far all is settled, as far as it is known; nothing is asked. `None` before the first [`advance`], and on a
    /// standby, of which nothing is kept.
    pub(crate) fn settled(&self) -> Option<Settled> {
        *self.known()
    }

    fn learn(&self, settled: Settled) {
        let mut known = self.known();
        if known.is_none_or(|known| known.history != settled.history || known.position < settled.position) {
            *known = Some(settled);
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Settled>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes as far as can be known now, and waits at a hole for `settle_timeout` at the most. All that was visible when it
/// was called is then settled, or held by a writer that has not ended.
pub(crate) async fn advance(parts: &Arc<Parts>) -> Result<Settled, StoreError> {
    let settled = prove::advance(parts).await?;
    parts.frontier.learn(settled);
    Ok(settled)
}

/// Reads settled events: the query must bind `settled.position` as the last position that may be read. In another history
/// the same position is another event, so an answer from there is an error.
pub(crate) async fn fetch<'q>(
    parts: &Parts,
    settled: Settled,
    query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
) -> Result<Vec<PgRow>, StoreError> {
    let answer = parts.connections.fetch_with_history(query).await;
    let (history, rows) = answer.map_err(|failure| error::store_error(DOING, failure))?;
    if history == settled.history { Ok(rows) } else { Err(HistoryDiverged::new(settled.history, history).into()) }
}
