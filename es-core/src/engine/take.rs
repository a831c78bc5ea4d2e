//! How a batch is taken in: as a whole, and where that fails, in pieces, down to the event because of which it fails.

use std::time::Instant;

use tracing::Instrument as _;

use super::{
    attempt::{Attempt, Failed, Outcome},
    feed::Batch,
    runner::{Ended, Runner, Step},
    work::Batched,
};
use crate::{
    projection::{ProjectionStore, Transience},
    recorded::Position,
    store::StoredEvent,
};

impl<S: ProjectionStore> Runner<S> {
    /// Takes in the batch, from where we are to its end.
    pub(super) async fn take_batched(&mut self, work: &dyn Batched<S>, batch: &Batch) -> Step {
        // How many events the next attempt has at most: fewer behind a failure.
        let mut most = usize::MAX;
        let mut attempts = 0;
        while self.position < batch.upto {
            let rest = batch.behind(self.position);
            let events = rest.get(..most.min(rest.len())).unwrap_or_default();
            let to = if events.len() == rest.len() { batch.upto } else { last_of(events, self.position) };
            let range = (self.checkpoint, to);
            let attempt = Attempt::new(&self.shared.store, &self.claim, range, batch.history, events, &self.choice);
            let begun = Instant::now();
            let outcome = work.run(&attempt).instrument(self.span(events.len())).await;
            let failed = match outcome {
                Ok(Outcome::Taken(applied)) => {
                    self.taken(applied, to, begun);
                    (most, attempts) = (usize::MAX, 0);
                    continue;
                }
                Ok(Outcome::Void) => return Err(Ended::Void),
                Err(failed) => failed,
            };
            attempts += 1;
            if self.passes(&failed, attempts) {
                let before = self.position;
                self.try_again(failed).await?;
                if self.position != before {
                    // It did take place, or another engine had the shard: these are other events.
                    (most, attempts) = (usize::MAX, 0);
                }
            } else if let Some(fewer) = fewer(&failed, events.len()) {
                most = fewer;
            } else {
                let Some(stored) = events.first() else {
                    // Nobody can be blamed, and nothing passed over.
                    return Err(Ended::Store(failed.into_store_error()));
                };
                self.set_aside(stored, batch, failed, attempts).await?;
                (most, attempts) = (usize::MAX, 0);
            }
        }
        Ok(())
    }

    /// The span of a batch, `es.projection.batch`.
    fn span(&self, events: usize) -> tracing::Span {
        let shard = self.shard();
        let id = shard.projection;
        tracing::debug_span!(
            "es.projection.batch",
            projection = id.name,
            version = id.version,
            shard = shard.shard,
            events
        )
    }

    /// Whether a failure is worth another attempt with the same events.
    pub(super) fn passes(&self, failed: &Failed, attempts: u32) -> bool {
        match failed.transience {
            _ if failed.uncertain => true,
            Transience::Unavailable => true,
            Transience::Passing => attempts < self.attempts(),
            Transience::Lasting | Transience::Broken => false,
        }
    }
}

fn last_of(events: &[StoredEvent], before: Position) -> Position {
    events.last().map_or(before, |event| event.position)
}

/// With how many events to try again, so that the one is found because of which it failed; `None` where it was alone.
fn fewer(failed: &Failed, events: usize) -> Option<usize> {
    match failed.at {
        _ if events < 2 => None,
        Some(0) => Some(1),
        Some(index) => Some(index.min(events - 1)),
        None => Some(events / 2),
    }
}
