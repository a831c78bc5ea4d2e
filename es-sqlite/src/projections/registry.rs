//! The transactions that are open in this process, by their shards.
//!
//! As long as one is open, nobody here claims its shard; one whose owner does nothing with it for longer than its lease is ended.
//! Other processes know nothing of it: for them there is the fence, which each transaction passes as it commits.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use es_core::{
    projection::{Advance, Claim, ShardId},
    store::{StoreError, Unavailable},
};
use tokio::{
    sync::{Mutex as AsyncMutex, Notify},
    time::{Instant, sleep},
};

use super::{changes::Change, held::Held};

/// How long the end of a transaction is waited for at once.
const PAUSE: Duration = Duration::from_millis(200);

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    open: Mutex<HashMap<ShardId, Arc<Open>>>,
    ended: Notify,
}

/// An open transaction.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) claim: Claim,
    pub(super) advance: Advance,
    /// When it began.
    pub(super) begun: i64,
    /// What it has done so far; nothing behind its end.
    pub(super) work: AsyncMutex<Option<Work>>,
    life: Mutex<Life>,
    /// Whether it was ended: a statement of a handler that still runs is interrupted.
    pub(super) interrupted: Arc<AtomicBool>,
}

/// What a transaction has done.
#[derive(Debug)]
pub(super) enum Work {
    /// Nothing that is in the file: it is put there with the commit.
    Kept(Vec<Change>),
    /// It has the file.
    Held(Box<Held>),
}

#[derive(Clone, Copy, Debug)]
enum Life {
    /// Its owner has called, and waits for the answer.
    Working,
    /// When it is abandoned, if its owner does nothing with it before.
    Idle(Instant),
    /// It was abandoned, and ended.
    Ended,
}

/// A call of the owner: meanwhile it is not abandoned.
#[derive(Debug)]
pub(super) struct Call<'o>(&'o Open);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.rest();
    }
}

impl Open {
    pub(super) fn new(claim: Claim, advance: Advance, begun: i64) -> Arc<Self> {
        let open = Self {
            claim,
            advance,
            begun,
            work: AsyncMutex::new(Some(Work::Kept(Vec::new()))),
            life: Mutex::new(Life::Working),
            interrupted: Arc::default(),
        };
        open.rest();
        Arc::new(open)
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The owner has something done with it.
    pub(super) fn call(&self) -> Result<Call<'_>, StoreError> {
        let mut life = self.life();
        if matches!(*life, Life::Ended) {
            return Err(ended());
        }
        *life = Life::Working;
        Ok(Call(self))
    }

    /// From here on the owner has its lease to go on.
    pub(super) fn rest(&self) {
        let mut life = self.life();
        if !matches!(*life, Life::Ended) {
            let now = Instant::now();
            *life = Life::Idle(now.checked_add(self.claim.lease).unwrap_or(now + Duration::from_hours(24 * 365)));
        }
    }

    /// When it is abandoned, unless something is done with it; nothing where it has ended.
    pub(super) fn abandoned_at(&self) -> Option<Instant> {
        match *self.life() {
            Life::Working => Some(Instant::now() + self.claim.lease),
            Life::Idle(until) => Some(until),
            Life::Ended => None,
        }
    }

    /// Whether its owner has done nothing with it for longer than its lease. Then it is ended, and does nothing any more.
    pub(super) fn is_abandoned(&self) -> bool {
        let mut life = self.life();
        match *life {
            Life::Idle(until) if until <= Instant::now() => {
                *life = Life::Ended;
                self.interrupted.store(true, Ordering::SeqCst);
                true
            }
            Life::Ended => true,
            Life::Idle(_) | Life::Working => false,
        }
    }

    /// Undoes what it has done. Where its owner still has the connection that is waited for.
    pub(super) async fn undo(&self) {
        // Also a statement that was given up, and still runs.
        self.interrupted.store(true, Ordering::SeqCst);
        let work = self.work.lock().await.take();
        if let Some(Work::Held(held)) = work {
            held.undo().await;
        }
    }
}

/// What whoever comes too late is told.
pub(super) fn ended() -> StoreError {
    let reason =
        "the transaction was ended: nothing was done with it for longer than its lease, or it could not have the file";
    Unavailable::new(reason, "another engine has claimed the shard, or may do so").into()
}

impl Registry {
    fn open(&self) -> MutexGuard<'_, HashMap<ShardId, Arc<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a transaction be known, unless another one of its shard is.
    pub(super) fn enter(&self, new: &Arc<Open>) -> bool {
        let mut open = self.open();
        let shard = new.claim.shard;
        if open.contains_key(&shard) {
            return false;
        }
        open.insert(shard, Arc::clone(new));
        true
    }

    /// It has come to its end.
    pub(super) fn leave(&self, gone: &Arc<Open>) {
        let mut open = self.open();
        if open.get(&gone.claim.shard).is_some_and(|known| Arc::ptr_eq(known, gone)) {
            open.remove(&gone.claim.shard);
        }
        drop(open);
        self.ended.notify_waiters();
    }

    /// The transaction of a shard that is open.
    pub(super) fn of(&self, shard: ShardId) -> Option<Arc<Open>> {
        self.open().get(&shard).map(Arc::clone)
    }

    /// Whether a transaction of the shard is open. One that was abandoned is ended first; where its owner still has the
    /// connection, it stays open until that is back.
    pub(super) async fn is_open(&self, shard: ShardId) -> bool {
        let Some(open) = self.of(shard) else { return false };
        if !open.is_abandoned() || open.work.try_lock().is_err() {
            return true;
        }
        open.undo().await;
        self.leave(&open);
        false
    }

    /// Waits for the end of those transactions that are open now, as far as they concern somebody.
    pub(super) async fn when_ended(&self, concerns: impl Fn(&Claim) -> bool) {
        let open: Vec<_> = self.open().values().filter(|open| concerns(&open.claim)).map(Arc::clone).collect();
        for open in open {
            let shard = open.claim.shard;
            loop {
                // Before the look, so that an end between the look and the wait is not missed.
                let ended = self.ended.notified();
                let is_known = |known: &Arc<Open>| Arc::ptr_eq(known, &open);
                let is_open = self.is_open(shard).await && self.of(shard).as_ref().is_some_and(is_known);
                // Of one that was ended nothing can come any more, whoever still has its connection.
                if !is_open || open.abandoned_at().is_none() {
                    break;
                }
                // Abandoned it may be without that anybody says so.
                tokio::select! {
                    () = ended => {}
                    () = sleep(PAUSE) => {}
                }
            }
        }
    }
}
