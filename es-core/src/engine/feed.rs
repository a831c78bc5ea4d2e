//! Where events come from: batches for those who catch up, read once for all shards of a projection and one ahead; and
//! one reader at the end of all events, for all projections of the process.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::{BoxFuture, FutureExt as _, Shared};

use super::tail::Tail;
use crate::{
    projection::{ProjectionId, ProjectionKind, ProjectionSchema},
    recorded::Position,
    store::{EventStore, HistoryId, ReadAll, StoreError, StoredEvent},
};

/// How many batches of a projection are kept, those that are still on their way included; with several shards one more, for
/// the slower ones.
const KEPT: usize = 2;
/// How many events a batch has, about, unless that is set. A read model writes a row once for each batch in which there is an
/// event for it: the larger they are, the less there is to write.
const EVENTS: usize = 10_000;
const EVENTS_OF_READ_MODELS: usize = 25_000;
/// How many bytes of events a batch has, about: with large events it has fewer.
const BYTES: usize = 16 << 20;

/// A run of events.
#[derive(Debug, PartialEq)]
pub(super) struct Batch {
    /// It begins behind this position.
    pub(super) after: Position,
    /// Everything up to here has been looked at.
    pub(super) upto: Position,
    /// Those of the events that the projection handles.
    pub(super) events: Vec<StoredEvent>,
    /// Whether there may be more at once.
    pub(super) more: bool,
    pub(super) history: HistoryId,
}

impl Batch {
    /// The events behind a position.
    pub(super) fn behind(&self, position: Position) -> &[StoredEvent] {
        let first = self.events.partition_point(|event| event.position <= position);
        self.events.get(first..).unwrap_or_default()
    }

    fn leads_on_from(&self, position: Position) -> bool {
        self.after <= position && position < self.upto
    }
}

/// A batch that is read, or is being read; `None` where that failed: whoever wants it asks the store, and is told why.
type Read = Shared<BoxFuture<'static, Option<Arc<Batch>>>>;

/// Where the events of one process come from.
#[derive(Debug)]
pub(super) struct Feed<S> {
    store: S,
    /// How many events a batch has, about, where that is set.
    size: Option<usize>,
    shelves: Mutex<HashMap<ProjectionId, VecDeque<(Position, Read)>>>,
    tail: Tail<S>,
}

impl<S: EventStore> Feed<S> {
    /// The feed of projections that handle these events between them.
    pub(super) fn new(store: S, size: Option<usize>, event_types: Vec<&'static str>) -> Self {
        let tail = Tail::new(store.clone(), event_types);
        Self { store, size, shelves: Mutex::default(), tail }
    }

    /// The events behind a position, if there are any, or a piece of the way without events for the projection. Otherwise
    /// a batch that leads nowhere. Nothing is told that was kept of another history than this; what is read now may be
    /// of another one still.
    pub(super) async fn behind(
        &self,
        schema: &ProjectionSchema,
        position: Position,
        history: HistoryId,
    ) -> Result<Arc<Batch>, StoreError> {
        if let Some(batch) = self.tail.behind(schema, position).filter(|batch| batch.history == history) {
            return Ok(Arc::new(batch));
        }
        self.forget_others(schema.id, history);
        let Some(batch) = self.kept(schema, position).await else {
            self.forget(schema.id, position);
            return assemble(&self.store, read_all(schema, position), self.size(schema)).await.map(Arc::new);
        };
        if batch.more {
            // On its way while this one is taken in.
            drop(self.read(schema, batch.upto));
        } else if !batch.leads_on_from(position) {
            self.forget(schema.id, position);
        }
        Ok(batch)
    }

    /// Waits until there may be events behind the frontier, at which the shard has arrived.
    pub(super) async fn wait_behind(&self, position: Position, history: HistoryId) {
        self.tail.wait_behind(position, history).await;
    }

    /// What is on the shelf for this position, or what is put there for it; `None` where it could not be read.
    async fn kept(&self, schema: &ProjectionSchema, position: Position) -> Option<Arc<Batch>> {
        let read = {
            let shelves = self.shelves();
            let mut known_reads = shelves.get(&schema.id).into_iter().flatten();
            let leads_on = |(after, read): &&(Position, Read)| match read.peek() {
                Some(batch) => batch.as_ref().is_some_and(|batch| batch.leads_on_from(position)),
                None => *after == position,
            };
            known_reads.find(leads_on).map(|(_, read)| read.clone())
        };
        match read {
            Some(read) => read.await,
            None => self.read(schema, position).await,
        }
    }

