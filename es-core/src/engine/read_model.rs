//! How a batch of events is folded into rows: those of its keys are loaded, folded in memory, and written back.

use std::{marker::PhantomData, sync::Arc};

use futures_core::future::BoxFuture;

use super::{
    attempt::{Attempt, Failed, Outcome},
    choice::Chosen,
    inline::Inline,
    slots::{MOST_ROWS, Slots},
    work::Batched,
};
use crate::{
    projection::{
        DeadLetter, InlineReadModel, ProjectionError, ProjectionId, ProjectionKind, ProjectionSchema, ProjectionStore,
        ReadModel, Transience,
    },
    store::StoredEvent,
};

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

    /// The same for one that changes with the appends as soon as it is at their end.
    pub(super) fn inline() -> Self {
        let mut folded = Self::new();
        (folded.schema.inline, folded.schema.shards) = (true, 1);
        folded
    }
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

impl<R: ReadModel, S: ProjectionStore> Batched<S> for Folded<R> {
    fn schema(&self) -> &ProjectionSchema {
        &self.schema
    }

    fn schema_mut(&mut self) -> &mut ProjectionSchema {
        &mut self.schema
    }

    fn inline(&self) -> Option<Arc<dyn InlineReadModel>> {
        self.schema.inline.then(|| Arc::new(Inline::<R>::new(self.schema)) as Arc<dyn InlineReadModel>)
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
    let mut rows = Slots::new();
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
    mut rows: Slots<R>,
    folds: &[(usize, usize)],
) -> Result<(), Failed> {
    let (table, store_failed) = (R::table(), |error| attempt.store_failed(error));
    for keys in rows.keys().chunks(MOST_ROWS) {
        let stored = attempt.store.load_rows(transaction, &table, keys).await;
        let filled = stored.map_err(store_failed)?.iter().try_for_each(|json| rows.fill(json));
        // A row that cannot be read is no event's fault: with it all of them would be passed over.
        filled.map_err(|error| Failed { transience: Transience::Broken, ..store_failed(error) })?;
    }
    for &(index, place) in folds {
        attempt.at(index);
        let Some(stored) = attempt.events.get(index) else { continue };
        rows.fold(place, stored).map_err(|error| attempt.event_failed(index, error))?;
    }
    for piece in rows.changes().map_err(store_failed)? {
        let written = attempt.store.write_rows(transaction, &table, piece.rows, &piece.removed).await;
        written.map_err(store_failed)?;
    }
    Ok(())
}
