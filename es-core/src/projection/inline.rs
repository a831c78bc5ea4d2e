//! Read models whose rows change in the transaction of the append itself, as a store is given them.

use std::{collections::BTreeSet, fmt};

use super::{
    column::TableSchema,
    error::ProjectionError,
    schema::{ProjectionId, ProjectionSchema},
};
use crate::store::StoredEvent;

/// A read model whose rows are never behind: a store has it fold each append, in the append's own transaction. Engines
/// make them, for [`ProjectionEngine::inline_read_model`](crate::engine::ProjectionEngine::inline_read_model).
///
/// It knows no store: it says which rows are concerned, and makes new rows of old ones.
pub trait InlineReadModel: fmt::Debug + Send + Sync {
    /// What it is.
    fn schema(&self) -> &ProjectionSchema;

    /// Its table.
    fn table(&self) -> TableSchema;

    /// The keys of the rows that these events concern, in the order in which they are to be locked.
    ///
    /// # Errors
    /// [`ProjectionError`] where an event cannot be read, or its stream's id is no key.
    fn keys(&self, events: &[StoredEvent]) -> Result<BTreeSet<String>, ProjectionError>;

    /// Folds events, in their order, into the rows of their keys; those that are there, each as a JSON array of its columns.
    ///
    /// # Errors
    /// [`ProjectionError`] where an event cannot be read or a handler panics, or a row cannot be read or written.
    fn fold(&self, events: &[StoredEvent], rows: &[Vec<u8>]) -> Result<RowChanges, ProjectionError>;

    /// Whether it handles events of that stored name.
    fn handles(&self, event_type: &str) -> bool {
        self.schema().events.iter().any(|event| event.name == event_type)
    }
}

/// What is to be written into a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowChanges {
    /// Rows that are new or have changed: a JSON array of objects whose members are the columns.
    pub rows: String,
    /// The keys of rows that are there and are to be removed.
    pub removed: Vec<String>,
}

impl RowChanges {
    /// Changes from their parts.
    pub fn new(rows: String, removed: Vec<String>) -> Self {
        Self { rows, removed }
    }
}

/// A read model whose rows change with the append stands in its way. Nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InlineError {
    /// It could not take in an event.
    #[error(
        "nothing was stored, because the read model `{read_model}`, whose rows change with the append, could not take it in: \
         {source}"
    )]
    Failed {
        /// Which one.
        read_model: ProjectionId,
        /// At which event, and why. The position was drawn, and stays empty.
        source: ProjectionError,
    },
    /// This store does not change its rows: it is one of an older program, say, or of one that has not prepared it.
    #[error(
        "nothing was stored: the rows of the read model `{read_model}` are to change with this append, and this store does not \
         do so; before appending, `prepare` or `start` a `ProjectionEngine` with `.inline_read_model::<..>()` of it on this \
         store, or end it for all with `Controls::pause`"
    )]
    NotHere {
        /// Which one: its name and version, as [`ProjectionId`] displays them: `piles v1`.
        read_model: String,
    },
    /// That is not done inside a transaction of the caller's, which is as it was.
    #[error(
        "nothing was stored: the rows of the read model `{read_model}` change with the append, which is not done inside a \
         transaction of yours; use `append` or `append_all`, or end it with `Controls::pause`"
    )]
    InTransaction {
        /// Which one: its name and version, as [`ProjectionId`] displays them: `piles v1`.
        read_model: String,
    },
}
