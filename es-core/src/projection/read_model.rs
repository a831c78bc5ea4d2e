//! Read models: rows that are folded from events.

use serde::de::SeqAccess;

use super::{
    ProjectionError,
    column::{ColumnSchema, TableSchema},
    row::{RowDecoder, RowEncoder},
    schema::FailurePolicy,
};
use crate::{
    event::EventSchema,
    handler::Row,
    private::RowKey,
    recorded::Envelope,
    store::{Corrupt, StoredEvent},
};

/// A row that is folded from events, one for each key; written by `#[derive(ReadModel)]`, its handlers by
/// `#[event_handler]`.
///
/// The key is the id of the event's stream. A new row has its key, and the default of each other field.
///
/// ```
/// use es_core::{prelude::*, testing::project};
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct LampId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// # struct LampLit {}
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// # struct LampPutOut {}
/// # #[derive(EventSet, Debug)]
/// # enum LampEvent { Lit(LampLit), PutOut(LampPutOut) }
///
/// #[derive(ReadModel, Debug, PartialEq)]
/// #[read_model(table = "lamps", version = 1)]
/// struct LampSummary {
///     #[read_model(key)]
///     id: LampId,
///     times_lit: u64,
/// }
///
/// #[event_handler(covers(LampEvent), ignore(LampPutOut))]
/// impl LampSummary {
///     fn lit(&mut self, _: &LampLit) {
///         self.times_lit += 1;
///     }
/// }
///
/// let id = LampId("hall".into());
/// project::<LampSummary>()
///     .stream(&id, (LampLit {}, LampPutOut {}, LampLit {}))
///     .expect([LampSummary { id, times_lit: 2 }]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a read model",
    label = "not a `ReadModel`",
    note = "add `#[derive(ReadModel)]` and `#[read_model(table = \"..\")]` to `{Self}`, a struct of which one field has `#[read_model(key)]`"
)]
pub trait ReadModel: ReadModelHandlers + Sized + Send + Sync + 'static {
    /// What tells one row from another.
    type Key: RowKey;

    /// The name of the table, unique in a store.
    const TABLE: &'static str;
    /// The version of what the handlers make of events, from 1. With a new one the table is built anew, beside the old one.
    const VERSION: u32;
    /// Into how many shards the rows are divided by their key, each with a checkpoint of its own.
    const SHARDS: u32;
    /// What becomes of an event that cannot be folded.
    const POLICY: FailurePolicy;
    /// The columns of the table, in the order of the fields.
    const COLUMNS: &'static [ColumnSchema];

    /// A new row: the key, and the default of each other field.
    fn begin(key: Self::Key) -> Self;

    /// The row's key.
    fn key(&self) -> &Self::Key;

    /// The keys of the rows that a stored event concerns: the id of its stream, or what `#[key(..)]` says above its
    /// handler, none of them twice. Of an event that is not handled, none.
    ///
    /// # Errors
    /// [`ProjectionError`] where the event cannot be read, or the id of its stream is no key.
    fn keys(stored: &StoredEvent) -> Result<Vec<Self::Key>, ProjectionError>;

    /// Writes the row, column by column.
    ///
    /// # Errors
    /// What serde reports of a value.
    fn encode(&self, row: &mut RowEncoder<'_>) -> Result<(), serde_json::Error>;

    /// Reads a row, column by column.
    ///
    /// # Errors
    /// When a column is missing, or does not fit its field.
    fn decode<'de, A: SeqAccess<'de>>(row: &mut RowDecoder<A>) -> Result<Self, A::Error>;

    /// The table.
    fn table() -> TableSchema {
        TableSchema::new(Self::TABLE, Self::VERSION, Self::COLUMNS)
    }
}

/// A read model's event handlers as a whole; written by `#[derive(ReadModel)]`, which finds them in the
/// `#[event_handler]` block.
pub trait ReadModelHandlers {
    /// Whether a handler may return an error. What it did to its row before that is to be undone.
    const MAY_FAIL: bool = false;

    /// The stored names and present versions of the events that are handled, in the order of the handlers.
    fn events() -> &'static [EventSchema];

    /// Whether an event of that stored name is handled.
    fn handles(event_type: &str) -> bool {
        Self::events().iter().any(|event| event.name == event_type)
    }

    /// What the handlers are given with an event. Where none of them reads it, the metadata is not decoded.
    ///
    /// # Errors
    /// [`Corrupt`] where the metadata cannot be read.
    fn envelope(stored: &StoredEvent) -> Result<Envelope, Box<Corrupt>>;

    /// Folds a stored event into the row. Of one that is not handled nothing comes.
    ///
    /// # Errors
    /// [`ProjectionError`] where the event cannot be read, or its handler fails: then the row may be half changed.
    fn fold(&mut self, stored: &StoredEvent, envelope: &Envelope) -> Result<Row, ProjectionError>;
}
