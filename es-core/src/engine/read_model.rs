//! How a batch of events is folded into rows: those of its keys are loaded, folded in memory, and written back.

use std::{
    collections::{HashMap, hash_map::Entry},
    marker::PhantomData,
    string::FromUtf8Error,
};

use futures_core::future::BoxFuture;

use super::{
    attempt::{Attempt, Failed, Outcome},
    choice::Chosen,
    work::Batched,
};
use crate::{
    handler::Row,
    projection::{
        DeadLetter, ProjectionError, ProjectionId, ProjectionKind, ProjectionSchema, ProjectionStore, ReadModel, row,
    },
    store::{StoreError, StoredEvent},
};

/// How many rows a statement loads or writes at the most, and how many bytes it writes, about.
const MOST_ROWS: usize = 10_000;
const MOST_BYTES: usize = 4 << 20;

const NOT_ASKED_FOR: &str = "the table has a row whose key is not the one that was asked for: the key does not come back from \
    its column as the value that was written";

/// A read model.
#[derive(Debug)]
pub(super) struct Folded<R> {
    schema: ProjectionSchema,
    read_model: PhantomData<fn() -> R>,
}

impl<R: ReadModel> Folded<R> {
    pub(super) fn new() -> Self {
        let id = ProjectionId { name: R::TABLE, version: R::VERSION };
        let mut schema = ProjectionSchema::new(id, ProjectionKind::ReadModel(R::table()), R::events());
        (schema.shards, schema.policy) = (R::SHARDS, R::POLICY);
        Self { schema, read_model: PhantomData }
    }
}

/// A row while a batch is folded into it.
struct Slot<R: ReadModel> {
    key: R::Key,
    /// `None` before its first event, and after it was removed.
    row: Option<R>,
    /// Whether the table has it.
    stored: bool,
}

/// The rows that a batch concerns, in the order in which it meets them.
struct Slots<R: ReadModel> {
    slots: Vec<Slot<R>>,
    places: HashMap<R::Key, usize>,
}

/// What of a batch concerns the shard.
struct Selection<R: ReadModel> {
    /// The index of each event, with the place of a row that it concerns.
    folds: Vec<(usize, usize)>,
    rows: Slots<R>,
    /// How many events those are.
    events: u64,
    waiting: Vec<DeadLetter>,
}

impl<R: ReadModel> Slots<R> {
    /// The place of a row. One that is new is empty.
    fn place(&mut self, key: R::Key) -> usize {
        match self.places.entry(key) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(entry) => {
                let place = self.slots.len();
                self.slots.push(Slot { key: entry.key().clone(), row: None, stored: false });
                *entry.insert(place)
            }
        }
    }
}

impl<R: ReadModel, S: ProjectionStore> Batched<S> for Folded<R> {
    fn schema(&self) -> &ProjectionSchema {
        &self.schema
    }

    fn schema_mut(&mut self) -> &mut ProjectionSchema {
        &mut self.schema
    }

    fn keys(&self, stored: &StoredEvent) -> Result<Vec<String>, ProjectionError> {
        Ok(R::keys(stored)?.iter().map(ToString::to_string).collect())
    }

    fn run<'a>(&'a self, attempt: &'a Attempt<'a, S>) -> BoxFuture<'a, Result<Outcome, Failed>> {
        Box::pin(attempt.caught(run::<R, S>(attempt)))
    }
}

async fn run<R: ReadModel, S: ProjectionStore>(attempt: &Attempt<'_, S>) -> Result<Outcome, Failed> {
    let Selection { folds, rows, events, waiting } = select::<R, S>(attempt)?;
    if folds.is_empty() && waiting.is_empty() && attempt.redriven.is_none() {
        return attempt.advance(0).await;
    }
    let Some(mut transaction) = attempt.begin(events).await? else { return Ok(Outcome::Void) };
    let done = fold::<R, S>(attempt, &mut transaction, rows, &folds).await.map(|()| events);
    attempt.end(transaction, done, &waiting).await
}

/// Finds the rows that are concerned. Nothing has been asked of the store yet.
fn select<R: ReadModel, S: ProjectionStore>(attempt: &Attempt<'_, S>) -> Result<Selection<R>, Failed> {
    let everything = attempt.choice.is_everything();
    let mut rows = Slots { slots: Vec::new(), places: HashMap::new() };
    let (mut folds, mut events, mut waiting) = (Vec::with_capacity(attempt.events.len()), 0, Vec::new());
    for (index, stored) in attempt.events.iter().enumerate() {
        attempt.at(index);
        let keys = R::keys(stored).map_err(|error| attempt.event_failed(index, error))?;
        let before = folds.len();
        for key in keys {
            if everything {
                folds.push((index, rows.place(key)));
                continue;
            }
            match attempt.choice.of(&key.to_string(), stored) {
                Chosen::Taken => folds.push((index, rows.place(key))),
                Chosen::Waits(letter) => waiting.push(letter),
                Chosen::Elsewhere => {}
            }
        }
        events += u64::from(folds.len() > before);
    }
    Ok(Selection { folds, rows, events, waiting })
}

