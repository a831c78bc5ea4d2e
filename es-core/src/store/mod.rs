//! The store: what every place that keeps events must do, and how it is asked.
//!
//! [`EventStore`] holds the contract in prose. [`append`], [`read`], [`filter`] and [`streams`] hold the requests and their answers,
//! [`history`] what they belong to, [`checkpoint`] how far a reader has come, [`error`] what can go wrong, [`limits`] what
//! no store accepts. [`follow`] reads all streams page by page, for every store; [`listing`] helps stores to name streams.

mod again;
pub mod append;
pub mod append_all;
pub mod checkpoint;
pub mod decode;
pub mod encode;
pub mod error;
pub mod filter;
pub mod follow;
pub mod history;
mod invalid;
pub mod kept;
pub mod limits;
pub mod listing;
pub mod read;
pub mod streams;
mod turn;

use std::future::Future;

use futures_core::Stream;

pub(crate) use self::turn::{Turn, TurnEnd};
pub use self::{
    append::{Append, Appended, Expected, NewEvent, Placed},
    append_all::PartlyStored,
    checkpoint::Checkpoint,
    decode::DecodeError,
    encode::EncodeError,
    error::{Conflict, Corrupt, Fault, HistoryDiverged, Misconfigured, StoreError, Unavailable},
    filter::{Filter, ReadAll},
    follow::Page,
    history::HistoryId,
    invalid::InvalidRequest,
    kept::KeptSnapshot,
    read::{KeyedAppend, Load, LoadedStream, NewSnapshot, ReadStream, StoredEvent, StoredSnapshot, Until},
    streams::{ArchivedStreams, ListStreams, StreamInfo},
};
use crate::{
    aggregate::Aggregate,
    recorded::{Position, StreamId},
    repository::Repository,
};

