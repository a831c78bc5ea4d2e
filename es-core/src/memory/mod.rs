//! The in-memory store: the reference implementation of the contract, for tests and first steps.

mod append_all;
mod clock;
mod copy;
mod projections;
mod streams;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use chrono::{DateTime, Utc};
use futures_core::Stream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::{Notify, watch};

pub use self::{
    clock::Clock,
    projections::{MemoryContext, MemoryTransaction, NoQueryLanguage},
};
use self::{clock::StoreClock, projections::Projections};
use crate::{
    copy::CopyProgress,
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{
        Append, Appended, Conflict, EventStore, HistoryDiverged, HistoryId, KeptSnapshot, KeyedAppend, ListStreams,
        Load, LoadedStream, NewSnapshot, Page, Placed, ReadAll, ReadStream, StoreError, StoredEvent, StoredSnapshot,
        StreamInfo, Until, streams::check_stream,
    },
};

/// How many events are looked at for a page.
const PAGE: usize = 1_000;

/// A store in the memory of the process. Clones share what is stored; nothing outlives the last of them.
///
/// ```
/// use es_core::{prelude::*, store::{EventStore as _, ReadAll}};
/// use futures_util::TryStreamExt as _;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let events: Vec<_> = store.read_all(ReadAll::after(Position::START)).try_collect().await?;
/// assert!(events.is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    /// The position of the last event: what subscribers wait to see change.
    grown: watch::Sender<Position>,
    /// Told when a transaction of a projection has ended.
    ended: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    clock: StoreClock,
    history: HistoryId,
    /// All events; the position of an event is its index plus one.
    log: Vec<StoredEvent>,
    streams: HashMap<StreamId, StreamState>,
    /// The name of each append and how many events it has, at the position of its first: what a copy takes along.
    names: HashMap<Position, (String, u32)>,
    /// How far this was made a copy of another store.
    copied: Option<CopyProgress>,
    projections: Projections,
}

