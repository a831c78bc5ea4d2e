//! How a batch is delivered by a reactor: event by event, and the checkpoint behind each of them.

use super::{
    attempt::{Attempt, Failed},
    choice::Chosen,
    feed::Batch,
    metrics,
    runner::{Ended, Runner, Step},
    work::Delivered,
};
use crate::{
    projection::{ProjectionError, ProjectionStore, Transience},
    store::StoredEvent,
};

impl<S: ProjectionStore> Runner<S> {
    /// Delivers the batch, from where we are to its end.
    pub(super) async fn deliver(&mut self, work: &dyn Delivered, batch: &Batch) -> Step {
        for stored in batch.behind(self.position) {
            if self.is_to_end() {
                return Err(Ended::Asked);
            }
            if stored.position <= self.position {
                // Another had the shard meanwhile, and has delivered it.
                continue;
            }
            let key = match work.key(stored) {
                Ok(key) => key,
                Err(error) => {
                    self.set_aside(stored, batch, lasting(error), 1).await?;
                    continue;
                }
            };
            match self.choice.of(&key, stored) {
                Chosen::Elsewhere => {}
                Chosen::Waits(letter) => self.move_to(stored.position, 0, batch.history, &[letter]).await?,
                Chosen::Taken => match self.deliver_one(work, stored).await? {
                    Ok(()) => self.move_to(stored.position, 1, batch.history, &[]).await?,
                    Err((error, attempts)) => self.set_aside(stored, batch, lasting(error), attempts).await?,
                },
            }
        }
        self.move_to(batch.upto, 0, batch.history, &[]).await
    }

    /// Delivers an event as often as it takes, or as is allowed.
    async fn deliver_one(
        &mut self,
        work: &dyn Delivered,
        stored: &StoredEvent,
    ) -> Result<Result<(), (ProjectionError, u32)>, Ended> {
        let mut attempt = 1;
        loop {
            let error = match work.deliver(stored, attempt).await {
                Ok(()) => {
                    self.goes_well();
                    return Ok(Ok(()));
                }
                // What cannot be read today cannot be read tomorrow.
                Err(error @ (ProjectionError::Store(_) | ProjectionError::Key { .. })) => {
                    return Ok(Err((error, attempt)));
                }
                Err(error) => error,
            };
            if attempt >= self.attempts() {
                return Ok(Err((error, attempt)));
            }
            tracing::warn!(shard = %self.shard(), %error, attempt, "a delivery failed, and is tried again");
            self.fails(&error);
            metrics::failed(self.shard());
            attempt += 1;
            self.pause().await?;
        }
    }

    /// Delivers parked events of a key again. Whether there are more to try; `None` where one has failed again.
    pub(super) async fn redeliver(
        &mut self,
        work: &dyn Delivered,
        key: &str,
        events: &[StoredEvent],
    ) -> Result<Option<bool>, Ended> {
        for stored in events {
            if self.deliver_one(work, stored).await?.is_err() {
                return Ok(None);
            }
            let range = (self.checkpoint, self.checkpoint);
            let events = std::slice::from_ref(stored);
            let attempt = Attempt::new(&self.shared.store, &self.claim, range, self.history, events, &self.choice);
            let attempt = attempt.redriving(key);
            let outcome = attempt.transact(1, &[], async |_| Ok(())).await;
            if self.done(outcome).await?.is_none() {
                // It may be delivered once more: at least once is what is promised.
                return Ok(Some(true));
            }
        }
        Ok(Some(true))
    }
}

fn lasting(error: ProjectionError) -> Failed {
    Failed { at: Some(0), transience: Transience::Lasting, uncertain: false, error: error.into() }
}
