//! Projections: what is made of events for those who read.
//!
//! A [`ReadModel`] folds events into rows, and knows no database. A [`Projection`] does with each event whatever its
//! `async` handlers do, in a context that the caller brings, such as a transaction. Both take events of any aggregate;
//! with `covers(Set)` a block of handlers promises to handle or to ignore each event of a set, and an event that is added
//! to the set later cannot be forgotten.
//!
//! [`Rows`] keeps a read model in memory, and [`catch_up`] drives a projection; both decode events as every other reader
//! does, in whatever version they are stored.

pub mod arguments;
pub mod column;
mod condition;
mod error;
pub mod inline;
mod kept;
mod live;
mod missing;
pub mod ownership;
pub mod prepare;
pub mod reactor;
mod read_model;
pub mod row;
mod rows;
pub mod schema;
pub mod store;
mod table;
mod transience;

use std::future::Future;

use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;

pub use self::{
    arguments::{Argument, IntoArgument, IntoArguments},
    column::{Column, ColumnSchema, ColumnType, TableSchema},
    condition::where_clause,
    error::{HandlerError, ProjectionError},
    inline::{InlineError, InlineReadModel, RowChanges},
    kept::{KeptColumn, KeptProjection, KeptVersion},
    live::{LiveRows, LiveRowsError},
    missing::{Dialect, Missing},
    ownership::{Activity, Advance, Claim, DeadLetter, EngineId, EngineInfo, Failure, Roster, ShardState},
    prepare::{ColumnDifference, PrepareError},
    reactor::{Delivery, Reactor, ReactorHandlers},
    read_model::{ReadModel, ReadModelHandlers},
    rows::Rows,
    schema::{FailurePolicy, ProjectionId, ProjectionKind, ProjectionSchema, ShardId, Start},
    store::{Lag, ProjectionStore, Transience},
    table::Table,
};
use crate::{
    event::{AnyAggregate, EventSchema},
    private::{HandlersIn, OneEventHandlerBlock},
    recorded::{Envelope, Position},
    store::{EventStore, ReadAll, StoredEvent},
};

/// Something that is done for each event, by `async` handlers; written by `#[derive(Projection)]`.
///
/// All handlers take the same context, and write its type the same way, such as `&mut Ledger<'_>`; one may leave it out.
///
/// ```
/// use es_core::{prelude::*, projection::catch_up};
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
/// #     fn light(_: &Light) -> Result<LampLit, std::convert::Infallible> { Ok(LampLit {}) }
/// # }
///
/// #[derive(Projection)]
/// #[projection(name = "lamplighter")]
/// struct Lamplighter;
///
/// #[event_handler(covers(LampEvent))]
/// impl Lamplighter {
///     async fn lit(&self, _: &LampLit, envelope: &Envelope, log: &mut Vec<String>) {
///         log.push(format!("{} is lit", envelope.stream));
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// store.repository::<Lamp>().execute(&LampId("hall".into()), Light).await?;
///
/// let (mut log, mut position) = (Vec::new(), Position::START);
/// catch_up(&store, &Lamplighter, &mut log, &mut position).await?;
/// assert_eq!(log, ["lamp/hall is lit"]);
/// assert_eq!(position.get(), 1);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a projection",
    label = "not a `Projection`",
    note = "add `#[derive(Projection)]` and `#[projection(name = \"..\")]` to `{Self}`"
)]
pub trait Projection: Send + Sync + 'static {
    /// The stored name, unique in a store.
    const NAME: &'static str;
    /// The version of what the handlers make of events, from 1. With a new one the projection begins anew.
    const VERSION: u32;
    /// Into how many shards the events are divided by their key, each with a checkpoint of its own.
    const SHARDS: u32;
    /// What becomes of an event that cannot be handled.
    const POLICY: FailurePolicy;

    /// The key of a stored event: its stream, or what `#[key(..)]` says above its handler. Events with one key are handled
    /// in their order, and wait for one another where one is parked.
    ///
    /// # Errors
    /// [`ProjectionError`] where the event cannot be read.
    fn key(stored: &StoredEvent) -> Result<String, ProjectionError>;
}

/// The handlers of a projection in the context `C`: what an engine needs of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run in the context `{C}`",
    label = "not a projection with handlers in `{C}`",
    note = "a projection has `#[derive(Projection)]`, and an `#[event_handler]` block of `async` functions that take `context: &mut {C}`"
)]
pub trait ProjectionHandlers<C>: Projection {
    /// The stored names and present versions of the events that are handled, in the order of the handlers.
    const EVENTS: &'static [EventSchema];

    /// Hands a stored event to its handler; one without a handler is passed over.
    ///
    /// # Errors
    /// [`ProjectionError`]
    fn handle_stored<'a>(
        &'a self,
        stored: &'a StoredEvent,
        context: &'a mut C,
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send + 'a;
}

#[diagnostic::do_not_recommend]
impl<P, C> ProjectionHandlers<C> for P
where
    P: Projection + OneEventHandlerBlock<AnyAggregate, Envelope, Handlers: HandlersIn<P, C>>,
{
    const EVENTS: &'static [EventSchema] = <P as OneEventHandlerBlock<AnyAggregate, Envelope>>::EVENTS;

    fn handle_stored<'a>(
        &'a self,
        stored: &'a StoredEvent,
        context: &'a mut C,
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send + 'a {
        P::Handlers::handle_stored(self, stored, 1, context)
    }
}

/// Hands all events behind `position`, up to the frontier, to the projection's handlers, one after another in the order
/// of all events. `position` moves behind each event, handled or not, so that another call goes on from there, also
/// after a failure, or when this one is dropped. Keep it where the effects are, so that each event has its effect once.
///
/// # Errors
/// [`ProjectionError`], which names the event that was not handled; `position` stands before it.
// Boxed, because the compiler repeats what a context lacks for each expression whose type names the projection.
pub fn catch_up<'a, P, C, S>(
    store: &'a S,
    projection: &'a P,
    context: &'a mut C,
    position: &'a mut Position,
) -> BoxFuture<'a, Result<(), ProjectionError>>
where
    P: ProjectionHandlers<C>,
    C: Send,
    S: EventStore,
{
    Box::pin(async move {
        let mut events = std::pin::pin!(store.read_all(ReadAll::after(*position)));
        while let Some(stored) = events.next().await {
            let stored = stored?;
            projection.handle_stored(&stored, context).await?;
            *position = stored.position;
        }
        Ok(())
    })
}
