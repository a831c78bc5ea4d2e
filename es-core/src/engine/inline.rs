//! How an append is folded into rows, in its own transaction: what a store is given to do so.

use std::{
    cell::Cell,
    collections::BTreeSet,
    fmt,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{attempt::panicked, slots::Slots};
use crate::{
    projection::{InlineReadModel, ProjectionError, ProjectionSchema, ReadModel, RowChanges, TableSchema},
    store::StoredEvent,
};

/// A read model that changes with the append.
pub(super) struct Inline<R> {
    schema: ProjectionSchema,
    read_model: PhantomData<fn() -> R>,
}

impl<R: ReadModel> Inline<R> {
    pub(super) fn new(schema: ProjectionSchema) -> Self {
        Self { schema, read_model: PhantomData }
    }
}

impl<R> fmt::Debug for Inline<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Inline").field(&self.schema.id).finish()
    }
}

impl<R: ReadModel> InlineReadModel for Inline<R> {
    fn schema(&self) -> &ProjectionSchema {
        &self.schema
    }

    fn table(&self) -> TableSchema {
        R::table()
    }

    fn keys(&self, events: &[StoredEvent]) -> Result<BTreeSet<String>, ProjectionError> {
        caught(events, |at| {
            let mut keys = BTreeSet::new();
            for (index, stored) in events.iter().enumerate() {
                at.set(index);
                keys.extend(R::keys(stored)?.iter().map(ToString::to_string));
            }
            Ok(keys)
        })
    }

    fn fold(&self, events: &[StoredEvent], rows: &[Vec<u8>]) -> Result<RowChanges, ProjectionError> {
        caught(events, |at| {
            let (mut slots, mut folds) = (Slots::<R>::new(), Vec::new());
            for (index, stored) in events.iter().enumerate() {
                at.set(index);
                folds.extend(R::keys(stored)?.into_iter().map(|key| (index, slots.place(key))));
            }
            rows.iter().try_for_each(|json| slots.fill(json))?;
            for (index, place) in folds {
                at.set(index);
                events.get(index).map_or(Ok(()), |stored| slots.fold(place, stored))?;
            }
            Ok(slots.change()?)
        })
    }
}

/// Makes an error of a panic, of the event whose index was set last.
fn caught<T>(
    events: &[StoredEvent],
    run: impl FnOnce(&Cell<usize>) -> Result<T, ProjectionError>,
) -> Result<T, ProjectionError> {
    let at = Cell::new(0);
    // What a panic has left half-way is dropped here.
    catch_unwind(AssertUnwindSafe(|| run(&at))).unwrap_or_else(|panic| Err(panicked(events.get(at.get()), &*panic)))
}
