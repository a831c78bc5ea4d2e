//! Live rows over a store that goes away, and comes back with another history.

use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use futures_core::Stream;
use serde::de::{Error as _, SeqAccess};
use tokio::sync::Notify;

use super::{LiveRows, LiveRowsError, Shared};
use crate::{
    event::EventSchema,
    handler::Row,
    memory::MemoryStore,
    projection::{
        ColumnSchema, FailurePolicy, ProjectionError, ReadModel, ReadModelHandlers,
        row::{RowDecoder, RowEncoder},
    },
    recorded::{Envelope, Metadata, Position, StreamId},
    store::{
        Append, Appended, Corrupt, EventStore, Expected, HistoryId, KeptSnapshot, ListStreams, Load, LoadedStream,
        NewEvent, NewSnapshot, Page, ReadAll, ReadStream, StoreError, StoredEvent, StreamInfo, Unavailable,
    },
};

/// Long enough for whatever should come about.
const SOON: Duration = Duration::from_mins(1);

/// A store that can be exchanged for another, and be away or closed.
#[derive(Clone, Debug, Default)]
struct Switched(Arc<Mutex<State>>, Arc<Notify>);

#[derive(Debug, Default)]
struct State {
    store: MemoryStore,
    trouble: Option<Trouble>,
    /// How many pages were asked for since the trouble began.
    refused: u32,
    filter: Option<Vec<String>>,
    /// How many events a page has at the most.
    page: Option<usize>,
    /// How many pages there are before it goes away.
    left: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Trouble {
    Away,
    Closed,
}

impl Switched {
    fn store(&self) -> MemoryStore {
        self.0.lock().unwrap().store.clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
        self.1.notify_waiters();
    }

    /// Stores an event of this name and payload; where it stands.
    async fn store_event(&self, stream: &str, name: &'static str, payload: &str) -> Position {
        let event = NewEvent::new(EventSchema::new(name, 1), payload.to_owned(), Metadata::at(chrono::Utc::now()));
        let append = Append::new(StreamId::new("test", stream), Expected::Any, vec![event]);
        self.store().append(append).await.unwrap().position()
    }

    async fn add(&self, stream: &str, number: i64) -> Position {
        self.store_event(stream, "Added", &number.to_string()).await
    }
}

impl EventStore for Switched {
    async fn read_page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        let limit = {
            let mut state = self.0.lock().unwrap();
            state.filter.clone_from(&read.filter.event_types);
            if state.left == Some(0) {
                (state.left, state.trouble) = (None, Some(Trouble::Away));
            }
            state.left = state.left.map(|left| left - 1);
            state.refused += u32::from(state.trouble.is_some());
            match state.trouble {
                Some(Trouble::Away) => return Err(Unavailable::new("it is away", "a test").into()),
                Some(Trouble::Closed) => return Err(Unavailable::closed("a test").into()),
                None => state.page,
            }
        };
        let mut page = self.store().read_page(read).await?;
        if let Some(kept) = limit.filter(|&limit| page.events.len() > limit) {
            page.events.truncate(kept);
            (page.upto, page.more) = (page.events[kept - 1].position, true);
        }
        Ok(page)
    }

    async fn wait_beyond(&self, position: Position, history: HistoryId) {
        let changed = self.1.notified();
        let store = self.store();
        if store.history().await.unwrap() == history {
            let grown = std::pin::pin!(store.wait_beyond(position, history));
            futures_util::future::select(grown, std::pin::pin!(changed)).await;
        }
    }

    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        self.store().append(append).await
    }

    async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        self.store().append_all(appends).await
    }

    async fn kept_snapshot(&self, stream: StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
        self.store().kept_snapshot(stream).await
    }

    fn streams(&self, list: ListStreams) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<> {
        self.store().streams(list)
    }

    async fn archive(&self, stream: StreamId) -> Result<(), StoreError> {
        self.store().archive(stream).await
    }

    async fn restore(&self, stream: StreamId) -> Result<(), StoreError> {
        self.store().restore(stream).await
    }

    async fn load(&self, load: Load) -> Result<LoadedStream, StoreError> {
        self.store().load(load).await
    }

    fn read_stream(&self, read: ReadStream) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        self.store().read_stream(read)
    }

    async fn save_snapshot(&self, snapshot: NewSnapshot) -> Result<(), StoreError> {
        self.store().save_snapshot(snapshot).await
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        self.store().settled().await
    }

    async fn history(&self) -> Result<HistoryId, StoreError> {
        self.store().history().await
    }
}

/// The sum of the numbers in the payloads; a panic where one of them is negative, and no row where it is 0.
#[derive(Clone, Debug, PartialEq)]
struct Sum {
    stream: String,
    sum: i64,
}

