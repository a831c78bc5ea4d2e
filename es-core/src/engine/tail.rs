//! One reader at the end of all events, for all projections of a process.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use super::feed::Batch;
use crate::{
    projection::ProjectionSchema,
    recorded::Position,
    store::{EventStore, HistoryId, Page, ReadAll, StoredEvent},
};

/// How many events are kept for those who are not as fast.
const KEPT_EVENTS: usize = 10_000;
/// The pause after a failure doubles from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The reader. Its task begins when somebody waits for the first time, and ends with it.
#[derive(Debug)]
pub(super) struct Tail<S> {
    store: S,
    /// What any of the projections handles.
    event_types: Vec<&'static str>,
    ring: Arc<Mutex<Ring>>,
    reached: watch::Sender<Reached>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// How far it has read, and in which history; `None` where that has ended, and the reader with it.
type Reached = Option<(Position, HistoryId)>;

/// The last events.
#[derive(Debug, Default)]
struct Ring {
    /// It has everything behind this position.
    after: Position,
    upto: Position,
    history: HistoryId,
    events: VecDeque<StoredEvent>,
}

impl Ring {
    /// Takes in what comes next.
    fn push(&mut self, page: Page) {
        self.upto = page.upto;
        self.events.extend(page.events);
        while self.events.len() > KEPT_EVENTS {
            if let Some(oldest) = self.events.pop_front() {
                self.after = oldest.position;
            }
        }
    }

    /// What a projection handles of the events behind a position, and nothing where it has all of them; `None` where they
    /// are not all here.
    fn behind(&self, schema: &ProjectionSchema, position: Position) -> Option<Batch> {
        if position < self.after || self.upto < position {
            return None;
        }
        let first = self.events.partition_point(|event| event.position <= position);
        let handled = |stored: &&StoredEvent| schema.events.iter().any(|event| event.name == stored.event_type);
        let events = self.events.range(first..).filter(handled).cloned().collect();
        Some(Batch { after: position, upto: self.upto, events, more: false, history: self.history })
    }
}

impl<S: EventStore> Tail<S> {
    pub(super) fn new(store: S, event_types: Vec<&'static str>) -> Self {
        let (ring, reached) = (Arc::default(), watch::Sender::new(None));
        Self { store, event_types, ring, reached, task: Mutex::new(None) }
    }

    /// What a projection handles of the events behind a position, where the reader has them.
    pub(super) fn behind(&self, schema: &ProjectionSchema, position: Position) -> Option<Batch> {
        if self.is_running() { lock(&self.ring).behind(schema, position) } else { None }
    }

    fn is_running(&self) -> bool {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        self.reached.borrow().is_some() && task.as_ref().is_some_and(|task| !task.is_finished())
    }

    /// Waits until the reader has come further than this position, or into another history.
    pub(super) async fn wait_behind(&self, position: Position, history: HistoryId) {
        let mut reached = self.reached.subscribe();
        self.start_at(position, history);
        let is_further =
            |reached: &Reached| reached.is_none_or(|(upto, current)| upto > position || current != history);
        // It fails only where the reader has ended, which it does with us.
        let _ = reached.wait_for(is_further).await;
    }

    /// Begins to read, where nobody does so yet.
    fn start_at(&self, position: Position, history: HistoryId) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if self.reached.borrow().is_none() || task.as_ref().is_none_or(JoinHandle::is_finished) {
            self.reached.send_replace(Some((position, history)));
            *lock(&self.ring) = Ring { after: position, upto: position, history, events: VecDeque::new() };
            let read = ReadAll::after(position).event_types(self.event_types.iter().copied());
            *task = Some(tokio::spawn(follow(
                self.store.clone(),
                read,
                history,
                Arc::clone(&self.ring),
                self.reached.clone(),
            )));
        }
    }
}

impl<S> Drop for Tail<S> {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

/// Reads on, as long as the history lasts. Behind it others may have to go back, nobody knows how far.
async fn follow<S: EventStore>(
    store: S,
    mut read: ReadAll,
    history: HistoryId,
    ring: Arc<Mutex<Ring>>,
    reached: watch::Sender<Reached>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        store.wait_beyond(read.after, history).await;
        match store.read_page(&read).await {
            Ok(page) => {
                pause = FIRST_PAUSE;
                if page.history != history {
                    reached.send_replace(None);
                    return;
                }
                let upto = page.upto;
                if upto > read.after {
                    lock(&ring).push(page);
                    reached.send_replace(Some((upto, history)));
                }
                read = read.go_on(upto);
            }
            Err(error) => {
                tracing::warn!(position = %read.after, %error, "projections wait for the store to come back");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Nothing in here panics half-way through a change.
fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}
