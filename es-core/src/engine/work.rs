//! What an engine needs of a projection, whatever it is.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use futures_core::future::BoxFuture;

use super::attempt::{Attempt, Failed, Outcome, panicked};
use crate::{
    projection::{InlineReadModel, ProjectionError, ProjectionSchema, ProjectionStore},
    store::StoredEvent,
};

/// A projection whose effects are in the store, in the transaction that moves its checkpoint.
pub(super) trait Batched<S: ProjectionStore>: Send + Sync {
    fn schema(&self) -> &ProjectionSchema;

    fn schema_mut(&mut self) -> &mut ProjectionSchema;

    /// Where it is to change with the appends: what the store is given to do so.
    fn inline(&self) -> Option<Arc<dyn InlineReadModel>> {
        None
    }

    /// The keys of an event.
    fn keys(&self, stored: &StoredEvent) -> Result<Vec<String>, ProjectionError>;

    /// Takes in a batch, in one transaction. Boxed once for a batch.
    fn run<'a>(&'a self, attempt: &'a Attempt<'a, S>) -> BoxFuture<'a, Result<Outcome, Failed>>;
}

/// A projection whose effects are elsewhere.
pub(super) trait Delivered: Send + Sync {
    fn schema(&self) -> &ProjectionSchema;

    fn schema_mut(&mut self) -> &mut ProjectionSchema;

    /// The key of an event.
    fn key(&self, stored: &StoredEvent) -> Result<String, ProjectionError>;

    /// Delivers an event, once.
    fn deliver<'a>(&'a self, stored: &'a StoredEvent, attempt: u32) -> BoxFuture<'a, Result<(), ProjectionError>>;
}

/// What is registered.
pub(super) enum Work<S> {
    Batched(Arc<dyn Batched<S>>),
    Delivered(Arc<dyn Delivered>),
}

impl<S: ProjectionStore> Work<S> {
    pub(super) fn schema(&self) -> &ProjectionSchema {
        match self {
            Self::Batched(work) => work.schema(),
            Self::Delivered(work) => work.schema(),
        }
    }

    /// Where it is to change with the appends: what the store is given to do so.
    pub(super) fn inline(&self) -> Option<Arc<dyn InlineReadModel>> {
        match self {
            Self::Batched(work) => work.inline(),
            Self::Delivered(_) => None,
        }
    }

    /// The keys of an event.
    pub(super) fn keys(&self, stored: &StoredEvent) -> Result<Vec<String>, ProjectionError> {
        let keys = || match self {
            Self::Batched(work) => work.keys(stored),
            Self::Delivered(work) => Ok(vec![work.key(stored)?]),
        };
        // What a key is may be the user's code.
        catch_unwind(AssertUnwindSafe(keys)).unwrap_or_else(|panic| Err(panicked(Some(stored), panic.as_ref())))
    }
}

impl<S> Clone for Work<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Batched(work) => Self::Batched(Arc::clone(work)),
            Self::Delivered(work) => Self::Delivered(Arc::clone(work)),
        }
    }
}

impl<S> fmt::Debug for Work<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Batched(_) => "Batched",
            Self::Delivered(_) => "Delivered",
        })
    }
}
