//! One attempt to take in a batch: a transaction that moves the checkpoint, and what came of it.

use std::{
    any::Any,
    future::Future,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::FutureExt as _;

use super::{choice::Choice, runner::with_causes};
use crate::{
    projection::{Advance, Claim, DeadLetter, HandlerError, ProjectionError, ProjectionStore, Transience},
    recorded::Position,
    store::{HistoryId, StoreError, StoredEvent},
};

/// What is to be taken in.
#[derive(Debug)]
pub(super) struct Attempt<'a, S> {
    pub(super) store: &'a S,
    pub(super) claim: &'a Claim,
    /// Where the checkpoint stands.
    pub(super) from: Position,
    /// Where it goes.
    pub(super) to: Position,
    /// In which history the events were read.
    pub(super) history: HistoryId,
    pub(super) events: &'a [StoredEvent],
    pub(super) choice: &'a Choice,
    /// Whether the events were parked, and are to be removed from there.
    pub(super) redriven: Option<&'a str>,
    /// The index of the event that is being handled.
    progress: AtomicUsize,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in the store, and these many events were applied.
    Taken(u64),
    /// The claim is void: another engine has the shard, or nobody may.
    Void,
}

/// Why it was not taken in.
#[derive(Debug)]
pub(super) struct Failed {
    /// The index of the event because of which, where that is known.
    pub(super) at: Option<usize>,
    /// Whether it will pass.
    pub(super) transience: Transience,
    /// Whether it may have been taken in nevertheless: the answer to the commit was lost.
    pub(super) uncertain: bool,
    pub(super) error: Box<ProjectionError>,
}

impl Failed {
    /// The error as one of the store, where no event is to be blamed.
    pub(super) fn into_store_error(self) -> StoreError {
        match *self.error {
            ProjectionError::Store(error) => error,
            other => StoreError::Backend { doing: "projecting", source: other.into() },
        }
    }
}

impl<'a, S: ProjectionStore> Attempt<'a, S> {
    pub(super) fn new(
        store: &'a S,
        claim: &'a Claim,
        (from, to): (Position, Position),
        history: HistoryId,
        events: &'a [StoredEvent],
        choice: &'a Choice,
    ) -> Self {
        let progress = AtomicUsize::new(0);
        Self { store, claim, from, to, history, events, choice, redriven: None, progress }
    }

    /// The same with events that were parked under a key.
    pub(super) fn redriving(mut self, key: &'a str) -> Self {
        self.redriven = Some(key);
        self
    }

    /// Says that the event of this index is next.
    pub(super) fn at(&self, index: usize) {
        self.progress.store(index, Ordering::Relaxed);
    }