async fn fold<R: ReadModel, S: ProjectionStore>(
    attempt: &Attempt<'_, S>,
    transaction: &mut S::Transaction,
    rows: Slots<R>,
    folds: &[(usize, usize)],
) -> Result<(), Failed> {
    let mut slots = load::<R, S>(attempt, transaction, rows).await?;
    for &(index, place) in folds {
        attempt.at(index);
        let (Some(slot), Some(stored)) = (slots.get_mut(place), attempt.events.get(index)) else { continue };
        fold_one(slot, stored).map_err(|error| attempt.event_failed(index, error))?;
    }
    write::<R, S>(attempt, transaction, slots).await
}

async fn load<R: ReadModel, S: ProjectionStore>(
    attempt: &Attempt<'_, S>,
    transaction: &mut S::Transaction,
    rows: Slots<R>,
) -> Result<Vec<Slot<R>>, Failed> {
    let Slots { mut slots, places } = rows;
    let keys: Vec<String> = slots.iter().map(|slot| slot.key.to_string()).collect();
    let table = R::table();
    for keys in keys.chunks(MOST_ROWS) {
        let rows = attempt.store.load_rows(transaction, &table, keys).await;
        for json in rows.map_err(|error| attempt.store_failed(error))? {
            let row: R = row::decode(&json).map_err(|source| attempt.store_failed(unreadable(source)))?;
            let slot = places.get(row.key()).and_then(|&place| slots.get_mut(place));
            let slot = slot.ok_or_else(|| attempt.store_failed(unreadable(NOT_ASKED_FOR)))?;
            (slot.row, slot.stored) = (Some(row), true);
        }
    }
    Ok(slots)
}

fn fold_one<R: ReadModel>(slot: &mut Slot<R>, stored: &StoredEvent) -> Result<(), ProjectionError> {
    let envelope = R::envelope(stored)?;
    let row = slot.row.get_or_insert_with(|| R::begin(slot.key.clone()));
    if row.fold(stored, &envelope)? == Row::Delete {
        slot.row = None;
    }
    Ok(())
}

async fn write<R: ReadModel, S: ProjectionStore>(
    attempt: &Attempt<'_, S>,
    transaction: &mut S::Transaction,
    slots: Vec<Slot<R>>,
) -> Result<(), Failed> {
    let table = R::table();
    let mut removed = Vec::new();
    let mut rows = Written::new();
    for Slot { key, row, stored } in slots {
        match row {
            Some(row) => rows.push(&row).map_err(|source| attempt.store_failed(unwritable(source)))?,
            None if stored => removed.push(key.to_string()),
            None => {}
        }
        if rows.are_many() {
            let rows = rows.take().map_err(|source| attempt.store_failed(unwritable(source)))?;
            let written = attempt.store.write_rows(transaction, &table, rows, &[]).await;
            written.map_err(|error| attempt.store_failed(error))?;
        }
    }
    let rows = rows.take().map_err(|source| attempt.store_failed(unwritable(source)))?;
    let written = attempt.store.write_rows(transaction, &table, rows, &removed).await;
    written.map_err(|error| attempt.store_failed(error))
}

/// Rows on their way into one statement, as a JSON array.
struct Written {
    json: Vec<u8>,
    rows: usize,
}

impl Written {
    fn new() -> Self {
        Self { json: vec![b'['], rows: 0 }
    }

    fn push<R: ReadModel>(&mut self, row: &R) -> Result<(), serde_json::Error> {
        if self.rows > 0 {
            self.json.push(b',');
        }
        self.rows += 1;
        row::encode(row, &mut self.json)
    }

    fn are_many(&self) -> bool {
        self.rows >= MOST_ROWS || self.json.len() >= MOST_BYTES
    }

    /// The array; behind it begins another.
    fn take(&mut self) -> Result<String, FromUtf8Error> {
        self.json.push(b']');
        String::from_utf8(std::mem::replace(self, Self::new()).json)
    }
}

fn unreadable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Backend { doing: "reading a row of a read model", source: source.into() }
}

fn unwritable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Backend { doing: "encoding a row of a read model", source: source.into() }
}
