//! How events are delivered to a reactor: one after another, each as often as it takes, outside of any transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;

use super::{attempt::panicked, work::Delivered};
use crate::{
    projection::{ProjectionError, ProjectionId, ProjectionKind, ProjectionSchema, ReactorHandlers},
    store::StoredEvent,
};

/// A reactor.
#[derive(Debug)]
pub(super) struct Reacting<R> {
    schema: ProjectionSchema,
    reactor: R,
}

impl<R: ReactorHandlers> Reacting<R> {
    pub(super) fn new(reactor: R) -> Self {
        // A reactor has no version: nothing replays it.
        let id = ProjectionId { name: R::NAME, version: 1 };
        let mut schema = ProjectionSchema::new(id, ProjectionKind::Reactor, R::EVENTS);
        (schema.shards, schema.policy) = (R::SHARDS, R::POLICY);
        Self { schema, reactor }
    }
}

impl<R: ReactorHandlers> Delivered for Reacting<R> {
    fn schema(&self) -> &ProjectionSchema {
        &self.schema
    }

    fn schema_mut(&mut self) -> &mut ProjectionSchema {
        &mut self.schema
    }

    fn key(&self, stored: &StoredEvent) -> Result<String, ProjectionError> {
        catch_unwind(AssertUnwindSafe(|| R::key(stored)))
            .unwrap_or_else(|panic| Err(panicked(Some(stored), panic.as_ref())))
    }

    fn deliver<'a>(&'a self, stored: &'a StoredEvent, attempt: u32) -> BoxFuture<'a, Result<(), ProjectionError>> {
        Box::pin(async move {
            match AssertUnwindSafe(self.reactor.deliver(stored, attempt)).catch_unwind().await {
                Ok(answer) => answer,
                Err(panic) => Err(panicked(Some(stored), panic.as_ref())),
            }
        })
    }
}