    /// Runs an attempt, and makes a failure of a panic.
    pub(super) async fn caught<F>(&self, run: F) -> Result<Outcome, Failed>
    where
        F: Future<Output = Result<Outcome, Failed>> + Send,
    {
        // Whatever a panic has left half-way is dropped with the future: the transaction, and the rows.
        match AssertUnwindSafe(run).catch_unwind().await {
            Ok(outcome) => outcome,
            Err(panic) => Err(self.panicked(panic.as_ref())),
        }
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> Failed {
        let index = self.progress.load(Ordering::Relaxed);
        let error = panicked(self.events.get(index), panic);
        Failed { at: Some(index), transience: Transience::Lasting, uncertain: false, error: error.into() }
    }

    /// Opens the transaction; `None` where the claim is void.
    pub(super) async fn begin(&self, applied: u64) -> Result<Option<S::Transaction>, Failed> {
        let advance = Advance::new(self.from, self.to, applied, self.history);
        self.store.begin(self.claim, &advance).await.map_err(|error| self.store_failed(error))
    }

    /// Moves the checkpoint where nothing else is to be written, behind these many events.
    pub(super) async fn advance(&self, applied: u64) -> Result<Outcome, Failed> {
        let advance = Advance::new(self.from, self.to, applied, self.history);
        match self.store.advance(self.claim, &advance).await {
            Ok(true) => Ok(Outcome::Taken(applied)),
            Ok(false) => Ok(Outcome::Void),
            Err(error) => Err(Failed { uncertain: true, ..self.store_failed(error) }),
        }
    }

    /// A transaction in which the store itself is asked for something, and letters are kept.
    pub(super) async fn transact(
        &self,
        applied: u64,
        letters: &[DeadLetter],
        ask: impl AsyncFnOnce(&mut S::Transaction) -> Result<(), StoreError>,
    ) -> Result<Outcome, Failed> {
        let Some(mut transaction) = self.begin(applied).await? else { return Ok(Outcome::Void) };
        let done = ask(&mut transaction).await.map(|()| applied).map_err(|error| self.store_failed(error));
        self.end(transaction, done, letters).await
    }

    /// Ends the transaction: commits where all went well, and undoes it where not.
    pub(super) async fn end(
        &self,
        mut transaction: S::Transaction,
        done: Result<u64, Failed>,
        waiting: &[DeadLetter],
    ) -> Result<Outcome, Failed> {
        let written = match done {
            Ok(applied) => self.write_letters(&mut transaction, waiting).await.map(|()| applied),
            Err(failed) => Err(failed),
        };
        match written {
            Ok(applied) => match self.store.commit(transaction).await {
                Ok(()) => Ok(Outcome::Taken(applied)),
                Err(error) => {
                    let failed = self.store_failed(error);
                    // What the store refuses, such as a constraint that it looks at last, it refuses again.
                    Err(Failed { uncertain: failed.transience == Transience::Unavailable, ..failed })
                }
            },
            Err(failed) => {
                self.store.rollback(transaction).await;
                Err(failed)
            }
        }
    }

    async fn write_letters(&self, transaction: &mut S::Transaction, waiting: &[DeadLetter]) -> Result<(), Failed> {
        if !waiting.is_empty() {
            self.store.set_aside(transaction, waiting).await.map_err(|error| self.store_failed(error))?;
        }
        if let (Some(key), Some(last)) = (self.redriven, self.events.last()) {
            let unparked = self.store.unpark(transaction, self.choice.shard(), key, last.position).await;
            unparked.map_err(|error| self.store_failed(error))?;
        }
        Ok(())
    }

    /// The store failed, because of no event that we know of.
    pub(super) fn store_failed(&self, error: StoreError) -> Failed {
        // The error is looked at as a cause, and handed on as it is.
        let error = HandlerError::new(error);
        let transience = self.store.transience(&error);
        let error = match error.into_inner().downcast::<StoreError>() {
            Ok(error) => ProjectionError::Store(*error),
            Err(source) => StoreError::Backend { doing: "projecting", source }.into(),
        };
        Failed { at: None, transience, uncertain: false, error: error.into() }
    }

    /// An event could not be handled.
    pub(super) fn event_failed(&self, index: usize, mut error: ProjectionError) -> Failed {
        let transience = match &error {
            ProjectionError::Handler { source, .. } => self.store.transience(source),
            _ => Transience::Lasting,
        };
        if let ProjectionError::Handler { source, .. } = &mut error
            && let Some(advice) = self.store.advice(source)
        {
            *source = HandlerError::new(format!("{}: {advice}", with_causes(source)));
        }
        Failed { at: Some(index), transience, uncertain: false, error: error.into() }
    }
}

/// The error of a panic, at this event, where it was at one.
pub(super) fn panicked(stored: Option<&StoredEvent>, panic: &(dyn Any + Send)) -> ProjectionError {
    match stored {
        Some(stored) => ProjectionError::handler(stored, panic_error(panic)),
        None => StoreError::Backend { doing: "projecting", source: panic_error(panic).into_inner() }.into(),
    }
}

/// What a panic said.
fn panic_error(panic: &(dyn Any + Send)) -> HandlerError {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    HandlerError::new(format!("the handler panicked: {}", said.unwrap_or("it did not say why")))
}
