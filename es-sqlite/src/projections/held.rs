//! A batch that has the file: the transaction in which it commits, or in which handlers have statements of their own.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use es_core::{
    projection::ProjectionId,
    store::{Misconfigured, StoreError, Unavailable},
};
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::oneshot;

use super::{changes::Change, fence, registry::Open, rows::Tables};
use crate::{connections::Writing, error, store::Parts};

const BEGINNING: &str = "beginning a batch of a projection";
pub(super) const COMMITTING: &str = "committing a batch of a projection";

/// How many steps of its machine SQLite makes before it looks whether it is to end a statement: some milliseconds.
const STEPS: i32 = 100_000;

/// A transaction that has passed the fence, and has the file until it ends. Dropped, it is undone.
#[derive(Debug)]
pub(super) struct Held {
    writing: Writing,
    /// Which projection it is for.
    projection: ProjectionId,
    /// Where handlers had the connection.
    watch: Option<Watch>,
    /// Whether a change of ours has failed, or was given up half-way, so that there is nothing to commit.
    failed: bool,
}

/// What keeps handlers from ending the transaction, and anybody from having the file for ever.
#[derive(Debug)]
struct Watch {
    has_ended: Arc<AtomicBool>,
    /// Dropped, it calls off whoever waits for the owner to abandon the transaction.
    _guard: oneshot::Sender<()>,
}

impl Held {
    /// Waits for the file, passes the fence, and makes the changes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the claim is void by now.
    pub(super) async fn begin(parts: &Parts, open: &Open, changes: Vec<Change>) -> Result<Self, StoreError> {
        let projection = open.claim.shard.projection;
        let what = format!("a batch of `{}`", projection.name);
        let mut writing = parts.connections.pen().begin(BEGINNING, &what).await?;
        let passed = match writing.connection() {
            Ok(connection) => fence::pass(&open.claim, &open.advance, open.begun).execute(connection).await,
            Err(gone) => return Err(gone),
        };
        match passed {
            Ok(passed) if passed.rows_affected() == 1 => {}
            Ok(_) => {
                writing.rollback().await;
                let reason = format!("the claim to `{}` is void: nothing of the batch was done", open.claim.shard);
                return Err(Unavailable::new(reason, "another engine has claimed the shard, or it was paused").into());
            }
            Err(source) => {
                writing.rollback().await;
                return Err(error::store_error(BEGINNING, source));
            }
        }
        let mut held = Self { writing, projection, watch: None, failed: false };
        for change in changes {
            if let Err(error) = held.apply(&parts.projections.tables, &change).await {
                held.undo().await;
                return Err(error);
            }
        }
        Ok(held)
    }

    /// Makes a change.
    pub(super) async fn apply(&mut self, tables: &Tables, change: &Change) -> Result<(), StoreError> {
        // Also where nobody waits for its end.
        let before = std::mem::replace(&mut self.failed, true);
        change.apply(tables, self.writing.connection()?).await?;
        self.failed = before;
        Ok(())
    }

    /// The connection, for what the store does itself.
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.writing.connection()
    }

    /// Has the connection ready for handlers: they cannot commit, that the transaction has ended is seen, and when they do
    /// nothing for longer than the lease it is ended.
    pub(super) async fn hand_out(&mut self, parts: &Arc<Parts>, open: &Arc<Open>) -> Result<(), StoreError> {
        if self.watch.is_some() {
            return Ok(());
        }
        // Whoever passes over that this fails commits nothing.
        let before = std::mem::replace(&mut self.failed, true);
        let has_ended = Arc::new(AtomicBool::new(false));
        let connection = self.writing.connection()?;
        let failed = |source| error::store_error(BEGINNING, source);
        {
            let mut handle = connection.lock_handle().await.map_err(failed)?;
            // What a handler commits is undone instead.
            handle.set_commit_hook(|| false);
            let ended = Arc::clone(&has_ended);
            handle.set_rollback_hook(move || ended.store(true, Ordering::SeqCst));
            let interrupted = Arc::clone(&open.interrupted);
            handle.set_progress_handler(STEPS, move || !interrupted.load(Ordering::SeqCst));
        }
        // So that the driver counts it: what a handler begins on the connection is then a savepoint. The driver ends what it
        // has begun by a value that borrows the connection, which cannot be kept beside it. Forgotten, it leaves the connection
        // counted as in a transaction from then on; nothing else of the store asks for that.
        if !connection.is_in_transaction() {
            std::mem::forget(connection.begin_with("select 1").await.map_err(failed)?);
        }
        let (guard, called_off) = oneshot::channel();
        self.watch = Some(Watch { has_ended, _guard: guard });
        tokio::spawn(end_abandoned(Arc::clone(parts), Arc::clone(open), called_off));
        self.failed = before;
        Ok(())
    }

    /// Commits, if it still is the transaction that has passed the fence, and all that was to be done in it was done.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        if self.failed {
            self.undo().await;
            let source = "a change of the batch has failed, and was passed over".into();
            return Err(StoreError::Backend { doing: COMMITTING, source });
        }
        if let Some(watch) = self.watch.take() {
            // Behind all that handlers have sent, also what they did not wait for: then it is looked at.
            take_off(self.writing.connection()?).await.map_err(|source| error::store_error(COMMITTING, source))?;
            if watch.has_ended.load(Ordering::SeqCst) {
                let reason = format!(
                    "a handler of `{}` has ended the transaction of its batch, or a statement of it has, and nothing of it was \
                     stored; leave `commit` and `rollback` to the engine, and pass on every error",
                    self.projection.name
                );
                // It is in no transaction any more, so there is none to undo: the connection is made anew.
                return Err(Misconfigured::new(reason, None).into());
            }
        }
        match self.writing.commit(COMMITTING).await {
            Ok(()) => Ok(()),
            Err(uncommitted) if uncommitted.uncertain && !uncommitted.error.is_unavailable() => {
                Err(Unavailable::new("it is not known whether a batch was committed", uncommitted.error).into())
            }
            Err(uncommitted) => Err(uncommitted.error),
        }
    }

    /// Undoes it.
    pub(super) async fn undo(mut self) {
        let watch = self.watch.take();
        let Ok(connection) = self.writing.connection() else { return };
        if watch.is_some() && take_off(connection).await.is_err() {
            // Dropped, the connection is made anew.
            return;
        }
        // As it is where there is none to undo, because a handler has done so.
        self.writing.rollback().await;
    }
}

/// Takes off what was put on a connection for handlers.
async fn take_off(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    handle.remove_commit_hook();
    handle.remove_rollback_hook();
    handle.remove_progress_handler();
    Ok(())
}

/// Ends a transaction when it is abandoned: others wait for the file, whoever they are.
async fn end_abandoned(parts: Arc<Parts>, open: Arc<Open>, mut called_off: oneshot::Receiver<()>) {
    while let Some(until) = open.abandoned_at() {
        tokio::select! {
            _ = &mut called_off => return,
            () = tokio::time::sleep_until(until) => {}
        }
        if open.is_abandoned() {
            break;
        }
    }
    let shard = open.claim.shard;
    tracing::warn!(%shard, "a batch was ended, because its handlers had the file and did nothing for longer than its lease");
    open.undo().await;
    parts.projections.registry.leave(&open);
}
