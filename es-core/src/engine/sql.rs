//! How a batch of events is handed to the handlers of a projection, in the transaction that moves the checkpoint.

use futures_core::future::BoxFuture;

use super::{
    attempt::{Attempt, Failed, Outcome},
    choice::Chosen,
    work::Batched,
};
use crate::{
    projection::{
        DeadLetter, Projection, ProjectionError, ProjectionHandlers, ProjectionId, ProjectionKind, ProjectionSchema,
        ProjectionStore,
    },
    store::StoredEvent,
};

/// A projection.
#[derive(Debug)]
pub(super) struct Handled<P> {
    schema: ProjectionSchema,
    projection: P,
}

impl<P: Projection> Handled<P> {
    pub(super) fn new<S: ProjectionStore>(projection: P) -> Self
    where
        P: for<'t> ProjectionHandlers<S::Context<'t>>,
    {
        let id = ProjectionId { name: P::NAME, version: P::VERSION };
        let events = <P as ProjectionHandlers<S::Context<'static>>>::EVENTS;
        let mut schema = ProjectionSchema::new(id, ProjectionKind::Projection, events);
        (schema.shards, schema.policy) = (P::SHARDS, P::POLICY);
        Self { schema, projection }
    }
}

impl<P, S> Batched<S> for Handled<P>
where
    S: ProjectionStore,
    P: for<'t> ProjectionHandlers<S::Context<'t>>,
{
    fn schema(&self) -> &ProjectionSchema {
        &self.schema
    }

    fn schema_mut(&mut self) -> &mut ProjectionSchema {
        &mut self.schema
    }

    fn keys(&self, stored: &StoredEvent) -> Result<Vec<String>, ProjectionError> {
        Ok(vec![P::key(stored)?])
    }

    fn run<'a>(&'a self, attempt: &'a Attempt<'a, S>) -> BoxFuture<'a, Result<Outcome, Failed>> {
        Box::pin(attempt.caught(run(&self.projection, attempt)))
    }
}

async fn run<P, S>(projection: &P, attempt: &Attempt<'_, S>) -> Result<Outcome, Failed>
where
    S: ProjectionStore,
    P: for<'t> ProjectionHandlers<S::Context<'t>>,
{
    let (chosen, waiting) = select::<P, S>(attempt)?;
    if chosen.is_empty() && waiting.is_empty() && attempt.redriven.is_none() {
        return attempt.advance(0).await;
    }
    let applied = chosen.len() as u64;
    let Some(mut transaction) = attempt.begin(applied).await? else { return Ok(Outcome::Void) };
    let done = handle(projection, attempt, &mut transaction, &chosen).await.map(|()| applied);
    attempt.end(transaction, done, &waiting).await
}

/// The index of each event that the shard takes in, and those that wait.
fn select<P: Projection, S: ProjectionStore>(
    attempt: &Attempt<'_, S>,
) -> Result<(Vec<usize>, Vec<DeadLetter>), Failed> {
    if attempt.choice.is_everything() {
        return Ok(((0..attempt.events.len()).collect(), Vec::new()));
    }
    let (mut chosen, mut waiting) = (Vec::new(), Vec::new());
    for (index, stored) in attempt.events.iter().enumerate() {
        attempt.at(index);
        let key = P::key(stored).map_err(|error| attempt.event_failed(index, error))?;
        match attempt.choice.of(&key, stored) {
            Chosen::Taken => chosen.push(index),
            Chosen::Waits(letter) => waiting.push(letter),
            Chosen::Elsewhere => {}
        }
    }
    Ok((chosen, waiting))
}

async fn handle<P, S>(
    projection: &P,
    attempt: &Attempt<'_, S>,
    transaction: &mut S::Transaction,
    chosen: &[usize],
) -> Result<(), Failed>
where
    S: ProjectionStore,
    P: for<'t> ProjectionHandlers<S::Context<'t>>,
{
    let mut context = attempt.store.context(transaction);
    for &index in chosen {
        attempt.at(index);
        let handled = projection.handle_stored(&attempt.events[index], &mut context).await;
        handled.map_err(|error| attempt.event_failed(index, error))?;
    }
    Ok(())
}
