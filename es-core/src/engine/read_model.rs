//! How a batch of events is folded into rows: those of its keys are loaded, folded in memory, and written back.

use std::{collections::HashMap, marker::PhantomData, sync::Arc};

use futures_core::future::BoxFuture;

use super::{
    attempt::{Attempt, Failed, Outcome},
    choice::Chosen,
    inline::Inline,
    work::Batched,
};
use crate::{
    handler::Row,
    projection::{
        DeadLetter, InlineReadModel, ProjectionError, ProjectionId, ProjectionKind, ProjectionSchema, ProjectionStore,
        ReadModel, RowChanges, row,
    },
    store::{StoreError, StoredEvent},
};

/// A read model.
#[derive(Debug)]
pub(super) struct Folded<R> {
    schema: ProjectionSchema,
    /// Whether it is to change with the appends.
    inline: bool,
    read_model: PhantomData<fn() -> R>,
}

impl<R: ReadModel> Folded<R> {
    pub(super) fn new() -> Self {
        let id = ProjectionId { name: R::TABLE, version: R::VERSION };
        let mut schema = ProjectionSchema::new(id, ProjectionKind::ReadModel(R::table()), R::events());
        (schema.shards, schema.policy) = (R::SHARDS, R::POLICY);
        Self { schema, inline: false, read_model: PhantomData }
    }

    /// The same for one that changes with the appends as soon as it is at their end.
    pub(super) fn inline() -> Self {
        let mut folded = Self::new();
        (folded.inline, folded.schema.shards) = (true, 1);
        folded
    }
}

/// A row while a batch is folded into it.
pub(super) struct Slot<R> {
    /// `None` before its first event, and after it was removed.
    row: Option<R>,
    /// Whether the table has it.
    stored: bool,
}

impl<R> Default for Slot<R> {
    fn default() -> Self {
        Self { row: None, stored: false }
    }
}

/// What of a batch concerns the shard.
struct Selection<K> {
    /// The index of each event, with the key of a row that it concerns.
    folds: Vec<(usize, K)>,
    /// How many events those are.
    events: u64,
    waiting: Vec<DeadLetter>,
}

impl<R: ReadModel, S: ProjectionStore> Batched<S> for Folded<R> {
    fn schema(&self) -> &ProjectionSchema {
        &self.schema
    }

    fn schema_mut(&mut self) -> &mut ProjectionSchema {
        &mut self.schema
    }

    fn inline(&self) -> Option<Arc<dyn InlineReadModel>> {
        self.inline.then(|| Arc::new(Inline::<R>::new(self.schema)) as Arc<dyn InlineReadModel>)
    }

    fn keys(&self, stored: &StoredEvent) -> Result<Vec<String>, ProjectionError> {
        Ok(R::keys(stored)?.iter().map(ToString::to_string).collect())
    }

    fn run<'a>(&'a self, attempt: &'a Attempt<'a, S>) -> BoxFuture<'a, Result<Outcome, Failed>> {
        Box::pin(attempt.caught(run::<R, S>(attempt)))
    }
}

async fn run<R: ReadModel, S: ProjectionStore>(attempt: &Attempt<'_, S>) -> Result<Outcome, Failed> {
    let Selection { folds, events, waiting } = select::<R, S>(attempt)?;
    if folds.is_empty() && waiting.is_empty() && attempt.redriven.is_none() {
        return attempt.advance(0).await;
    }
    let Some(mut transaction) = attempt.begin(events).await? else { return Ok(Outcome::Void) };
    let done = fold::<R, S>(attempt, &mut transaction, folds).await.map(|()| events);
    attempt.end(transaction, done, &waiting).await
}

/// Finds the rows that are concerned. Nothing has been asked of the store yet.
fn select<R: ReadModel, S: ProjectionStore>(attempt: &Attempt<'_, S>) -> Result<Selection<R::Key>, Failed> {
    let everything = attempt.choice.is_everything();
    let mut selection = Selection { folds: Vec::with_capacity(attempt.events.len()), events: 0, waiting: Vec::new() };
    for (index, stored) in attempt.events.iter().enumerate() {
        attempt.at(index);
        let keys = R::keys(stored).map_err(|error| attempt.event_failed(index, error))?;
        let before = selection.folds.len();
        for key in keys {
            if everything {
                selection.folds.push((index, key));
                continue;
            }
            match attempt.choice.of(&key.to_string(), stored) {
                Chosen::Taken => selection.folds.push((index, key)),
                Chosen::Waits(letter) => selection.waiting.push(letter),
                Chosen::Elsewhere => {}
            }
        }
        selection.events += u64::from(selection.folds.len() > before);
    }
    Ok(selection)
}

