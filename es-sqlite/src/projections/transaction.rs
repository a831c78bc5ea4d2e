//! A batch: what it changes is kept, and put into the file behind the fence as it commits.
//!
//! A SQLite file has one writer at a time. So a batch does not write before it has all that it writes: as long as events are
//! folded nobody waits for it. Only where a handler has statements of its own, or asks for rows that the batch has written, it
//! takes the file before, and keeps it.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use es_core::{
    projection::{Advance, Claim, DeadLetter, ShardId, TableSchema},
    recorded::Position,
    store::StoreError,
};

use super::{
    changes::{self, Change},
    context::SqliteContext,
    fence,
    held::Held,
    registry::{Open, Work, ended},
    rows::{self, Changed},
    sql::now,
};
use crate::{error, store::Parts};

const BEGINNING: &str = "beginning a batch of a projection";

/// An open transaction of a batch. Dropped, it has done nothing.
///
/// Until it commits it keeps what it is to write, and holds no lock; then it passes the fence, writes and commits in one go. It
/// begins in the file before that, and keeps all other writers of the file waiting, when a handler asks for
/// [`SqliteContext::connection`], or when rows are loaded behind others that were written.
#[must_use = "a transaction that is dropped is undone"]
pub struct SqliteTransaction {
    pub(super) parts: Arc<Parts>,
    pub(super) open: Arc<Open>,
}

impl fmt::Debug for SqliteTransaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SqliteTransaction").field("claim", &self.open.claim).finish_non_exhaustive()
    }
}

/// Opens a transaction, if the fence would let it through by now.
pub(super) async fn begin(
    parts: &Arc<Parts>,
    claim: &Claim,
    advance: &Advance,
) -> Result<Option<SqliteTransaction>, StoreError> {
    let begun = now();
    loop {
        let open = Open::new(*claim, *advance, begun);
        if parts.projections.registry.enter(&open) {
            // From here on it leaves as it is dropped.
            let transaction = SqliteTransaction { parts: Arc::clone(parts), open };
            return Ok(passes(parts, claim, advance).await?.then_some(transaction));
        }
        if !passes(parts, claim, advance).await? {
            return Ok(None);
        }
        parts.projections.registry.when_ended(|open| open.shard == claim.shard).await;
    }
}

/// Whether the fence would let a move through.
async fn passes(parts: &Parts, claim: &Claim, advance: &Advance) -> Result<bool, StoreError> {
    let look = fence::look(claim, advance).fetch_optional(parts.connections.reading()?).await;
    Ok(look.map_err(|source| error::store_error(BEGINNING, source))?.is_some())
}

/// The fence alone.
pub(super) async fn advance(parts: &Parts, claim: &Claim, advance: &Advance) -> Result<bool, StoreError> {
    parts.projections.registry.when_ended(|open| open.shard == claim.shard).await;
    let begun = now();
    let mut writing = parts.connections.pen().begin(BEGINNING, "the checkpoint of a projection").await?;
    let passed = fence::pass(claim, advance, begun).execute(writing.connection()?).await;
    match passed {
        Ok(passed) if passed.rows_affected() == 1 => {
            writing.commit(BEGINNING).await.map_err(|uncommitted| uncommitted.error)?;
            Ok(true)
        }
        passed => {
            writing.rollback().await;
            passed.map(|_| false).map_err(|source| error::store_error(BEGINNING, source))
        }
    }
}

impl SqliteTransaction {
    pub(super) fn context(&mut self) -> SqliteContext<'_> {
        SqliteContext::new(self)
    }

    /// Commits: passes the fence, makes all changes and moves the checkpoint, in one transaction of the file.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let _call = self.open.call()?;
        let work = self.open.work.lock().await.take();
        match work.ok_or_else(ended)? {
            Work::Kept(changes) => Held::begin(&self.parts, &self.open, changes).await?.commit().await,
            Work::Held(held) => held.commit().await,
        }
    }

    pub(super) async fn rollback(self) {
        self.open.undo().await;
    }

    pub(super) async fn load_rows(&mut self, table: &TableSchema, keys: &[String]) -> Result<Vec<Vec<u8>>, StoreError> {
        let _call = self.open.call()?;
        let mut work = self.open.work.lock().await;
        if has_kept(work.as_ref(), |change| !matches!(change, Change::Rows(_))) {
            // Nobody else changes them before this commits; or its fence refuses it.
            return rows::load_committed(&self.parts, table, keys).await;
        }
        let held = take_file(&self.parts, &self.open, &mut work).await?;
        rows::load(&self.parts.projections.tables, held.connection()?, table, keys).await
    }

    pub(super) async fn write_rows(
        &mut self,
        table: &TableSchema,
        rows: &str,
        removed: &[String],
    ) -> Result<(), StoreError> {
        self.change(Change::Rows(Changed::of_json(table, rows, removed)?)).await
    }

    pub(super) async fn set_aside(&mut self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        for letter in letters {
            self.change(Change::Keep(letter.clone())).await?;
        }
        Ok(())
    }

    /// Whether none of the key is left.
    pub(super) async fn unpark(&mut self, shard: ShardId, key: &str, upto: Position) -> Result<bool, StoreError> {
        self.change(Change::Unpark(shard, key.to_owned(), upto)).await?;
        let failed = |source| error::store_error("looking for parked events", source);
        let _call = self.open.call()?;
        let mut work = self.open.work.lock().await;
        if has_kept(work.as_ref(), |change| !matches!(change, Change::Keep(_))) {
            let mut reader = self.parts.connections.reading()?.acquire().await.map_err(failed)?;
            return changes::none_is_left(&mut reader, shard, key, upto).await.map_err(failed);
        }
        // What it has parked itself counts.
        let held = take_file(&self.parts, &self.open, &mut work).await?;
        changes::none_is_left(held.connection()?, shard, key, upto).await.map_err(failed)
    }

    pub(super) async fn redriven(&mut self, shard: ShardId, wish: u64) -> Result<(), StoreError> {
        self.change(Change::Redriven(shard, wish)).await
    }

    /// Keeps a change, or makes it where the file is taken already.
    async fn change(&mut self, change: Change) -> Result<(), StoreError> {
        let _call = self.open.call()?;
        match self.open.work.lock().await.as_mut().ok_or_else(ended)? {
            Work::Kept(changes) => changes.push(change),
            Work::Held(held) => held.apply(&self.parts.projections.tables, &change).await?,
        }
        Ok(())
    }
}

/// Whether it has not taken the file, and all that it is to change is such.
fn has_kept(work: Option<&Work>, such: impl Fn(&Change) -> bool) -> bool {
    matches!(work, Some(Work::Kept(changes)) if changes.iter().all(such))
}

/// Takes the file, where that was not done before. Where it fails the transaction has ended: nobody commits what is left.
pub(super) async fn take_file<'w>(
    parts: &Parts,
    open: &Open,
    work: &'w mut Option<Work>,
) -> Result<&'w mut Held, StoreError> {
    let held = match work.take().ok_or_else(ended)? {
        Work::Kept(changes) => Box::new(Held::begin(parts, open, changes).await?),
        Work::Held(held) => held,
    };
    match work.insert(Work::Held(held)) {
        Work::Held(held) => Ok(held),
        Work::Kept(_) => Err(ended()),
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        // A statement of a handler may have been given up, and still run.
        self.open.interrupted.store(true, Ordering::SeqCst);
        // Where somebody has it just now, it is ended there.
        if let Ok(mut work) = self.open.work.try_lock() {
            drop(work.take());
        }
        self.parts.projections.registry.leave(&self.open);
    }
}
