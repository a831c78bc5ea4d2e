//! Events and the sets that an aggregate's events form.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    command::IntoEvents,
    private::{
        self,
        lock::{SetShape, Shape},
    },
    recorded::Metadata,
    store::{Corrupt, DecodeError, StoredEvent, decode},
};

/// One kind of fact that can happen, with the name and version under which it is stored.
///
/// Written by `#[derive(Event)]`. The stored name is a promise: it must be unique in a store and never change,
/// while the Rust struct may be renamed freely once `#[event(name = "..")]` holds the old name.
///
/// ```
/// use es_core::prelude::*;
///
/// #[derive(Event, Serialize, Deserialize)]
/// struct MoneyDeposited { amount: i64 }
///
/// assert_eq!(MoneyDeposited::NAME, "MoneyDeposited");
/// assert_eq!(MoneyDeposited::VERSION, 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an `Event`",
    note = "add `#[derive(Event, Serialize, Deserialize)]` to `{Self}`, a struct with named fields"
)]
pub trait Event: DeserializeOwned + Send + Sync + 'static {
    /// The name under which events of this kind are stored.
    const NAME: &'static str;
    /// The version of the stored form, from 1.
    const VERSION: u32;
    /// The oldest version of the stored form that can still be read.
    const OLDEST: u32 = Self::VERSION;

    /// The stored form, for the lock; `None` where the event is written by hand.
    #[doc(hidden)]
    const SHAPE: Option<&'static Shape> = None;

    /// The event from the stored form of any version from [`OLDEST`](Self::OLDEST) to [`VERSION`](Self::VERSION).
    ///
    /// # Errors
    /// [`DecodeError`] where the version is another, the payload does not fit, or an upcast failed.
    fn decode(version: u32, payload: &[u8]) -> Result<Self, DecodeError> {
        if version == Self::VERSION { decode::json(payload) } else { Err(DecodeError::other_version::<Self>(version)) }
    }
}

/// The stored name and present version of one event of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventSchema {
    /// The stored name.
    pub name: &'static str,
    /// The present version.
    pub version: u32,
}

impl EventSchema {
    /// A schema by its stored name and version.
    pub const fn new(name: &'static str, version: u32) -> Self {
        Self { name, version }
    }

    /// The schema of an event type.
    pub const fn of<E: Event>() -> Self {
        Self { name: E::NAME, version: E::VERSION }
    }

    /// Whether it has this stored name, for constant assertions.
    pub(crate) const fn has_name(&self, name: &str) -> bool {
        private::versions::same_name(self.name, name)
    }
}

/// All events that one aggregate can have: an enum with one variant per event.
///
/// Written by `#[derive(EventSet)]`, which also writes [`From`] and [`IntoEvents`] for each event and the dispatch to
/// the handlers.
///
/// ```
/// use es_core::prelude::*;
///
/// #[derive(Event, Serialize, Deserialize)]
/// struct LampLit {}
///
/// #[derive(Event, Serialize, Deserialize)]
/// struct LampPutOut { by: String }
///
/// #[derive(EventSet)]
/// enum LampEvent { Lit(LampLit), PutOut(LampPutOut) }
///
/// assert_eq!(LampEvent::SCHEMAS.len(), 2);
/// assert_eq!(LampEvent::from(LampLit {}).schema().name, "LampLit");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of events",
    label = "not an `EventSet`",
    note = "add `#[derive(EventSet)]` to an enum with one variant per event, such as `enum {Self} {{ Opened(AccountOpened) }}`"
)]
pub trait EventSet: IntoEvents<Self> + Send + Sync + Sized + 'static {
    /// Each event's stored name and present version, in the order of the variants.
    const SCHEMAS: &'static [EventSchema];
    /// The stored names of events whose structs were removed on purpose: `#[event_set(retired("AccountRenamed"))]`.
    ///
    /// Such events stay stored and can be read in their stored form; typed readers pass over them.
    const RETIRED: &'static [&'static str] = &[];
    /// The set, for the lock; `None` where it is written by hand.
    #[doc(hidden)]
    const SHAPE: Option<&'static SetShape> = None;

    /// The stored name and version of this event.
    fn schema(&self) -> EventSchema;

    /// Hands the event inside to `encoder`. Stores call it through [`NewEvent::encode`](crate::store::NewEvent::encode).
    ///
    /// # Errors
    /// What the encoder returns.
    fn encode_with<C: EventEncoder>(&self, encoder: C) -> Result<C::Output, C::Error>;

    /// The typed event from its stored form: the one way back from storage, on every path.
    ///
    /// `None` is an event that is [`RETIRED`](Self::RETIRED): it happened and counts as a version of its stream, and
    /// there is no type left to say what it was. It is no error, because whoever retired it said that nothing depends on
    /// it; and no value of the set, because no handler should have to know of it.
    ///
    /// # Errors
    /// [`DecodeError`] where the name or version is unknown, or where the payload does not fit; never a panic.
    fn decode(name: &str, version: u32, payload: &[u8]) -> Result<Option<Self>, DecodeError>;
}

/// What turns the event inside a set into bytes; the visitor of [`EventSet::encode_with`].
pub trait EventEncoder {
    /// What comes out.
    type Output;
    /// Why it may fail.
    type Error;

    /// Encodes one event.
    ///
    /// # Errors
    /// When the event has a value that cannot be stored.
    fn encode<E: Event + Serialize>(self, event: &E) -> Result<Self::Output, Self::Error>;
}

/// The way from a set's events to the handlers of `H`; written by `#[derive(EventSet)]` for every `H` that has a
/// handler for each event, and required from the block of handlers.
#[diagnostic::on_unimplemented(
    message = "`{H}` does not handle every event of `{Self}`",
    label = "some event of this set has no handler",
    note = "add the missing handlers to the `#[event_handler]` block of `{H}`"
)]
pub trait Dispatch<H> {
    /// Hands the event over to its handler.
    fn dispatch(self, handler: &mut H, metadata: &Metadata);

    /// Shows the event to its handler.
    fn dispatch_ref(&self, handler: &mut H, metadata: &Metadata);
}

/// Marks the events of a set; written by `#[derive(EventSet)]`, asked for by each handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event of `{Set}`",
    label = "not an event of `{Set}`",
    note = "every function in an `#[event_handler]` block handles one event: a struct with `#[derive(Event, Serialize, Deserialize)]`, for which an aggregate's set has a variant; move a helper into a plain `impl` block"
)]
pub trait EventOf<Set>: Sized {
    /// Its name and version, where it is read by itself and not through its set.
    #[doc(hidden)]
    const SCHEMA: Option<EventSchema> = None;

    /// The event, where it is read by itself and not through its set.
    #[doc(hidden)]
    fn decode_alone(_: &StoredEvent) -> Option<Result<Self, Box<Corrupt>>> {
        None
    }
}

/// What stands in the place of a set for read models and projections: they may handle the events of any aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnyAggregate {}