async fn fold<R: ReadModel, S: ProjectionStore>(
    attempt: &Attempt<'_, S>,
    transaction: &mut S::Transaction,
    folds: Vec<(usize, R::Key)>,
) -> Result<(), Failed> {
    let mut slots = load::<R, S>(attempt, transaction, &folds).await?;
    for (index, key) in folds {
        attempt.at(index);
        let stored = &attempt.events[index];
        let Some(slot) = slots.get_mut(&key) else { continue };
        fold_one(slot, key, stored).map_err(|error| attempt.event_failed(index, error))?;
    }
    write::<R, S>(attempt, transaction, slots).await
}

async fn load<R: ReadModel, S: ProjectionStore>(
    attempt: &Attempt<'_, S>,
    transaction: &mut S::Transaction,
    folds: &[(usize, R::Key)],
) -> Result<HashMap<R::Key, Slot<R>>, Failed> {
    let mut slots: HashMap<R::Key, Slot<R>> = HashMap::new();
    for (_, key) in folds {
        if !slots.contains_key(key) {
            slots.insert(key.clone(), Slot::default());
        }
    }
    let keys: Vec<String> = slots.keys().map(ToString::to_string).collect();
    let table = R::table();
    let rows = attempt.store.load_rows(transaction, &table, &keys).await;
    for json in rows.map_err(|error| attempt.store_failed(error))? {
        place(&mut slots, &json).map_err(|error| attempt.store_failed(error))?;
    }
    Ok(slots)
}

/// Puts a row of the table into its slot.
pub(super) fn place<R: ReadModel>(slots: &mut HashMap<R::Key, Slot<R>>, json: &[u8]) -> Result<(), StoreError> {
    let row: R = row::decode(json).map_err(unreadable)?;
    slots.insert(row.key().clone(), Slot { row: Some(row), stored: true });
    Ok(())
}

pub(super) fn fold_one<R: ReadModel>(
    slot: &mut Slot<R>,
    key: R::Key,
    stored: &StoredEvent,
) -> Result<(), ProjectionError> {
    let envelope = R::envelope(stored)?;
    let row = slot.row.get_or_insert_with(|| R::begin(key));
    if row.fold(stored, &envelope)? == Row::Delete {
        slot.row = None;
    }
    Ok(())
}

async fn write<R: ReadModel, S: ProjectionStore>(
    attempt: &Attempt<'_, S>,
    transaction: &mut S::Transaction,
    slots: HashMap<R::Key, Slot<R>>,
) -> Result<(), Failed> {
    let changes = changes(slots).map_err(|error| attempt.store_failed(error))?;
    let written = attempt.store.write_rows(transaction, &R::table(), changes.rows, &changes.removed).await;
    written.map_err(|error| attempt.store_failed(error))
}

/// What is to be written of the slots.
pub(super) fn changes<R: ReadModel>(slots: HashMap<R::Key, Slot<R>>) -> Result<RowChanges, StoreError> {
    let mut rows = vec![b'['];
    let mut removed = Vec::new();
    for (key, slot) in slots {
        match slot.row {
            Some(row) => {
                if rows.len() > 1 {
                    rows.push(b',');
                }
                row::encode(&row, &mut rows).map_err(unwritable)?;
            }
            None if slot.stored => removed.push(key.to_string()),
            None => {}
        }
    }
    rows.push(b']');
    Ok(RowChanges::new(String::from_utf8(rows).map_err(unwritable)?, removed))
}

fn unreadable(source: serde_json::Error) -> StoreError {
    StoreError::Backend { doing: "reading a row of a read model", source: source.into() }
}

fn unwritable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Backend { doing: "encoding a row of a read model", source: source.into() }
}
