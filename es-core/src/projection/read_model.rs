//! Read models: rows that are folded from events.

use crate::{
    event::EventSchema, handler::Row, private::RowKey, recorded::Envelope, store::Corrupt, store::StoredEvent,
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
    /// The version of what the handlers make of events, from 1. With a new one the table is built anew.
    const VERSION: u32;

    /// A new row: the key, and the default of each other field.
    fn begin(key: Self::Key) -> Self;

    /// The row's key.
    fn key(&self) -> &Self::Key;
}

/// A read model's event handlers as a whole; written by `#[derive(ReadModel)]`, which finds them in the
/// `#[event_handler]` block.
pub trait ReadModelHandlers {
    /// The stored names and present versions of the events that are handled, in the order of the handlers.
    fn events() -> impl Iterator<Item = EventSchema>;

    /// Whether an event of that stored name is handled.
    fn handles(event_type: &str) -> bool {
        Self::events().any(|event| event.name == event_type)
    }

    /// Folds a stored event into the row. Of one that is not handled nothing comes.
    ///
    /// # Errors
    /// [`Corrupt`] where the event cannot be read.
    fn fold(&mut self, stored: &StoredEvent, envelope: &Envelope) -> Result<Row, Box<Corrupt>>;
}
