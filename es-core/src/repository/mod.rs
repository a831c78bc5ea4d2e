//! The repository: commands in, events out, and states of any time.
//!
//! `execute` and `execute_all` say what is asked, `asked` is the way of a command, `load` that of a state; all build states
//! up in `rehydrate`. `cache` remembers states, `retry` says what is tried again, `record` makes what is stored.

mod asked;
mod cache;
mod decided;
mod error;
mod execute;
mod execute_all;
mod executed;
mod history;
mod list;
mod load;
mod record;
mod rehydrate;
mod retry;
mod setters;
mod verify;

use std::{fmt, marker::PhantomData};

use self::{cache::StateCache, rehydrate::Hydrated};
pub use self::{
    decided::Decided,
    error::ExecuteError,
    execute::Execute,
    execute_all::ExecuteAll,
    executed::Executed,
    history::History,
    list::{List, ListError, Listed},
    load::{LoadAggregate, LoadError, Loaded},
    retry::RetryPolicy,
    verify::{SnapshotCheck, Unusable},
};
use crate::{
    aggregate::Aggregate,
    command::Command,
    recorded::StreamId,
    store::{EventStore, ListStreams, StoreError},
};

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
    retry: RetryPolicy,
    cache: Option<StateCache<A>>,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// The aggregates of kind `A` in `store`.
    pub fn new(store: S) -> Self {
        Self { store, retry: RetryPolicy::new(), cache: None, aggregate: PhantomData }
    }

    /// Sets how often a command is decided, at least once, before a conflict is given back; 16 unless set.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.retry = self.retry.attempts(attempts);
        self
    }

    /// Sets what is tried again, how often, and after which pause.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Remembers up to `states` recent states, so that a command to one of them needs no load: one trip to the store
    /// rather than two. This repository's clones share them; every other repository has its own, or none.
    ///
    /// A remembered state may be old, because other processes write too. So it only ever saves a trip:
    ///
    /// - What is decided upon it is stored at its version. If another writer came first, that is a conflict, as always; the
    ///   state is then loaded, and the command decided again, which does not count as an attempt.
    /// - A refusal, and that there is nothing to do, are told only after a load.
    /// - [`load`](Self::load) always asks the store.
    ///
    /// The bound counts states, not bytes. Those that have not been asked for lately make room. A state that turns out old
    /// again and again, because others write to the same aggregate all the time, is left aside by all commands but one in 16.
    ///
    /// ```
    /// # use es_core::prelude::*;
    /// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
    /// # struct LampId(String);
    /// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
    /// # struct LampLit {}
    /// # #[derive(EventSet, Debug)]
    /// # enum LampEvent { Lit(LampLit) }
    /// # #[derive(Aggregate, Default, Clone, Debug)]
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
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let lamps = MemoryStore::new().repository::<Lamp>().cached(10_000);
    /// let id = LampId("hall".into());
    /// lamps.execute(&id, Light).await?;           // loads, and remembers what came of it
    /// lamps.execute(&id, Light).await?;           // only stores
    /// assert_eq!(lamps.cached_states(), 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn cached(mut self, states: usize) -> Self
    where
        A: Clone,
    {
        self.cache = StateCache::new(states);
        self
    }

    /// How many states are remembered now; never more than the bound given to [`cached`](Self::cached).
    pub fn cached_states(&self) -> usize {
        self.cache.as_ref().map_or(0, StateCache::len)
    }

    /// Gives the state of what was loaded, and remembers a copy where states are remembered.
    fn remember_and_give(&self, stream: &StreamId, hydrated: Hydrated<A>) -> A {
        let Some(cache) = &self.cache else { return hydrated.state };
        let state = cache.copier()(&hydrated.state);
        cache.put(stream, hydrated);
        state
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

    /// Asks many aggregates, each to do something: `commands` are ids with commands of one type. The results come in the
    /// order of the commands.
    ///
    /// Commands to one aggregate are executed one after the other, in their order; those to different ones together, so
    /// that a store can serve several with one statement. No result depends on another: what fails stops nothing.
    ///
    /// ```
    /// # use es_core::prelude::*;
    /// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
    /// # struct LampId(u32);
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
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let lamps = MemoryStore::new().repository::<Lamp>();
    /// let evening = (1..=100).map(|number| (LampId(number), Light));
    /// let results = lamps.execute_all(evening).actor("the porter").concurrency(32).await;
    /// assert!(results.iter().all(Result::is_ok));
    /// # Ok(()) }
    /// ```
    ///
    /// Nothing happens until the returned value is awaited, or its [`stream`](ExecuteAll::stream) polled.
    pub fn execute_all<'a, I, C>(&'a self, commands: I) -> ExecuteAll<'a, A, S, I::IntoIter, C, C::Error>
    where
        I: IntoIterator<Item = (A::Id, C)>,
        I::IntoIter: Send + 'a,
        C: Command<A> + 'a,
        C::Error: Send,
    {
        ExecuteAll::new(self, commands.into_iter())
    }

    /// The present state, or that of an earlier time through [`at_version`](LoadAggregate::at_version),
    /// [`at_time`](LoadAggregate::at_time) and [`at_position`](LoadAggregate::at_position). It always asks the store, and
    /// never gives a state that is only [remembered](Self::cached).
    ///
    /// Nothing happens until the returned value is awaited.
    pub fn load<'a>(&'a self, id: &'a A::Id) -> LoadAggregate<'a, A, S> {
        LoadAggregate::new(self, id)
    }

    /// All that happened to an aggregate, oldest first or [backwards](History::backwards), read page by page; nothing when it
    /// does not exist.
    pub fn history(&self, id: &A::Id) -> History<A> {
        History::new(&self.store, Self::stream(id))
    }

    /// Holds the snapshot that is kept of an aggregate against a replay of all its events up to that version, and changes
    /// nothing. The two states are compared as JSON, as snapshots are written.
    ///
    /// A difference means that an event handler was changed while snapshots of the former one still fit, because the fields
    /// are the same. A state with a hash set, or anything else that is written in no fixed order, may differ without that.
    ///
    /// ```
    /// # use es_core::prelude::*;
    /// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
    /// # struct LampId(String);
    /// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
    /// # struct LampLit {}
    /// # #[derive(EventSet, Debug)]
    /// # enum LampEvent { Lit(LampLit) }
    /// # #[derive(Aggregate, Serialize, Deserialize, Default, Debug)]
    /// # #[aggregate(name = "lamp", id = LampId, event = LampEvent, snapshot(every = 1))]
    /// # struct Lamp { lit: u32 }
    /// # #[event_handler]
    /// # impl Lamp { fn lit(&mut self, _: &LampLit) { self.lit += 1; } }
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
    /// use es_core::repository::SnapshotCheck;
    ///
    /// match lamps.verify_snapshot(&id).await? {
    ///     SnapshotCheck::Different { version, paths } => panic!("at version {version} they differ in {paths:?}"),
    ///     harmless => assert!(harmless.is_harmless()),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] where the store could not answer, or an event cannot be read.
    pub async fn verify_snapshot(&self, id: &A::Id) -> Result<SnapshotCheck, StoreError> {
        verify::snapshot(self, id).await
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
        Self { store: self.store.clone(), retry: self.retry, cache: self.cache.clone(), aggregate: PhantomData }
    }
}

impl<A: Aggregate, S> fmt::Debug for Repository<A, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Repository")
            .field("aggregate", &A::NAME)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