/// A place that keeps events.
///
/// # The contract
///
/// **Streams.** A stream's events are numbered from 1 without gaps. Nothing ever changes or removes a stored event.
///
/// **Append.** The events of one [`Append`] are stored together or not at all, one behind the other, at the versions
/// that follow the stream's last. Where [`Expected`] does not hold, nothing is stored and the answer is
/// [`StoreError::Conflict`] with the actual version. Of any number of appends that race for one version exactly one
/// succeeds. When the answer is `Ok`, the events survive whatever happens to the process and the server.
///
/// **Repeats.** An append whose idempotency key, or whose first event id, stands already in the stream stores nothing
/// and is answered with the first result, marked `replayed`: the key is looked at before the expected version. So an
/// append may be sent again whenever its outcome is in doubt.
///
/// **Several streams.** What one [`append_all`] asks for is stored as a whole or not at all: each append of it with an
/// expected version and a key of its own, to streams of which none comes twice. Where one is not as expected nothing is
/// stored, and the conflict names the stream. If all stand already the first results are the answer; if some do and
/// others do not, nothing is stored and the answer is [`StoreError::PartlyStored`]. Within each stream positions rise with
/// the versions; how the streams of one request lie to each other is not promised.
///
/// **Bad input.** An append that breaks a limit is refused as [`StoreError::Invalid`] before anything is stored.
///
/// **Order.** Each event has a position, higher than that of every earlier event of its stream. [`read_all`] yields
/// events by rising position and never passes a position that an unfinished append may still fill: whoever remembers
/// the last position read and goes on behind it sees every event exactly once. [`settled`] is the highest position that
/// it may go to; filters choose among the events up to there.
///
/// **Loading.** [`load`] answers from one consistent view: snapshot, the events behind it, and the idempotency key.
/// A snapshot is handed out only with the fingerprint asked for and not beyond what is asked for.
///
/// **Snapshots.** [`save_snapshot`] never replaces a snapshot by an older one, and drops one of another
/// [history](NewSnapshot::history), also where it has that only when it comes to write it. A store may take it in and write
/// it later, or drop it when it is busy: a snapshot is only a shortcut.
///
/// **Archiving.** An archived stream is out of use, not out of the log. Nothing is appended to it: after [`archive`] is
/// answered, every later append is [`StoreError::Archived`], except a repeat, which is answered with the first result as
/// always: it stores nothing. A load says that the stream is archived, and gives its events all the same, for time travel
/// and history. Lists leave it out unless asked. [`read_stream`] and [`read_all`] go on to give all of its events: the
/// log is the history, and a read model that is rebuilt tomorrow must equal today's. Archiving is no event; where other
/// parts of a system must learn of it, append one that says so, and archive then.
///
/// **History.** A store says which history it has: [`history`]. A [`LoadedStream`] says which it was read from, and an
/// append that says which it was decided in is refused as [`StoreError::HistoryDiverged`] in any other.
///
/// **Cancellation.** A dropped future of [`append`] or [`append_all`] leaves what was asked either done or not done, never
/// half; sending it again finds out which.
///
/// [`append`]: EventStore::append
/// [`append_all`]: EventStore::append_all
/// [`archive`]: EventStore::archive
/// [`history`]: EventStore::history
/// [`load`]: EventStore::load
/// [`read_all`]: EventStore::read_all
/// [`read_stream`]: EventStore::read_stream
/// [`save_snapshot`]: EventStore::save_snapshot
/// [`settled`]: EventStore::settled
pub trait EventStore: Clone + Send + Sync + 'static {
    /// Stores the events of one request.
    fn append(&self, append: Append) -> impl Future<Output = Result<Appended, StoreError>> + Send;

    /// Stores the events of several requests, each for a stream of its own, together or not at all, and answers each in
    /// the order given.
    ///
    /// ```
    /// use es_core::{
    ///     event::EventSchema,
    ///     prelude::*,
    ///     recorded::{Metadata, StreamId},
    ///     store::{Append, EventStore as _, Expected, NewEvent},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let event = |name, payload: &str| {
    ///     NewEvent::new(EventSchema::new(name, 1), payload.to_owned(), Metadata::at(Utc::now()))
    /// };
    /// let (from, to) = (StreamId::new("account", "a-1"), StreamId::new("account", "a-2"));
    /// let sent = Append::new(from, Expected::Any, vec![event("MoneySent", r#"{"amount":5}"#)]);
    /// let received = Append::new(to, Expected::Any, vec![event("MoneyReceived", r#"{"amount":5}"#)]);
    ///
    /// let store = MemoryStore::new();
    /// let answers = store.append_all(vec![sent, received]).await?;
    /// assert_eq!(answers[1].version(), 1);
    /// # Ok(()) }
    /// ```
    fn append_all(&self, appends: Vec<Append>) -> impl Future<Output = Result<Vec<Appended>, StoreError>> + Send;

    /// What is needed to build up one aggregate, in one answer.
    fn load(&self, load: Load) -> impl Future<Output = Result<LoadedStream, StoreError>> + Send;

    /// The events of one stream, by rising version or, [backwards](ReadStream::backwards), by falling. An unknown stream has
    /// none. Memory is bounded, and the first events come without a look at the rest, in both directions.
    fn read_stream(&self, read: ReadStream) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<Self>;

    /// The next part of the order over all streams. [`read_all`](Self::read_all), [`subscribe`](Self::subscribe) and
    /// engines are built on it: they ask for a page, and poll it again only when they have taken the one before. A store
    /// must not let that keep others waiting.
    ///
    /// # Errors
    /// [`StoreError::HistoryDiverged`] when the event is not there behind which the request wants to go on.
    fn read_page(&self, read: &ReadAll) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// Waits until something may be settled behind a position at which a page of this history ended that had no
    /// [`more`](Page::more), or the store has another history, or was closed. It may return too early; where there is
    /// something to see it does not wait for ever. What there is, and what is the matter, the next page says.
    fn wait_beyond(&self, position: Position, history: HistoryId) -> impl Future<Output = ()> + Send;

    /// The events of all streams, by rising position, up to the last that is settled when it is reached.
    fn read_all(&self, read: ReadAll) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<Self> {
        follow::read_all(self.clone(), read)
    }

    /// The events of all streams, by rising position: those that are there, and then those that come, as soon as they
    /// are settled. Each is yielded once, in order.
    ///
    /// The stream does not end, but behind [`ReadAll::until`]. While the store cannot be reached it waits and goes on
    /// behind the last event; the log has a warning when this begins. Only an error that does not go away by waiting is
    /// yielded, and is the last: among them is [`is_closed`](StoreError::is_closed), when the store was closed.
    ///
    /// No more than a page is read ahead of whoever takes the events. Dropping the stream ends everything that belongs to
    /// it. It needs a Tokio runtime with time enabled.
    ///
    /// ```
    /// use es_core::{prelude::*, store::{EventStore as _, ReadAll}};
    /// use futures_util::TryStreamExt as _;
    /// # use es_core::{EventSchema, StreamId, store::{Append, Expected, NewEvent}};
    /// # fn lit(lamp: &str) -> Append {
    /// #     let event = NewEvent::new(EventSchema::new("LampLit", 1), "{}".into(), Metadata::at(Utc::now()));
    /// #     Append::new(StreamId::new("lamp", lamp), Expected::Any, vec![event])
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = MemoryStore::new();
    /// store.append(lit("hall")).await?;
    ///
    /// let read = ReadAll::after(Position::START).event_types(["LampLit"]);
    /// let mut events = std::pin::pin!(store.subscribe(read));
    /// let first = events.try_next().await?.expect("it does not end");
    /// assert_eq!(first.stream.id(), "hall");
    ///
    /// store.append(lit("stairs")).await?;
    /// let next = events.try_next().await?.expect("it does not end");
    /// assert_eq!(next.stream.id(), "stairs");
    /// # Ok(()) }
    /// ```
    fn subscribe(&self, read: ReadAll) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<Self> {
        follow::subscribe(self.clone(), read)
    }

    /// As [`subscribe`](Self::subscribe), page by page. For readers with a filter that keep how far they have come: a
    /// page without events, too, says [up to where](Page::upto) there is none for them.
    ///
    /// After a failover pages may begin again behind the last event that was handed out.
    fn subscribe_pages(&self, read: ReadAll) -> impl Stream<Item = Result<Page, StoreError>> + Send + use<Self> {
        follow::subscribe_pages(self.clone(), read)
    }

    /// How far the order of all events is settled: no event will ever come in at or before this position that cannot be
    /// seen now. [`Position::START`] in an empty store. It never falls; what was appended before the call is within it,
    /// unless an unfinished append before it holds it up for longer than the store waits.
    fn settled(&self) -> impl Future<Output = Result<Position, StoreError>> + Send;

    /// Keeps a snapshot, or replaces an older one.
    fn save_snapshot(&self, snapshot: NewSnapshot) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The snapshot that is kept of a stream, whatever its fingerprint.
    fn kept_snapshot(&self, stream: StreamId) -> impl Future<Output = Result<Option<KeptSnapshot>, StoreError>> + Send;

    /// The streams of this store, by type and then by id, both in the order of their bytes. A long list is read in parts,
    /// each as it is then: what comes or goes meanwhile may be in it or not, and nothing is in it twice.
    fn streams(&self, list: ListStreams) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<Self>;

    /// Takes a stream out of use, and keeps its events; see the contract. Archived again, it stays as it is.
    ///
    /// An append that is under way at the same time may land before or not at all.
    ///
    /// # Errors
    /// [`StoreError::NoSuchStream`] where it has no events.
    fn archive(&self, stream: StreamId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Puts an archived stream back into use. One that is not archived stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NoSuchStream`] where it has no events.
    fn restore(&self, stream: StreamId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The history that this store has now.
    fn history(&self) -> impl Future<Output = Result<HistoryId, StoreError>> + Send;

    /// The aggregates of one kind in this store.
    fn repository<A: Aggregate>(&self) -> Repository<A, Self> {
        Repository::new(self.clone())
    }
}
