//! The runner of one shard: batch after batch, as long as its claim holds.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    attempt::{Attempt, Failed, Outcome},
    board::Board,
    choice::Choice,
    claiming,
    feed::{Batch, Feed},
    metrics,
    work::Work,
};
use crate::{
    projection::{Claim, DeadLetter, EngineInfo, Failure, HandlerError, ProjectionStore, ShardId, Transience},
    recorded::Position,
    repository::RetryPolicy,
    store::{HistoryId, StoreError, StoredEvent},
};

/// A checkpoint that passes nothing but events of others moves this often.
const IDLE_ADVANCE: Duration = Duration::from_secs(1);

/// What a runner is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// End behind the batch that is under way.
    pub(super) end: bool,
    /// The newest wish to try the parked events again.
    pub(super) redrive: Option<u64>,
}

/// Why a runner ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It was told to; the claim holds.
    Asked,
    /// It has come to the frontier, and was to go no further; the claim holds.
    AtFrontier,
    /// The claim is void.
    Void,
    /// It has stopped in front of an event that cannot be projected.
    Stopped(Failure),
    /// The store was closed, or answered what no repetition will change.
    Store(StoreError),
}

/// What the runners of an engine share.
#[derive(Debug)]
pub(super) struct Shared<S> {
    pub(super) store: S,
    pub(super) feed: Feed<S>,
    pub(super) board: Arc<Board>,
    pub(super) info: EngineInfo,
    pub(super) retry: RetryPolicy,
}

/// The runner.
#[derive(Debug)]
pub(super) struct Runner<S> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) work: Work<S>,
    pub(super) claim: Claim,
    /// Everything up to here is taken in.
    pub(super) position: Position,
    /// Where the checkpoint stands in the store.
    pub(super) checkpoint: Position,
    pub(super) choice: Choice,
    /// The history in which the shard was claimed: what we know, and have not stored, is of no use in another.
    pub(super) history: HistoryId,
    orders: watch::Receiver<Order>,
    advanced: Instant,
    /// How often the batch in hand has failed.
    pub(super) failures: u32,
    /// The newest wish to try parked events again that we have seen to.
    redriven: Option<u64>,
}

/// How a step ended: it goes on, or the runner ends.
pub(super) type Step = Result<(), Ended>;

impl<S: ProjectionStore> Runner<S> {
    /// A runner under a claim.
    pub(super) fn new(shared: Arc<Shared<S>>, work: Work<S>, claim: Claim, orders: watch::Receiver<Order>) -> Self {
        let choice = Choice::new(claim.shard, work.schema().shards, []);
        let (position, checkpoint, advanced) = (claim.position, claim.position, Instant::now());
        Self {
            shared,
            work,
            claim,
            position,
            checkpoint,
            choice,
            // It is asked for before anything else is.
            history: HistoryId::default(),
            orders,
            advanced,
            failures: 0,
            redriven: None,
        }
    }

    pub(super) fn store(&self) -> &S {
        &self.shared.store
    }

    pub(super) fn shard(&self) -> ShardId {
        self.claim.shard
    }

    /// Takes in events until it is told to end, or cannot go on.
    pub(super) async fn run(self) -> (Ended, Claim) {
        self.follow(true).await
    }

    /// The same, but no further than the frontier.
    pub(super) async fn run_to_frontier(self) -> (Ended, Claim) {
        self.follow(false).await
    }

    async fn follow(mut self, waits: bool) -> (Ended, Claim) {
        let Err(ended) = self.steps(waits).await;
        self.shared.board.gone(self.shard());
        match &ended {
            Ended::Store(error) => self.fails(error),
            _ => self.shared.board.recovered(self.shard()),
        }
        (ended, self.claim)
    }

    async fn steps(&mut self, waits: bool) -> Result<Infallible, Ended> {
        self.shared.board.claimed(self.claim);
        // Asked once: behind a failover every fence refuses us. If there was one since the claim, then the claim is void,
        // unless the store has it, and the checkpoint, just as we do.
        self.history = self.ask(|store| async move { store.history().await }).await?;
        self.load_parked().await?;
        loop {
            let order = *self.orders.borrow_and_update();
            if order.end {
                self.move_checkpoint().await?;
                return Err(Ended::Asked);
            }
            if let Some(wish) = order.redrive.filter(|_| order.redrive > self.redriven) {
                self.redrive(wish).await?;
                self.redriven = Some(wish);
            }
            let batch = self.next_batch().await?;
            if batch.upto > self.position {
                self.take(&batch).await?;
                self.shared.board.reached(self.shard(), self.position);
            } else if !waits {
                self.move_checkpoint().await?;
                return Err(Ended::AtFrontier);
            } else {
                self.wait(&batch).await?;
            }
        }
    }