impl ReadModelHandlers for Sum {
    fn events() -> &'static [EventSchema] {
        const { &[EventSchema::new("Added", 1)] }
    }

    fn envelope(stored: &StoredEvent) -> Result<Envelope, Box<Corrupt>> {
        stored.envelope()
    }

    fn fold(&mut self, stored: &StoredEvent, _: &Envelope) -> Result<Row, ProjectionError> {
        let number: i64 = serde_json::from_slice(&stored.payload).map_err(|_| Corrupt::gap(stored, stored.version))?;
        assert!(number >= 0, "a negative number");
        self.sum += number;
        Ok(if number == 0 { Row::Delete } else { Row::Keep })
    }
}

impl ReadModel for Sum {
    type Key = String;

    const TABLE: &'static str = "sums";
    const VERSION: u32 = 1;
    const SHARDS: u32 = 1;
    const POLICY: FailurePolicy = FailurePolicy::Stop;
    const COLUMNS: &'static [ColumnSchema] = &[];

    fn begin(stream: String) -> Self {
        Self { stream, sum: 0 }
    }

    fn key(&self) -> &String {
        &self.stream
    }

    fn keys(stored: &StoredEvent) -> Result<Vec<String>, ProjectionError> {
        Ok(vec![stored.stream.id().to_owned()])
    }

    fn encode(&self, _: &mut RowEncoder<'_>) -> Result<(), serde_json::Error> {
        Ok(())
    }

    fn decode<'de, A: SeqAccess<'de>>(_: &mut RowDecoder<A>) -> Result<Self, A::Error> {
        Err(A::Error::custom("it is kept in memory"))
    }
}

