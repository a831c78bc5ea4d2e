//! The store: what every place that keeps events must do, and how it is asked.
//!
//! [`EventStore`] holds the contract in prose. [`append`] and [`read`] hold the requests and their answers, [`history`]
//! what they belong to, [`error`] what can go wrong, [`limits`] what no store accepts.

pub mod append;
pub mod append_all;
pub mod decode;
pub mod encode;
pub mod error;
pub mod history;
pub mod kept;
pub mod limits;
pub mod read;

use std::future::Future;

use futures_core::Stream;

pub use self::{
    append::{Append, Appended, Expected, NewEvent, Placed},
    append_all::PartlyStored,
    decode::DecodeError,
    encode::EncodeError,
    error::{Conflict, Corrupt, Fault, HistoryDiverged, InvalidRequest, Misconfigured, StoreError, Unavailable},
    history::HistoryId,
    kept::KeptSnapshot,
    read::{KeyedAppend, Load, LoadedStream, NewSnapshot, ReadAll, ReadStream, StoredEvent, StoredSnapshot, Until},
};
use crate::{aggregate::Aggregate, recorded::StreamId, repository::Repository};

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
/// the last position read and goes on behind it sees every event exactly once.
///
/// **Loading.** [`load`] answers from one consistent view: snapshot, the events behind it, and the idempotency key.
/// A snapshot is handed out only with the fingerprint asked for and not beyond what is asked for.
///
/// **Snapshots.** [`save_snapshot`] never replaces a snapshot by an older one. A store may take it in and write it
/// later, or drop it when it is busy: a snapshot is only a shortcut.
///
/// **History.** A store says which history it has: [`history`]. A [`LoadedStream`] says which it was read from, and an
/// append that says which it was decided in is refused as [`StoreError::HistoryDiverged`] in any other.
///
/// **Cancellation.** A dropped future of [`append`] or [`append_all`] leaves what was asked either done or not done, never
/// half; sending it again finds out which.
///
/// [`append`]: EventStore::append
/// [`append_all`]: EventStore::append_all
/// [`history`]: EventStore::history
/// [`load`]: EventStore::load
/// [`read_all`]: EventStore::read_all
/// [`save_snapshot`]: EventStore::save_snapshot
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

    /// The events of all streams, by rising position, up to the last that is settled when it is reached.
    fn read_all(&self, read: ReadAll) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<Self>;

    /// Keeps a snapshot, or replaces an older one.
    fn save_snapshot(&self, snapshot: NewSnapshot) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The snapshot that is kept of a stream, whatever its fingerprint.
    fn kept_snapshot(&self, stream: StreamId) -> impl Future<Output = Result<Option<KeptSnapshot>, StoreError>> + Send;

    /// The history that this store has now.
    fn history(&self) -> impl Future<Output = Result<HistoryId, StoreError>> + Send;

    /// The aggregates of one kind in this store.
    fn repository<A: Aggregate>(&self) -> Repository<A, Self> {
        Repository::new(self.clone())
    }
}