    /// The next events.
    async fn next_batch(&mut self) -> Result<Arc<Batch>, Ended> {
        loop {
            match self.shared.feed.behind(self.work.schema(), self.position, self.history).await {
                // Where we stood, other events may come: the checkpoint says where to go on.
                Ok(batch) if batch.history != self.history => return Err(Ended::Void),
                Ok(batch) => {
                    self.goes_well();
                    return Ok(batch);
                }
                Err(error) => self.wait_out(error).await?,
            }
        }
    }

    /// Asks the store for something that changes nothing, until it answers.
    pub(super) async fn ask<T, F>(&mut self, ask: impl Fn(S) -> F + Send) -> Result<T, Ended>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        loop {
            match ask(self.shared.store.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.wait_out(error).await?,
            }
        }
    }

    /// Waits at the frontier until there is more, or something else to do.
    async fn wait(&mut self, batch: &Batch) -> Step {
        let shared = Arc::clone(&self.shared);
        let more = shared.feed.wait_behind(self.position, batch.history);
        let idle = IDLE_ADVANCE.saturating_sub(self.advanced.elapsed());
        let is_behind = self.checkpoint < self.position;
        tokio::select! {
            () = more => Ok(()),
            changed = self.orders.changed() => changed.map_err(|_| Ended::Asked),
            () = tokio::time::sleep(idle), if is_behind => self.move_checkpoint().await,
        }
    }

    /// Which keys have to wait.
    pub(super) async fn load_parked(&mut self) -> Step {
        let shard = self.shard();
        let keys = self.ask(|store| async move { store.parked_keys(shard).await }).await?;
        self.choice = Choice::new(shard, self.work.schema().shards, keys);
        Ok(())
    }

    /// Takes in a batch, in as many pieces as it needs.
    async fn take(&mut self, batch: &Batch) -> Step {
        if batch.behind(self.position).is_empty() {
            return self.pass_over(batch).await;
        }
        match self.work.clone() {
            Work::Batched(work) => self.take_batched(work.as_ref(), batch).await,
            Work::Delivered(work) => self.deliver(work.as_ref(), batch).await,
        }
    }

    /// Nothing concerns us: the checkpoint may as well move later, unless this version is to take over from another, for
    /// which its checkpoints have to be as far as those.
    async fn pass_over(&mut self, batch: &Batch) -> Step {
        self.position = batch.upto;
        let is_beside_another = self.shared.board.is_beside_another(self.shard().projection);
        if batch.more || is_beside_another || self.advanced.elapsed() >= IDLE_ADVANCE {
            return self.move_to(batch.upto, 0, batch.history, &[]).await;
        }
        Ok(())
    }

    /// A batch is in the store: so many events, begun at that time.
    pub(super) fn taken(&mut self, applied: u64, position: Position, begun: Instant) {
        self.stands_at(position);
        self.goes_well();
        metrics::taken(self.shard(), applied, position, begun.elapsed());
        self.shared.board.applied(self.shard(), applied, position);
    }

    /// The store has the checkpoint where we are.
    pub(super) fn stands_at(&mut self, position: Position) {
        (self.position, self.checkpoint, self.advanced) = (position, position, Instant::now());
    }

    /// What was tried has succeeded.
    pub(super) fn goes_well(&mut self) {
        self.failures = 0;
        self.shared.board.recovered(self.shard());
    }

    /// What was tried has failed, and is tried again.
    pub(super) fn fails(&self, error: &(dyn std::error::Error + 'static)) {
        self.shared.board.failed(self.shard(), with_causes(error));
    }

    /// Moves the checkpoint to where we are. It may have been behind, because there was nothing to take in.
    async fn move_checkpoint(&mut self) -> Step {
        self.move_to(self.position, 0, self.history, &[]).await
    }

    /// Moves the checkpoint behind so many events that were applied elsewhere, and keeps what was set aside on the way; unless
    /// another engine had the shard meanwhile, and has done with them as it could.
    pub(super) async fn move_to(
        &mut self,
        to: Position,
        applied: u64,
        history: HistoryId,
        letters: &[DeadLetter],
    ) -> Step {
        while self.checkpoint < to {
            let begun = Instant::now();
            let range = (self.checkpoint, to);
            let attempt = Attempt::new(&self.shared.store, &self.claim, range, history, &[], &self.choice);
            let outcome = if letters.is_empty() {
                attempt.advance(applied).await
            } else {
                attempt.transact(applied, letters, async |_| Ok(())).await
            };
            if let Some(applied) = self.done(outcome).await? {
                self.taken(applied, to, begun);
                for letter in letters.iter().filter(|letter| !letter.skipped) {
                    self.choice.park(letter.key.clone());
                }
            }
        }
        Ok(())
    }

    /// What came of an attempt for which no event is to blame: how many events it has applied, or `None` where it is to be
    /// made again, under a new claim.
    pub(super) async fn done(&mut self, outcome: Result<Outcome, Failed>) -> Result<Option<u64>, Ended> {
        match outcome {
            Ok(Outcome::Taken(applied)) => Ok(Some(applied)),
            Ok(Outcome::Void) => Err(Ended::Void),
            Err(failed) => self.try_again(failed).await.map(|()| None),
        }
    }

    /// After a failure that will pass: waits, and finds out where the checkpoint stands. Another one ends the runner.
    pub(super) async fn try_again(&mut self, failed: Failed) -> Step {
        metrics::failed(self.shard());
        if !failed.uncertain && matches!(failed.transience, Transience::Lasting | Transience::Broken) {
            return Err(Ended::Store(failed.into_store_error()));
        }
        tracing::warn!(shard = %self.shard(), error = %failed.error, "a projection could not go on, and tries again");
        self.fails(failed.error.as_ref());
        self.pause().await?;
        self.reclaim().await
    }

    /// Claims the shard anew, because it is not known whether a transaction took place, or the connection is gone. The
    /// older claim is void from here on. Another engine may have had the shard since: what is parked is read anew, too.
    pub(super) async fn reclaim(&mut self) -> Step {
        loop {
            match claiming::claim(&self.shared, self.work.schema(), self.shard()).await {
                Ok(Some(claim)) => {
                    self.claim = claim;
                    self.shared.board.claimed(claim);
                    self.stands_at(claim.position);
                    // Another may have had it meanwhile, and parked what it could not project.
                    return self.load_parked().await;
                }
                Ok(None) => return Err(Ended::Void),
                Err(error) => self.wait_out(error).await?,
            }
        }
    }

    /// Waits after a failure of the store that will pass; ends after another.
    pub(super) async fn wait_out(&mut self, error: StoreError) -> Step {
        if error.is_closed() {
            return Err(Ended::Store(error));
        }
        let error = HandlerError::new(error);
        if matches!(self.store().transience(&error), Transience::Passing | Transience::Unavailable) {
            tracing::warn!(shard = %self.shard(), %error, "a projection waits for the store to come back");
            self.fails(&error);
            return self.pause().await;
        }
        Err(Ended::Store(match error.into_inner().downcast::<StoreError>() {
            Ok(error) => *error,
            Err(source) => StoreError::Backend { doing: "projecting", source },
        }))
    }

    /// Waits for a random time that grows with the failures, but ends when it is told to.
    pub(super) async fn pause(&mut self) -> Step {
        let pause = self.shared.retry.pause_after(self.failures);
        self.failures = self.failures.saturating_add(1);
        tokio::select! {
            () = pause => Ok(()),
            () = told_to_end(&mut self.orders) => Err(Ended::Asked),
        }
    }

    /// Whether it is told to end.
    pub(super) fn is_to_end(&self) -> bool {
        self.orders.borrow().end
    }

    /// How often something is tried.
    pub(super) fn attempts(&self) -> u32 {
        self.shared.retry.attempts_at_most()
    }
}

/// Waits until it is so, or nobody is left to say so.
async fn told_to_end(orders: &mut watch::Receiver<Order>) {
    let _ = orders.wait_for(|order| order.end).await;
}

/// A failure, as a store keeps it.
pub(super) fn failure(stored: &StoredEvent, error: &(dyn std::error::Error + 'static), attempts: u32) -> Failure {
    Failure::new(stored.position, stored.event_type.clone(), with_causes(error), attempts)
}

/// An error with all its causes that it does not say itself.
pub(super) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let said = source.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = source.source();
    }
    text
}
