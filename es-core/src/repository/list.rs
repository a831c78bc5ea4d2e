//! Naming the aggregates of one kind.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::StreamExt as _;

use crate::{
    aggregate::Aggregate,
    store::{EventStore, ListStreams, StoreError, StreamInfo},
};

/// An aggregate that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed<I> {
    /// Its id.
    pub id: I,
    /// Its stream: how many events it has, when they were recorded, whether it is archived.
    pub info: StreamInfo,
}

/// Why a list ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// A stream has an id that is not one of the aggregate's: somebody else wrote it, or the id's type has changed.
    #[error("the id of {} cannot be read as `{id_type}`: list the store's `streams` to pass over it", .stream.stream)]
    UnreadableId {
        /// The stream.
        stream: Box<StreamInfo>,
        /// The type of the aggregate's ids.
        id_type: &'static str,
    },
    /// The store could not answer.
    #[error("{0}")]
    Store(#[from] StoreError),
}

type Item<A> = Result<Listed<<A as Aggregate>::Id>, ListError>;

/// The aggregates of one kind, in the order of their ids' bytes, read page by page.
///
/// It is a [`Stream`]; [`next`](Self::next) needs no further crate. An id that cannot be read is an error, and the list
/// goes on behind it.
///
/// ```
/// # use es_core::{prelude::*, store::ListStreams};
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
/// let lamps = MemoryStore::new().repository::<Lamp>();
/// for id in ["hall", "kitchen", "hall-2"] {
///     lamps.execute(&LampId(id.into()), Light).await?;
/// }
/// let mut list = lamps.list(ListStreams::all().prefix("hall"));
/// assert_eq!(list.next().await.transpose()?.map(|lamp| lamp.id), Some(LampId("hall".into())));
/// assert_eq!(list.next().await.transpose()?.map(|lamp| lamp.id), Some(LampId("hall-2".into())));
/// assert!(list.next().await.is_none());
/// # Ok(()) }
/// ```
#[must_use = "nothing is read until this is polled"]
pub struct List<A: Aggregate> {
    streams: Pin<Box<dyn Stream<Item = Item<A>> + Send>>,
}

impl<A: Aggregate> List<A> {
    pub(super) fn new<S: EventStore>(store: &S, list: ListStreams) -> Self {
        let listed = |info: Result<StreamInfo, StoreError>| {
            let info = info?;
            match info.stream.id().parse() {
                Ok(id) => Ok(Listed { id, info }),
                Err(_) => {
                    Err(ListError::UnreadableId { stream: Box::new(info), id_type: std::any::type_name::<A::Id>() })
                }
            }
        };
        Self { streams: Box::pin(store.streams(list.stream_type(A::NAME)).map(listed)) }
    }

    /// The next aggregate; `None` after the last.
    ///
    /// # Errors
    /// [`ListError`] where the store could not answer, or the id cannot be read.
    pub async fn next(&mut self) -> Option<Item<A>> {
        poll_fn(|context| self.streams.as_mut().poll_next(context)).await
    }
}

impl<A: Aggregate> Stream for List<A> {
    type Item = Item<A>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item<A>>> {
        self.streams.as_mut().poll_next(context)
    }
}

impl<A: Aggregate> fmt::Debug for List<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("List").field("aggregate", &A::NAME).finish_non_exhaustive()
    }
}