    /// Reads a batch on a task of its own, where it is not read already.
    fn read(&self, schema: &ProjectionSchema, after: Position) -> Read {
        let mut shelves = self.shelves();
        let known_reads = shelves.entry(schema.id).or_default();
        if let Some((_, read)) = known_reads.iter().find(|(known, _)| *known == after) {
            return read.clone();
        }
        let (store, read, size) = (self.store.clone(), read_all(schema, after), self.size(schema));
        let reading = tokio::spawn(async move { assemble(&store, read, size).await });
        let read = async move { Some(Arc::new(reading.await.ok()?.ok()?)) }.boxed().shared();
        known_reads.push_back((after, read.clone()));
        if known_reads.len() > KEPT + usize::from(schema.shards > 1) {
            known_reads.pop_front();
        }
        read
    }

    fn size(&self, schema: &ProjectionSchema) -> usize {
        self.size.unwrap_or(match schema.kind {
            ProjectionKind::ReadModel(_) => EVENTS_OF_READ_MODELS,
            _ => EVENTS,
        })
    }

    /// Takes from the shelf what begins at this position, because it leads nowhere.
    fn forget(&self, id: ProjectionId, position: Position) {
        if let Some(known_reads) = self.shelves().get_mut(&id) {
            known_reads.retain(|(after, _)| *after != position);
        }
    }

    /// Takes from the shelf what was read in another history.
    fn forget_others(&self, id: ProjectionId, history: HistoryId) {
        let is_other = |read: &Read| matches!(read.peek(), Some(Some(batch)) if batch.history != history);
        if let Some(known_reads) = self.shelves().get_mut(&id) {
            known_reads.retain(|(_, read)| !is_other(read));
        }
    }

    /// Nothing in here panics half-way through a change.
    fn shelves(&self) -> MutexGuard<'_, HashMap<ProjectionId, VecDeque<(Position, Read)>>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_all(schema: &ProjectionSchema, after: Position) -> ReadAll {
    ReadAll::after(after).event_types(schema.events.iter().map(|event| event.name))
}

/// Reads page after page, until there are enough events or the frontier is reached.
async fn assemble<S: EventStore>(store: &S, read: ReadAll, size: usize) -> Result<Batch, StoreError> {
    let after = read.after;
    let page = store.read_page(&read).await?;
    let mut bytes = bytes_of(&page.events);
    let mut batch = Batch { after, upto: page.upto, events: page.events, more: page.more, history: page.history };
    let mut read = read;
    while batch.more && batch.events.len() < size && bytes < BYTES {
        read = read.go_on(batch.upto);
        let page = store.read_page(&read).await?;
        if page.history != batch.history {
            // What was read belongs to a history that has ended: whoever takes it in finds out.
            break;
        }
        bytes += bytes_of(&page.events);
        batch.events.extend(page.events);
        (batch.upto, batch.more) = (page.upto, page.more);
    }
    Ok(batch)
}

fn bytes_of(events: &[StoredEvent]) -> usize {
    events.iter().map(|event| event.payload.len() + event.metadata.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::{BYTES, assemble, bytes_of};
    use crate::{
        event::EventSchema,
        memory::MemoryStore,
        recorded::{Metadata, Position, StreamId},
        store::{Append, EventStore as _, Expected, NewEvent, ReadAll},
    };

    const EVENTS: usize = 3_000;

    /// Events of that many bytes, a thousand on a page.
    async fn batch_of(bytes: usize) -> (usize, usize, bool) {
        let store = MemoryStore::new();
        let event = |_| {
            let payload = format!("{{\"text\":\"{}\"}}", "x".repeat(bytes));
            NewEvent::new(EventSchema::new("Written", 1), payload, Metadata::at(chrono::Utc::now()))
        };
        let append = Append::new(StreamId::new("letter", "1"), Expected::Any, (0..EVENTS).map(event).collect());
        store.append(append).await.expect("an append");
        let batch = assemble(&store, ReadAll::after(Position::START), usize::MAX).await.expect("a batch");
        (batch.events.len(), bytes_of(&batch.events), batch.more)
    }

    #[tokio::test]
    async fn of_large_events_a_batch_has_fewer() {
        let (events, bytes, more) = batch_of(BYTES / 1_500).await;
        assert_eq!((events, more), (2_000, true));
        assert!(bytes >= BYTES);
        assert_eq!(batch_of(10).await.0, EVENTS);
    }
}
