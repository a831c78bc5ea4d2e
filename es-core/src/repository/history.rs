//! All that happened to one aggregate, as a stream in bounded memory.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{
    StreamExt as _,
    future::{Ready, ready},
};

use crate::{
    aggregate::Aggregate,
    recorded::{Recorded, StreamId, StreamVersion},
    store::{EventStore, ReadStream, StoreError, StoredEvent},
};

/// All that happened to an aggregate, oldest first unless it is read [backwards](Self::backwards). It is a [`Stream`]; [`next`](Self::next) and [`all`](Self::all) serve
/// where no further crate is wanted. Events that are [retired](crate::EventSet::RETIRED) are not among them: versions go
/// on behind them.
///
/// ```
/// # use es_core::prelude::*;
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct LampId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// # struct LampLit {}
/// # #[derive(EventSet, Debug)]
/// # enum LampEvent { Lit(LampLit) }
/// # #[derive(Aggregate, Default, Debug)]
/// # #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
/// # struct Lamp {}
/// # #[event_handler]
/// # impl Lamp { fn lit(&mut self, _: &LampLit) {} }
/// # struct Light;
/// # #[command_handler]
/// # impl Lamp {
/// #     #[command(or_default)]
/// #     fn light(&self, _: &Light) -> Result<LampLit, std::convert::Infallible> { Ok(LampLit {}) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let lamps = MemoryStore::new().repository::<Lamp>();
/// # let id = LampId("hall".into());
/// # lamps.execute(&id, Light).await?;
/// let mut history = lamps.history(&id);
/// while let Some(recorded) = history.next().await {
///     let recorded = recorded?;
///     println!("{}: {:?}", recorded.envelope.version, recorded.event);
/// }
/// assert_eq!(lamps.history(&id).all().await?.len(), 1);
///
/// // The last ten, newest first, as a page of a user interface shows them; the next page is `.before(..)` the last of it.
/// let mut page = lamps.history(&id).backwards();
/// for _ in 0..10 {
///     let Some(recorded) = page.next().await else { break };
///     println!("{:?}", recorded?.event);
/// }
/// # Ok(()) }
/// ```
#[must_use = "nothing is read until this is polled"]
pub struct History<A: Aggregate> {
    read: ReadStream,
    open: Box<dyn Fn(ReadStream) -> Events<A> + Send>,
    /// What is being read; nothing before the first event was asked for.
    events: Option<Events<A>>,
}

type Item<A> = Result<Recorded<<A as Aggregate>::Event>, StoreError>;
type Events<A> = Pin<Box<dyn Stream<Item = Item<A>> + Send>>;

impl<A: Aggregate> History<A> {
    pub(super) fn new<S: EventStore>(store: &S, stream: StreamId) -> Self {
        let store = store.clone();
        let open = move |read| -> Events<A> { Box::pin(store.read_stream(read).filter_map(typed::<A>).fuse()) };
        Self { read: ReadStream::new(stream), open: Box::new(open), events: None }
    }

    /// The newest first. A page of them costs the same however many there are.
    ///
    /// Say this, and what else is said about what to read, before the first event is asked for: reading begins again.
    pub fn backwards(self) -> Self {
        self.reading(ReadStream::backwards)
    }

    /// Only what happened after this version, the version itself not included.
    pub fn after(self, version: impl Into<StreamVersion>) -> Self {
        let version = version.into();
        self.reading(|read| read.after(version))
    }

    /// Only what happened before this version, the version itself not included.
    pub fn before(self, version: impl Into<StreamVersion>) -> Self {
        let version = version.into();
        self.reading(|read| read.before(version))
    }

    fn reading(self, change: impl FnOnce(ReadStream) -> ReadStream) -> Self {
        Self { read: change(self.read), open: self.open, events: None }
    }

    fn events(&mut self) -> Pin<&mut (dyn Stream<Item = Item<A>> + Send)> {
        self.events.get_or_insert_with(|| (self.open)(self.read.clone())).as_mut()
    }

    /// The next event; `None` after the last.
    ///
    /// # Errors
    /// [`StoreError`] where the store could not answer, or the event cannot be read.
    pub async fn next(&mut self) -> Option<Item<A>> {
        poll_fn(|context| self.events().poll_next(context)).await
    }

    /// All events that are left, in memory.
    ///
    /// # Errors
    /// The first [`StoreError`]; nothing is skipped because of it.
    pub async fn all(mut self) -> Result<Vec<Recorded<A::Event>>, StoreError> {
        let mut all = Vec::new();
        while let Some(recorded) = self.next().await {
            all.push(recorded?);
        }
        Ok(all)
    }
}

impl<A: Aggregate> Stream for History<A> {
    type Item = Item<A>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item<A>>> {
        self.events().poll_next(context)
    }
}

fn typed<A: Aggregate>(stored: Result<StoredEvent, StoreError>) -> Ready<Option<Item<A>>> {
    ready(stored.and_then(|it| Ok(it.decode::<A::Event>()?)).transpose())
}

impl<A: Aggregate> fmt::Debug for History<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("History").field("read", &self.read).finish_non_exhaustive()
    }
}