#[derive(Debug, Default)]
struct StreamState {
    /// Index in the log of each event; its version is the index here plus one.
    events: Vec<usize>,
    /// Idempotency keys, and for appends without one the first event's id, with where the append stands.
    keys: HashMap<String, KeyedAppend>,
    /// Events that were copied from a store that does not know where an append without a key ends.
    unnamed: HashMap<EventId, StreamVersion>,
    snapshot: Option<NewSnapshot>,
    archived_at: Option<DateTime<Utc>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that goes by this clock, such as `es_core::testing::FakeClock` in a test.
    pub fn with_clock(clock: impl Clock) -> Self {
        let state = State { clock: StoreClock::new(clock), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), ..Self::default() }
    }

    /// Wakes those who wait for an event at this position, or before.
    fn grew(&self, upto: Position) {
        self.grown.send_if_modified(|last| {
            let grew = upto > *last;
            *last = upto.max(*last);
            grew
        });
    }

    /// Nothing in here panics half-way through a change, so what a panicking thread left behind is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn append(&mut self, append: Append) -> Result<Appended, StoreError> {
        append.check()?;
        if let Some(known) = append.decided_in.filter(|&known| known != self.history) {
            return Err(HistoryDiverged::new(known, self.history).into());
        }
        if let Some(first) = self.standing(&append) {
            return Ok(first);
        }
        let stream = self.streams.entry(append.stream.clone()).or_default();
        if stream.archived_at.is_some() {
            return Err(StoreError::Archived { stream: append.stream });
        }
        let actual = StreamVersion::new(stream.events.len() as u64);
        if !append.expected.allows(actual) {
            return Err(Conflict::new(append.stream, append.expected, actual).into());
        }
        // Nothing is stored before every event is known to be whole.
        let metadata = append.events.iter().map(|event| serde_json::to_vec(&event.metadata));
        let metadata = metadata
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| StoreError::Backend { doing: "encoding metadata", source: source.into() })?;
        let recorded_at = self.clock.now();
        let keyed = KeyedAppend::new(actual.after(1), append.events.len() as u64);
        let first = first_id(&append);
        let name = append.idempotency_key.unwrap_or_else(|| first.clone());
        let size = u32::try_from(append.events.len()).unwrap_or(u32::MAX);
        self.names.insert(Position::new(self.log.len() as u64 + 1), (name.clone(), size));
        stream.keys.insert(first, keyed);
        stream.keys.insert(name, keyed);
        let mut events = Vec::with_capacity(append.events.len());
        for (event, metadata) in append.events.into_iter().zip(metadata) {
            let stored = StoredEvent::new(
                append.stream.clone(),
                StreamVersion::new(stream.events.len() as u64 + 1),
                Position::new(self.log.len() as u64 + 1),
                event.schema.name.to_owned(),
                event.schema.version,
                event.metadata.event_id,
                event.payload.into_bytes(),
                metadata,
                recorded_at,
            );
            events.push(placed(&stored));
            stream.events.push(self.log.len());
            self.log.push(stored);
        }
        Ok(Appended::new(events, false))
    }

    /// The first result of an append that stands already.
    fn standing(&self, append: &Append) -> Option<Appended> {
        let stream = self.streams.get(&append.stream)?;
        let first_id = first_id(append);
        let keyed = append.idempotency_key.iter().chain([&first_id]).find_map(|key| stream.keys.get(key));
        let (first, last) = match keyed {
            Some(keyed) => (keyed.first, keyed.last),
            None => self.standing_unnamed(stream, append)?,
        };
        let range = index(first.get() - 1)..index(last.get()).min(stream.events.len());
        let placed = stream.events[range].iter().map(|&index| placed(&self.log[index])).collect();
        Some(Appended::new(placed, true))
    }

    /// Where the events of an append stand that was copied without a name: all of them, one behind the other.
    fn standing_unnamed(&self, stream: &StreamState, append: &Append) -> Option<(StreamVersion, StreamVersion)> {
        let first = *stream.unnamed.get(&append.events.first()?.metadata.event_id)?;
        let last = first.after(append.events.len() as u64 - 1);
        let standing = stream.events.get(index(first.get() - 1)..index(last.get()))?;
        let ids = append.events.iter().map(|event| event.metadata.event_id);
        standing.iter().map(|&index| self.log[index].event_id).eq(ids).then_some((first, last))
    }

    fn load(&self, load: &Load) -> LoadedStream {
        let Some(stream) = self.streams.get(&load.stream) else {
            return LoadedStream::empty(self.history);
        };
        let keyed = load.idempotency_key.as_ref().and_then(|key| stream.keys.get(key)).copied();
        let last = stream.events.len();
        let end = match load.until {
            Until::Latest => last,
            Until::Version(version) => last.min(index(version.get())),
            Until::RecordedAt(time) => {
                stream.events.iter().take_while(|&&index| self.log[index].recorded_at <= time).count()
            }
            Until::Position(position) => stream.events.partition_point(|&at| self.log[at].position <= position),
        };
        let at_most = load.snapshot_at_most.unwrap_or(StreamVersion::new(u64::MAX));
        let snapshot = stream.snapshot.as_ref().filter(|snapshot| {
            Some(snapshot.fingerprint) == load.fingerprint
                && snapshot.version.get() <= end as u64
                && snapshot.version <= at_most
        });
        let start = snapshot.map_or(0, |snapshot| index(snapshot.version.get()));
        let events = stream.events[start..end].iter().map(|&index| self.log[index].clone()).collect();
        let snapshot = snapshot.map(|snapshot| {
            StoredSnapshot::new(snapshot.version, snapshot.position, snapshot.state.clone().into_bytes())
        });
        LoadedStream::new(self.history, snapshot, events, keyed).archived_at(stream.archived_at)
    }

    fn page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        if let Some(resume) = read.resume {
            if resume.history != self.history {
                return Err(HistoryDiverged::new(resume.history, self.history).into());
            }
            let stands = index(resume.position.get()).checked_sub(1).and_then(|index| self.log.get(index));
            if stands.is_none_or(|event| event.event_id != resume.event_id) {
                return Err(HistoryDiverged::without(resume, self.history).into());
            }
        }
        let end = read.until.map_or(self.log.len(), |until| index(until.get()).min(self.log.len()));
        let behind = self.log.get(index(read.after.get())..end).unwrap_or_default();
        let looked_at = &behind[..behind.len().min(PAGE)];
        let events = looked_at.iter().filter(|event| read.filter.matches(event)).cloned().collect();
        let upto = looked_at.last().map_or(read.after, |event| event.position);
        Ok(Page::new(events, upto, looked_at.len() < behind.len(), self.history))
    }

    fn save_snapshot(&mut self, snapshot: NewSnapshot) {
        if snapshot.history.is_some_and(|history| history != self.history) {
            return;
        }
        let Some(stream) = self.streams.get_mut(&snapshot.stream) else { return };
        if stream.snapshot.as_ref().is_none_or(|kept| kept.version <= snapshot.version) {
            stream.snapshot = Some(snapshot);
        }
    }
}

