//! What becomes of an event that cannot be projected: the projection stops, passes it over, or parks it; and how parked
//! events are tried again.

use super::{
    attempt::{Attempt, Failed, Outcome},
    choice::Choice,
    feed::Batch,
    metrics,
    runner::{Ended, Runner, Step, failure},
    work::{Batched, Work},
};
use crate::{
    projection::{DeadLetter, Failure, FailurePolicy, ProjectionStore, ShardId, Transience},
    recorded::Position,
    store::StoredEvent,
};

/// How many parked events are tried in one transaction.
const REDRIVEN: u32 = 100;

impl<S: ProjectionStore> Runner<S> {
    /// Does with the event what the policy says.
    pub(super) async fn set_aside(
        &mut self,
        stored: &StoredEvent,
        batch: &Batch,
        failed: Failed,
        attempts: u32,
    ) -> Step {
        let failure = failure(stored, failed.error.as_ref(), attempts);
        let policy =
            if failed.transience == Transience::Broken { FailurePolicy::Stop } else { self.work.schema().policy };
        let letters = match policy {
            FailurePolicy::Stop => None,
            FailurePolicy::Skip => self.letters(stored, &failure, DeadLetter::skipped),
            FailurePolicy::DeadLetter => self.letters(stored, &failure, DeadLetter::parked),
        };
        let Some(letters) = letters else { return self.stop(failure).await };
        tracing::error!(shard = %self.shard(), %failure, ?policy, "an event was set aside");
        metrics::set_aside(self.shard(), letters.len());
        self.move_to(stored.position, 0, batch.history, &letters).await
    }

    /// One letter for each key of the event that is ours; `None` where the keys cannot be read: then nobody knows which
    /// events have to wait for it.
    fn letters(
        &self,
        stored: &StoredEvent,
        failure: &Failure,
        letter: fn(ShardId, String, Position, Failure) -> DeadLetter,
    ) -> Option<Vec<DeadLetter>> {
        let keys = self.work.keys(stored).ok()?;
        let ours = keys.into_iter().filter(|key| self.choice.has(key));
        Some(ours.map(|key| letter(self.shard(), key, stored.position, failure.clone())).collect())
    }

    /// Stops in front of the event.
    async fn stop(&mut self, failure: Failure) -> Step {
        tracing::error!(shard = %self.shard(), %failure, "a projection stops");
        let (claim, from) = (self.claim, self.checkpoint);
        let stops = self.ask(|store| {
            let failure = failure.clone();
            async move { store.stop(&claim, from, &failure).await }
        });
        if stops.await? { Err(Ended::Stopped(failure)) } else { Err(Ended::Void) }
    }

    /// Tries all parked events again, key after key, each key's in their order. A key whose event fails again stays parked
    /// from there on. Then the wish was seen to; one that came meanwhile was not.
    pub(super) async fn redrive(&mut self, wish: u64) -> Step {
        let keys: Vec<_> = self.choice.parked().cloned().collect();
        for key in keys {
            let mut attempts = 0;
            while let Some(more) = self.redrive_some(&key, &mut attempts).await? {
                if !more {
                    break;
                }
            }
        }
        self.end_redrive(wish).await?;
        self.load_parked().await
    }

    /// Tries the next parked events of a key, which has failed so many times in a row. Whether there are more to try; `None`
    /// where one has failed again.
    async fn redrive_some(&mut self, key: &str, attempts: &mut u32) -> Result<Option<bool>, Ended> {
        let shard = self.shard();
        let parked = self.ask(|store| {
            let key = key.to_owned();
            async move { store.parked_events(shard, &key, REDRIVEN).await }
        });
        let events = parked.await?;
        if events.is_empty() {
            return Ok(Some(false));
        }
        match self.work.clone() {
            Work::Batched(work) => self.redrive_batched(work.as_ref(), key, &events, attempts).await,
            Work::Delivered(work) => self.redeliver(work.as_ref(), key, &events).await,
        }
    }

    async fn redrive_batched(
        &mut self,
        work: &dyn Batched<S>,
        key: &str,
        events: &[StoredEvent],
        attempts: &mut u32,
    ) -> Result<Option<bool>, Ended> {
        let choice = self.choice.only(key);
        let mut most = events.len();
        loop {
            let failed = match self.redrive_once(work, key, &events[..most], &choice).await? {
                Ok(()) => {
                    *attempts = 0;
                    return Ok(Some(true));
                }
                Err(failed) => failed,
            };
            *attempts += 1;
            if self.passes(&failed, *attempts) {
                self.try_again(failed).await?;
                // The answer to a commit may have been lost, or another have had the shard: what is parked is read again.
                return Ok(Some(true));
            }
            most = match failed.at {
                Some(index) if index > 0 && index < most => index,
                None if most > 1 => most / 2,
                _ => return Ok(None),
            };
        }
    }

    async fn redrive_once(
        &mut self,
        work: &dyn Batched<S>,
        key: &str,
        events: &[StoredEvent],
        choice: &Choice,
    ) -> Result<Result<(), Failed>, Ended> {
        let range = (self.checkpoint, self.checkpoint);
        let attempt = Attempt::new(&self.shared.store, &self.claim, range, self.history, events, choice);
        let attempt = attempt.redriving(key);
        match work.run(&attempt).await {
            Ok(Outcome::Taken(_)) => Ok(Ok(())),
            Ok(Outcome::Void) => Err(Ended::Void),
            Err(failed) => Ok(Err(failed)),
        }
    }

    /// The wish was seen to.
    async fn end_redrive(&mut self, wish: u64) -> Step {
        loop {
            let range = (self.checkpoint, self.checkpoint);
            let attempt = Attempt::new(&self.shared.store, &self.claim, range, self.history, &[], &self.choice);
            let redriven = async |transaction: &mut S::Transaction| {
                self.shared.store.redriven(transaction, self.claim.shard, wish).await
            };
            let outcome = attempt.transact(0, &[], redriven).await;
            if self.done(outcome).await?.is_some() {
                return Ok(());
            }
        }
    }
}