fn sum(rows: &LiveRows<Sum>, stream: &str) -> Option<i64> {
    rows.get(&stream.to_owned()).map(|row| row.sum)
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let given_up = tokio::time::Instant::now() + SOON;
    while !holds() {
        assert!(tokio::time::Instant::now() < given_up, "it did not come about that {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn what_is_written_can_be_read_behind_its_position() {
    let store = Switched::default();
    store.add("a", 1).await;
    let rows = LiveRows::<Sum>::start(&store);
    rows.wait_for(store.add("a", 2).await, SOON).await.unwrap();
    assert_eq!((sum(&rows, "a"), sum(&rows, "b"), rows.len()), (Some(3), None, 1));
    rows.wait_for(store.add("b", 5).await, SOON).await.unwrap();
    assert_eq!((sum(&rows, "b"), rows.position()), (Some(5), Position::new(3)));
    rows.wait_for(store.add("a", 0).await, SOON).await.unwrap();
    assert_eq!((sum(&rows, "a"), rows.len(), rows.is_empty()), (None, 1, false));
    assert_eq!(rows.clone().read(|rows| rows.iter().map(|row| row.sum).sum::<i64>()), 5);
}

#[tokio::test]
async fn only_handled_events_are_asked_for_and_the_position_passes_over_the_others() {
    let store = Switched::default();
    let rows = LiveRows::<Sum>::start(&store);
    rows.wait_for(store.store_event("a", "Renamed", "\"no number\"").await, SOON).await.unwrap();
    assert_eq!((rows.position().get(), rows.len()), (1, 0));
    assert_eq!(store.0.lock().unwrap().filter, Some(vec!["Added".to_owned()]));
}

#[tokio::test]
async fn whoever_waits_too_short_is_told_how_far_it_is() {
    let store = Switched::default();
    let rows = LiveRows::<Sum>::start(&store);
    rows.wait_for(store.add("a", 1).await, SOON).await.unwrap();
    let behind = rows.wait_for(Position::new(9), Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(behind.to_string(), "after 1ms `sums` has come to position 1, and not to 9");
    let LiveRowsError::Behind { wanted, reached, rebuilding, .. } = behind else { panic!("{behind:?}") };
    assert_eq!((wanted.get(), reached.get(), rebuilding), (9, 1, false));
}

#[tokio::test]
async fn an_absence_of_the_store_is_waited_out() {
    let store = Switched::default();
    let rows = LiveRows::<Sum>::start(&store);
    rows.wait_for(store.add("a", 1).await, SOON).await.unwrap();
    store.change(|state| state.trouble = Some(Trouble::Away));
    let last = store.add("a", 2).await;
    until("it asks again and again", || store.0.lock().unwrap().refused > 2).await;
    assert_eq!((sum(&rows, "a"), rows.error().is_some()), (Some(1), false));
    store.change(|state| state.trouble = None);
    rows.wait_for(last, SOON).await.unwrap();
    assert_eq!(sum(&rows, "a"), Some(3));
}

#[tokio::test]
async fn in_another_history_readers_keep_the_old_rows_until_the_new_ones_are_whole() {
    let store = Switched::default();
    let rows = LiveRows::<Sum>::start(&store);
    for number in 1..=4 {
        rows.wait_for(store.add("a", number).await, SOON).await.unwrap();
    }
    let other = Switched::default();
    for number in [10, 20, 30] {
        other.add("b", number).await;
    }
    // It sees that it is another history, and one event of that, and nothing more for a while.
    store.change(|state| {
        state.store = other.store();
        (state.page, state.left) = (Some(1), Some(2));
    });
    until("it asks for more in vain", || store.0.lock().unwrap().refused > 1).await;
    assert_eq!((sum(&rows, "a"), sum(&rows, "b"), rows.position().get()), (Some(10), None, 4));
    assert!(rows.is_rebuilding());
    let behind = rows.wait_for(Position::new(1), Duration::from_millis(1)).await.unwrap_err();
    assert!(
        matches!(behind, LiveRowsError::Behind { rebuilding: true, .. }),
        "a position of another history: {behind}"
    );
    assert!(behind.to_string().ends_with(" of a former history; the rows are being built anew"), "{behind}");

    store.change(|state| state.trouble = None);
    rows.wait_for(Position::new(3), SOON).await.unwrap();
    assert_eq!((sum(&rows, "a"), sum(&rows, "b"), rows.position().get()), (None, Some(60), 3));
    assert!(!rows.is_rebuilding());
    rows.wait_for(store.add("b", 1).await, SOON).await.unwrap();
    assert_eq!(sum(&rows, "b"), Some(61), "it goes on");
}

#[tokio::test]
async fn an_empty_history_leaves_no_rows() {
    let store = Switched::default();
    let rows = LiveRows::<Sum>::start(&store);
    rows.wait_for(store.add("a", 1).await, SOON).await.unwrap();
    store.change(|state| state.store = MemoryStore::new());
    until("the rows of the former history are gone", || rows.is_empty()).await;
    assert_eq!((rows.position(), rows.is_rebuilding()), (Position::START, false));
    rows.wait_for(store.add("b", 2).await, SOON).await.unwrap();
    assert_eq!((sum(&rows, "a"), sum(&rows, "b")), (None, Some(2)));
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_it_in_front() {
    let store = Switched::default();
    store.add("a", 1).await;
    store.store_event("a", "Added", "\"no number\"").await;
    store.add("a", 2).await;
    let rows = LiveRows::<Sum>::start(&store);
    let stopped = rows.wait_for(Position::new(2), SOON).await.unwrap_err();
    let LiveRowsError::Stopped { wanted, reached, source, .. } = &stopped else { panic!("{stopped:?}") };
    assert_eq!((wanted.get(), reached.get()), (2, 1));
    assert!(matches!(&**source, ProjectionError::Store(StoreError::Corrupt(corrupt)) if corrupt.position == 2));
    assert!(stopped.to_string().starts_with("`sums` has stopped at position 1, before 2: event 2"), "{stopped}");
    assert_eq!(sum(&rows, "a"), Some(1));
    assert!(rows.error().is_some());
    rows.wait_for(Position::new(1), SOON).await.expect("it has come so far");
}

#[tokio::test]
async fn a_handler_that_panics_stops_it_and_nothing_else() {
    let store = Switched::default();
    let rows = LiveRows::<Sum>::start(&store);
    rows.wait_for(store.add("a", 1).await, SOON).await.unwrap();
    let stopped = rows.wait_for(store.add("b", -1).await, SOON).await.unwrap_err().to_string();
    assert!(stopped.contains("the handler panicked: a negative number"), "{stopped}");
    assert_eq!((sum(&rows, "a"), rows.position().get()), (Some(1), 1));
}

#[tokio::test]
async fn a_store_that_is_closed_ends_it() {
    let store = Switched::default();
    let rows = LiveRows::<Sum>::start(&store);
    rows.wait_for(store.add("a", 1).await, SOON).await.unwrap();
    store.change(|state| state.trouble = Some(Trouble::Closed));
    let stopped = rows.wait_for(Position::new(2), SOON).await.unwrap_err();
    let LiveRowsError::Stopped { source, .. } = stopped else { panic!("{stopped:?}") };
    assert!(matches!(&*source, ProjectionError::Store(error) if error.is_closed()), "{source}");
}

#[tokio::test]
async fn it_ends_with_the_last_clone() {
    let store = Switched::default();
    let rows = LiveRows::<Sum>::start(&store);
    let clone = rows.clone();
    drop(rows);
    clone.wait_for(store.add("a", 1).await, SOON).await.unwrap();
    let shared: Weak<Shared<Sum>> = Arc::downgrade(&clone.shared);
    drop(clone);
    until("its task is gone, and its rows with it", || shared.upgrade().is_none()).await;
}
