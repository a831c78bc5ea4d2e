//! The stored frontier: what one process has proved, no other has to prove again.
//!
//! Writing it costs the append path nothing and no reader waits for it. A record that is not written, because the role
//! may not or the server is gone, costs the next process one proof.

use es_core::{recorded::Position, store::HistoryId};
use tokio::time::{Duration, Instant, timeout};

use super::Settled;
use crate::{connections::Failure, row::signed, store::Parts};

/// Without a proof that is worth keeping, the record follows at this distance.
const EVERY: Duration = Duration::from_secs(1);
/// How long closing waits for the last record.
const AT_THE_END: Duration = Duration::from_secs(1);

/// What is stored, as far as this process knows.
#[derive(Debug)]
pub(super) struct Recorder {
    history: Option<HistoryId>,
    position: Position,
    at: Instant,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self { history: None, position: Position::START, at: Instant::now() }
    }

    /// Whether this is to be written now; if so, it counts as written.
    pub(super) fn is_due(&mut self, settled: Settled, proved: bool) -> bool {
        let newer = self.history != Some(settled.history) || self.position < settled.position;
        let due = newer && (proved || self.at.elapsed() >= EVERY);
        if due {
            *self = Self { history: Some(settled.history), position: settled.position, at: Instant::now() };
        }
        due
    }
}

/// Writes the record, if it is newer than the one that stands there.
pub(super) async fn write(parts: &Parts, settled: Settled) {
    match try_write(parts, settled).await {
        Ok(()) => {}
        Err(failure) => tracing::debug!(position = %settled.position, ?failure, "the frontier was not stored"),
    }
}

/// As [`write`], where a store that closes does not wait for long.
pub(crate) async fn write_last(parts: &Parts) {
    if let Some(settled) = parts.frontier.settled() {
        let _ = timeout(AT_THE_END, write(parts, settled)).await;
    }
}

async fn try_write(parts: &Parts, settled: Settled) -> Result<(), Failure> {
    let lease = parts.connections.lease().await.map_err(Failure::NotSent)?;
    if lease.history() != settled.history {
        lease.give_back();
        return Ok(());
    }
    let record = sqlx::query(parts.statements.frontier_record.clone())
        .bind(signed(settled.position.get()))
        .bind(settled.history.as_uuid());
    lease.fetch(record).await.map(drop)
}
