//! A transaction: changes that take effect together, and a shard that is held until then.

use std::{collections::BTreeMap, marker::PhantomData, mem};

use chrono::{DateTime, Utc};

use super::{
    Busy, Open, Shard,
    ownership::lease_end,
    rows::{Row, Rows, in_order, key_text, read_rows},
};
use crate::{
    memory::{MemoryStore, State},
    projection::{Activity, Advance, Claim, DeadLetter, Failure, ProjectionId, ShardId, column::TableSchema},
    recorded::Position,
    store::{HistoryId, StoreError, Unavailable},
};

/// An open transaction of the store in memory. Dropping it undoes it.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is undone"]
pub struct MemoryTransaction {
    store: MemoryStore,
    claim: Claim,
    advance: Advance,
    lease_ends: DateTime<Utc>,
    number: u64,
    changes: Changes,
}

/// What is to be changed, in the order of the calls where that matters.
#[derive(Debug, Default)]
struct Changes {
    /// By table and version; `None` for a row that is removed.
    rows: BTreeMap<(&'static str, u32), BTreeMap<String, Option<Row>>>,
    letters: Vec<Letter>,
    /// Shards, and which wish was seen to.
    redriven: Vec<(ShardId, u64)>,
}

#[derive(Debug)]
enum Letter {
    Keep(DeadLetter),
    Unpark(ShardId, String, Position),
}

/// What the handlers of a projection are given in the store in memory.
///
/// The store keeps events and rows, and no other data, so there is nothing more to be had from it: what such handlers do
/// elsewhere is not undone with the transaction.
#[derive(Debug)]
pub struct MemoryContext<'t> {
    projection: ProjectionId,
    transaction: PhantomData<&'t mut MemoryTransaction>,
}

impl MemoryContext<'_> {
    /// Which projection runs.
    pub fn projection(&self) -> ProjectionId {
        self.projection
    }
}

impl Shard {
    fn go_on(&mut self, advance: &Advance, lease_ends: DateTime<Utc>, now: DateTime<Utc>) {
        if let Some(owner) = &mut self.owner {
            owner.lease_ends = lease_ends;
        }
        self.applied += advance.applied;
        if advance.to != advance.from {
            self.position = advance.to;
            self.updated_at = now;
            self.failure = None;
        }
    }
}

impl State {
    /// The shard, if no transaction is open and the claim may move its checkpoint.
    fn fence(&mut self, claim: &Claim, from: Position, history: HistoryId) -> Result<Option<&mut Shard>, Busy> {
        let now = self.clock.now();
        let same_history = history == self.history;
        let Some(shard) = self.projections.shard_mut(claim.shard) else { return Ok(None) };
        if !shard.is_held_by(claim) {
            return Ok(None);
        }
        shard.closed(now)?;
        let passes = same_history && shard.position == from && shard.activity == Activity::Running;
        Ok(passes.then_some(shard))
    }

    /// The number of a transaction that is open from here on, and when its lease ends.
    fn open(&mut self, claim: &Claim, advance: &Advance) -> Result<Option<(u64, DateTime<Utc>)>, Busy> {
        let lease_ends = lease_end(self.clock.now(), claim.lease);
        self.projections.transactions += 1;
        let number = self.projections.transactions;
        let Some(shard) = self.fence(claim, advance.from, advance.history)? else { return Ok(None) };
        shard.open = Some(Open { number, abandoned_at: lease_ends });
        Ok(Some((number, lease_ends)))
    }

    pub(super) fn advance(&mut self, claim: &Claim, advance: &Advance) -> Result<bool, Busy> {
        let now = self.clock.now();
        let Some(shard) = self.fence(claim, advance.from, advance.history)? else { return Ok(false) };
        shard.go_on(advance, lease_end(now, claim.lease), now);
        Ok(true)
    }

    pub(super) fn stop(&mut self, claim: &Claim, from: Position, failure: &Failure) -> Result<bool, Busy> {
        let Some(shard) = self.fence(claim, from, self.history)? else { return Ok(false) };
        (shard.activity, shard.failure, shard.owner) = (Activity::Stopped, Some(failure.clone()), None);
        Ok(true)
    }

    fn apply(&mut self, changes: Changes) {
        for ((name, version), rows) in changes.rows {
            let Some(version) = self.projections.version_mut(ProjectionId { name, version }) else { continue };
            for (key, row) in rows {
                match row {
                    Some(row) => drop(version.rows.insert(key, row)),
                    None => drop(version.rows.remove(&key)),
                }
            }
        }
        for letter in changes.letters {
            match letter {
                Letter::Keep(letter) => {
                    if let Some(version) = self.projections.version_mut(letter.shard.projection) {
                        version.letters.keep(&letter);
                    }
                }
                Letter::Unpark(shard, key, upto) => {
                    if let Some(version) = self.projections.version_mut(shard.projection) {
                        version.letters.unpark(shard.shard, &key, upto);
                    }
                }
            }
        }
        for (id, wish) in changes.redriven {
            if let Some(shard) = self.projections.shard_mut(id) {
                shard.redriven = shard.redriven.max(wish);
            }
        }
    }
}