/// The name of an append that has no other.
fn first_id(append: &Append) -> String {
    append.events.first().map(|event| event.metadata.event_id.to_string()).unwrap_or_default()
}

/// A number as an index; what is beyond memory is beyond every list.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn placed(stored: &StoredEvent) -> Placed {
    Placed::new(stored.event_id, stored.version, stored.position, stored.recorded_at)
}

impl EventStore for MemoryStore {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let appended = self.state().append(append)?;
        self.grew(appended.position());
        Ok(appended)
    }

    async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        let appended = self.state().append_all(appends)?;
        self.grew(appended.iter().map(Appended::position).max().unwrap_or_default());
        Ok(appended)
    }

    async fn load(&self, load: Load) -> Result<LoadedStream, StoreError> {
        load.check()?;
        Ok(self.state().load(&load))
    }

    fn read_stream(&self, read: ReadStream) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        let store = self.clone();
        let invalid = stream::iter(read.check().err().map(|invalid| Err(invalid.into())));
        // The versions that are left to read.
        let (mut from, mut before) =
            (read.after.get().saturating_add(1), read.before.map_or(u64::MAX, StreamVersion::get));
        invalid.chain(stream::poll_fn(move |_| {
            let state = store.state();
            let Some(stream) = state.streams.get(&read.stream) else { return Poll::Ready(None) };
            let end = before.min(stream.events.len() as u64 + 1);
            if from >= end {
                return Poll::Ready(None);
            }
            let version = if read.backwards { end - 1 } else { from };
            if read.backwards {
                before = version;
            } else {
                from = version + 1;
            }
            Poll::Ready(Some(Ok(state.log[stream.events[index(version - 1)]].clone())))
        }))
    }

    async fn read_page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        read.check()?;
        self.state().page(read)
    }

    async fn wait_beyond(&self, position: Position, _: HistoryId) {
        // It fails when all senders are gone, and this store is one.
        let _ = self.grown.subscribe().wait_for(|last| *last > position).await;
    }

    async fn kept_snapshot(&self, stream: StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
        ReadStream::new(stream.clone()).check()?;
        let state = self.state();
        let kept = state.streams.get(&stream).and_then(|stream| stream.snapshot.as_ref());
        Ok(kept.map(|it| KeptSnapshot::new(it.version, it.position, it.fingerprint, it.state.clone().into_bytes())))
    }

    async fn history(&self) -> Result<HistoryId, StoreError> {
        Ok(self.state().history)
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        Ok(Position::new(self.state().log.len() as u64))
    }

    async fn save_snapshot(&self, snapshot: NewSnapshot) -> Result<(), StoreError> {
        self.state().save_snapshot(snapshot);
        Ok(())
    }

    fn streams(&self, list: ListStreams) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<> {
        let store = self.clone();
        let listed = async move {
            list.check()?;
            Ok::<_, StoreError>(stream::iter(store.state().list(&list).into_iter().map(Ok)))
        };
        stream::once(listed).try_flatten()
    }

    async fn archive(&self, stream: StreamId) -> Result<(), StoreError> {
        check_stream(&stream)?;
        self.state().set_archived(stream, true)
    }

    async fn restore(&self, stream: StreamId) -> Result<(), StoreError> {
        check_stream(&stream)?;
        self.state().set_archived(stream, false)
    }
}
