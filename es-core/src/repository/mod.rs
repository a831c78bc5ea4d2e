//! The repository: commands in, events out, and states of any time.
//!
//! `execute` is the way of a command, `load` that of a state; both build states up in `rehydrate`.

mod execute;
mod history;
mod list;
mod load;
mod rehydrate;

use std::{fmt, marker::PhantomData};

pub use self::{
    execute::{Execute, ExecuteError, Executed},
    history::History,
    list::{List, ListError, Listed},
    load::{LoadAggregate, LoadError, Loaded},
};
use crate::{
    aggregate::Aggregate,
    command::Command,
    recorded::StreamId,
    store::{EventStore, ListStreams},
};

/// How often a command is decided before a conflict is given back to the caller.
const DEFAULT_ATTEMPTS: u32 = 16;

/// The aggregates of one kind in a store. Cloning is cheap.
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
/// # struct Lamp { lit: u32 }
/// # #[event_handler]
/// # impl Lamp { fn lit(&mut self, _: &LampLit) { self.lit += 1; } }
/// # struct Light;
/// # #[command_handler]
/// # impl Lamp {
/// #     #[command(or_default)]
/// #     fn light(&self, _: &Light) -> Result<LampLit, std::convert::Infallible> { Ok(LampLit {}) }
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let lamps = MemoryStore::new().repository::<Lamp>();
/// let id = LampId("hall".into());
/// lamps.execute(&id, Light).await?;
/// lamps.execute(&id, Light).actor("the porter").await?;
///
/// assert_eq!(lamps.load(&id).await?.state.lit, 2);
/// assert_eq!(lamps.load(&id).at_version(1).await?.state.lit, 1);
/// # Ok(()) }
/// ```
pub struct Repository<A, S> {
    store: S,
    attempts: u32,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// The aggregates of kind `A` in `store`.
    pub fn new(store: S) -> Self {
        Self { store, attempts: DEFAULT_ATTEMPTS, aggregate: PhantomData }
    }

    /// Sets how often a command is decided, at least once, before a conflict is given back; 16 unless set.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Asks an aggregate to do something: loads it, lets it decide, and stores the events at the version it decided
    /// at. When another writer comes first, it is loaded and decides again.
    ///
    /// Nothing happens until the returned value is awaited.
    pub fn execute<'a, C>(&'a self, id: &'a A::Id, command: C) -> Execute<'a, A, S, C, C::Error>
    where
        C: Command<A> + 'a,
        C::Error: Send,
    {
        Execute::new(self, id, command)
    }

    /// The present state, or that of an earlier time through [`at_version`](LoadAggregate::at_version) and
    /// [`at_time`](LoadAggregate::at_time).
    ///
    /// Nothing happens until the returned value is awaited.
    pub fn load<'a>(&'a self, id: &'a A::Id) -> LoadAggregate<'a, A, S> {
        LoadAggregate::new(self, id)
    }

    /// All that happened to an aggregate, oldest first, read page by page; nothing when it does not exist.
    pub fn history(&self, id: &A::Id) -> History<A> {
        History::new(&self.store, Self::stream(id))
    }

    /// The aggregates that exist, in the order of their ids' bytes, without the archived ones unless asked for, read page
    /// by page. A stream type in the request is replaced by that of `A`.
    pub fn list(&self, list: ListStreams) -> List<A> {
        List::new(&self.store, list)
    }

    /// The stream of an aggregate.
    pub fn stream(id: &A::Id) -> StreamId {
        StreamId::new(A::NAME, id.to_string())
    }
}

impl<A, S: Clone> Clone for Repository<A, S> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), attempts: self.attempts, aggregate: PhantomData }
    }
}

impl<A: Aggregate, S> fmt::Debug for Repository<A, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Repository")
            .field("aggregate", &A::NAME)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
