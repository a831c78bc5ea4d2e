//! A store that is watched: it counts its calls, and fails when told to.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use es_core::{
    prelude::*,
    store::{
        Append, Appended, HistoryDiverged, HistoryId, KeptSnapshot, ListStreams, Load, LoadedStream, NewSnapshot, Page,
        ReadAll, ReadStream, StoredEvent, StreamInfo, Unavailable,
    },
};
use futures_util::Stream;

/// What happens to a call instead of going well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is refused.
    Unavailable,
    /// An append is done, and its answer lost.
    AnswerLost,
    /// An append is lost, and so is that it was.
    Lost,
    /// Another writer comes first.
    Overtaken,
    /// An append is done, and then never answered.
    Hangs,
    /// It is never done, and whoever asked for it keeps it.
    Stuck,
    /// The store is another one from here on, with the same events.
    OtherHistory,
    /// It goes well. For those that come before another fault.
    None,
}

#[derive(Clone, Debug)]
pub(crate) struct Watched<S> {
    inner: S,
    watch: Arc<Watch>,
}

#[derive(Debug, Default)]
struct Watch {
    loads: AtomicUsize,
    appends: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    faults_of_appends: Mutex<VecDeque<Fault>>,
    faults_of_loads: Mutex<VecDeque<Fault>>,
    /// The event ids of each append that was sent.
    sent: Mutex<Vec<Vec<EventId>>>,
    history: Mutex<Option<HistoryId>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: EventStore> Watched<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, watch: Arc::default() }
    }

    /// How many loads and appends there were since this was last asked.
    pub(crate) fn calls(&self) -> (usize, usize) {
        (self.watch.loads.swap(0, Ordering::SeqCst), self.watch.appends.swap(0, Ordering::SeqCst))
    }

    /// What the next appends meet, one after the other.
    pub(crate) fn at_appends(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.watch.faults_of_appends).extend(faults);
    }

    pub(crate) fn at_loads(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.watch.faults_of_loads).extend(faults);
    }

    /// The event ids of all appends that were sent since this was last asked.
    pub(crate) fn sent(&self) -> Vec<Vec<EventId>> {
        std::mem::take(&mut lock(&self.watch.sent))
    }

    /// The most calls that were ever under way together.
    pub(crate) fn most_under_way(&self) -> usize {
        self.watch.most_under_way.load(Ordering::SeqCst)
    }

    fn other_history(&self) {
        *lock(&self.watch.history) = Some(HistoryId::new());
    }

    fn unavailable() -> StoreError {
        Unavailable::new("it is gone", "the plug was pulled").into()
    }

    /// Gives others a turn, so that what can run side by side does.
    async fn pass_on(&self) -> UnderWay<'_> {
        let now = self.watch.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.watch.most_under_way.fetch_max(now, Ordering::SeqCst);
        let guard = UnderWay(&self.watch);
        // Of different length each time, so that calls do not end in the order in which they began.
        for _ in 0..EventId::now().as_uuid().as_bytes()[15] % 4 {
            tokio::task::yield_now().await;
        }
        guard
    }
}

struct UnderWay<'a>(&'a Watch);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<S: EventStore> EventStore for Watched<S> {
    async fn append(&self, mut append: Append) -> Result<Appended, StoreError> {
        let _under_way = self.pass_on().await;
        self.watch.appends.fetch_add(1, Ordering::SeqCst);
        lock(&self.watch.sent).push(append.events.iter().map(|event| event.metadata.event_id).collect());
        let unknown = StoreError::OutcomeUnknown {
            stream: append.stream.clone(),
            first_event: append.events[0].metadata.event_id,
            source: "the line is dead".into(),
        };
        let fault = lock(&self.watch.faults_of_appends).pop_front().unwrap_or(Fault::None);
        match fault {
            Fault::Unavailable => return Err(Self::unavailable()),
            Fault::Lost => return Err(unknown),
            Fault::Stuck => {
                pending::<()>().await;
                drop(append);
                return Err(unknown);
            }
            Fault::Overtaken => {
                let mut other = Append::new(append.stream.clone(), Expected::Any, append.events.clone());
                other.events.truncate(1);
                other.events[0].metadata = other.events[0].metadata.for_next_event();
                self.inner.append(other).await?;
            }
            Fault::OtherHistory => self.other_history(),
            Fault::AnswerLost | Fault::Hangs | Fault::None => {}
        }
        let present = *lock(&self.watch.history);
        if let Some(present) = present
            && let Some(known) = append.decided_in.take().filter(|known| *known != present)
        {
            return Err(HistoryDiverged::new(known, present).into());
        }
        let appended = self.inner.append(append).await?;
        match fault {
            Fault::AnswerLost => Err(unknown),
            Fault::Hangs => pending().await,
            _ => Ok(appended),
        }
    }

    async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        self.inner.append_all(appends).await
    }

    async fn load(&self, load: Load) -> Result<LoadedStream, StoreError> {
        let _under_way = self.pass_on().await;
        self.watch.loads.fetch_add(1, Ordering::SeqCst);
        if lock(&self.watch.faults_of_loads).pop_front().is_some_and(|fault| fault == Fault::Unavailable) {
            return Err(Self::unavailable());
        }
        let mut loaded = self.inner.load(load).await?;
        loaded.history = lock(&self.watch.history).unwrap_or(loaded.history);
        Ok(loaded)
    }

    fn read_stream(&self, read: ReadStream) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<S> {
        self.inner.read_stream(read)
    }

    fn streams(&self, list: ListStreams) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<S> {
        self.inner.streams(list)
    }

    async fn archive(&self, stream: StreamId) -> Result<(), StoreError> {
        self.inner.archive(stream).await
    }

    async fn restore(&self, stream: StreamId) -> Result<(), StoreError> {
        self.inner.restore(stream).await
    }

    async fn read_page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        self.inner.read_page(read).await
    }

    async fn wait_beyond(&self, position: Position, history: HistoryId) {
        self.inner.wait_beyond(position, history).await;
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        self.inner.settled().await
    }

    async fn save_snapshot(&self, snapshot: NewSnapshot) -> Result<(), StoreError> {
        self.inner.save_snapshot(snapshot).await
    }

    async fn kept_snapshot(&self, stream: StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
        self.inner.kept_snapshot(stream).await
    }

    async fn history(&self) -> Result<HistoryId, StoreError> {
        let claimed = *lock(&self.watch.history);
        match claimed {
            Some(claimed) => Ok(claimed),
            None => self.inner.history().await,
        }
    }
}
