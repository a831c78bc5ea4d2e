//! All that happened to one aggregate, as a stream in bounded memory.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{StreamExt as _, future::ready};

use crate::{
    aggregate::Aggregate,
    recorded::{Recorded, StreamId},
    store::{EventStore, ReadStream, StoreError, StoredEvent},
};

type Item<A> = Result<Recorded<<A as Aggregate>::Event>, StoreError>;

/// All that happened to an aggregate, oldest first. It is a [`Stream`]; [`next`](Self::next) and [`all`](Self::all) serve
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
/// # Ok(()) }
/// ```
#[must_use = "nothing is read until this is polled"]
pub struct History<A: Aggregate> {
    events: Pin<Box<dyn Stream<Item = Item<A>> + Send>>,
}

impl<A: Aggregate> History<A> {
    pub(super) fn new<S: EventStore>(store: &S, stream: StreamId) -> Self {
        let typed = |stored: Result<StoredEvent, StoreError>| {
            ready(stored.and_then(|it| Ok(it.decode::<A::Event>()?)).transpose())
        };
        let events = store.read_stream(ReadStream::new(stream)).filter_map(typed);
        Self { events: Box::pin(events) }
    }

    /// The next event; `None` after the last.
    ///
    /// # Errors
    /// [`StoreError`] where the store could not answer, or the event cannot be read.
    pub async fn next(&mut self) -> Option<Item<A>> {
        poll_fn(|context| self.events.as_mut().poll_next(context)).await
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
        self.events.as_mut().poll_next(context)
    }
}

impl<A: Aggregate> fmt::Debug for History<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("History").field("aggregate", &A::NAME).finish_non_exhaustive()
    }
}