impl MemoryStore {
    pub(super) async fn open(&self, claim: &Claim, advance: &Advance) -> Option<MemoryTransaction> {
        let (number, lease_ends) = self.when_closed(|state| state.open(claim, advance)).await?;
        let (store, claim, advance) = (self.clone(), *claim, *advance);
        Some(MemoryTransaction { store, claim, advance, lease_ends, number, changes: Changes::default() })
    }
}

impl MemoryTransaction {
    pub(super) fn context(&mut self) -> MemoryContext<'_> {
        // Whoever has nothing left to do with it will hear so from the next call that can fail.
        let _ = self.is_open(&mut self.store.state());
        MemoryContext { projection: self.claim.shard.projection, transaction: PhantomData }
    }

    pub(super) fn commit(mut self) -> Result<(), StoreError> {
        let mut state = self.store.state();
        self.is_open(&mut state)?;
        let now = state.clock.now();
        state.apply(mem::take(&mut self.changes));
        if let Some(shard) = state.projections.shard_mut(self.claim.shard) {
            shard.go_on(&self.advance, self.lease_ends, now);
        }
        // What is left to do is done when it is dropped, as in each other case.
        drop(state);
        Ok(())
    }

    /// That it was not ended in the meantime; from here on it is not for another lease.
    fn is_open(&self, state: &mut State) -> Result<(), StoreError> {
        let abandoned_at = lease_end(state.clock.now(), self.claim.lease);
        let open = state.projections.shard_mut(self.claim.shard).and_then(|shard| shard.open.as_mut());
        let Some(open) = open.filter(|open| open.number == self.number) else {
            let reason = "the transaction was ended, because nothing was done with it for longer than its lease";
            return Err(Unavailable::new(reason, "another engine has claimed the shard").into());
        };
        open.abandoned_at = abandoned_at;
        Ok(())
    }

    pub(super) fn load_rows(&self, table: &TableSchema, keys: &[String]) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut state = self.store.state();
        self.is_open(&mut state)?;
        let rows = state.rows_of(table)?;
        let changed = self.changes.rows.get(&(table.name, table.version));
        let row = |key: &String| {
            let key = key_text(table.key(), key);
            changed.and_then(|rows| rows.get(&key)).map_or_else(|| rows.get(&key), Option::as_ref)
        };
        Ok(keys.iter().filter_map(row).map(|row| in_order(table, row)).collect())
    }

    pub(super) fn write_rows(&mut self, table: &TableSchema, rows: &str, removed: &[String]) -> Result<(), StoreError> {
        let mut state = self.store.state();
        self.is_open(&mut state)?;
        let _: &Rows = state.rows_of(table)?;
        drop(state);
        let written = read_rows(table, rows)?.into_iter().map(|(key, row)| (key, Some(row)));
        let removed = removed.iter().map(|key| (key_text(table.key(), key), None));
        self.changes.rows.entry((table.name, table.version)).or_default().extend(written.chain(removed));
        Ok(())
    }

    pub(super) fn set_aside(&mut self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        self.is_open(&mut self.store.state())?;
        self.changes.letters.extend(letters.iter().cloned().map(Letter::Keep));
        Ok(())
    }

    /// Whether none of the key is left.
    pub(super) fn unpark(&mut self, shard: ShardId, key: &str, upto: Position) -> Result<bool, StoreError> {
        let mut state = self.store.state();
        self.is_open(&mut state)?;
        let mut letters = state.projections.version(shard.projection).map(|known| known.letters.clone());
        drop(state);
        self.changes.letters.push(Letter::Unpark(shard, key.to_owned(), upto));
        let letters = letters.get_or_insert_default();
        // As they will be: what was changed in this transaction before counts.
        let mut none_left = true;
        for change in &self.changes.letters {
            match change {
                Letter::Keep(letter) => letters.keep(letter),
                Letter::Unpark(shard, key, upto) => none_left = letters.unpark(shard.shard, key, *upto),
            }
        }
        Ok(none_left)
    }

    pub(super) fn redriven(&mut self, shard: ShardId, wish: u64) -> Result<(), StoreError> {
        self.is_open(&mut self.store.state())?;
        self.changes.redriven.push((shard, wish));
        Ok(())
    }
}

impl Drop for MemoryTransaction {
    fn drop(&mut self) {
        let mut state = self.store.state();
        if let Some(shard) = state.projections.shard_mut(self.claim.shard) {
            shard.open = shard.open.filter(|open| open.number != self.number);
        }
        drop(state);
        self.store.ended.notify_waiters();
    }
}
