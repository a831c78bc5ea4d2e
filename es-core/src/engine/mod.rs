//! The engine: it keeps read models, projections and reactors up to date with the events.
//!
//! A [`ProjectionEngine`] is told what to run. Started, it is a [`RunningEngine`]: it takes in events batch by batch up to
//! the frontier, each batch in one transaction with the move of its checkpoint, and then waits for more. Several
//! processes may run the same projections: each shard has one owner at a time. [`Controls`] are for people: status,
//! waiting, pausing, failures.

mod aside;
mod assignment;
mod attempt;
mod board;
mod choice;
mod claiming;
mod controls;
mod deliver;
mod error;
mod feed;
mod frontier;
mod health;
mod inline;
pub mod metrics;
#[cfg(test)]
mod model;
mod reactor;
mod read_model;
mod runner;
mod running;
mod slots;
mod sql;
mod status;
mod supervisor;
mod tail;
mod take;
mod wait;
mod work;

use std::{fmt, sync::Arc, time::Duration};

pub use self::{
    controls::Controls,
    error::{ControlError, EngineError, WaitError},
    health::Health,
    running::RunningEngine,
    status::{EngineStatus, Failing, ProjectionStatus, ShardStatus},
    wait::WaitFor,
};
use self::{
    feed::Feed,
    reactor::Reacting,
    read_model::Folded,
    runner::Shared,
    sql::Handled,
    work::{Batched, Delivered, Work},
};
use crate::{
    projection::{
        Activity, EngineId, EngineInfo, FailurePolicy, InlineReadModel, PrepareError, Projection, ProjectionHandlers,
        ProjectionKind, ProjectionSchema, ProjectionStore, ReactorHandlers, ReadModel, ShardState, Start,
    },
    repository::RetryPolicy,
};

/// For how long a claim holds without being renewed.
const LEASE: Duration = Duration::from_secs(10);
/// How often an engine says that it is alive, at the least.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is to be run, and how.
///
/// ```
/// use es_core::{engine::ProjectionEngine, prelude::*};
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
/// # #[derive(ReadModel, Debug)]
/// # #[read_model(table = "lamps")]
/// # struct LampSummary { #[read_model(key)] id: LampId, times_lit: u64 }
/// # #[event_handler]
/// # impl LampSummary { fn lit(&mut self, _: &LampLit) { self.times_lit += 1; } }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let engine = ProjectionEngine::new(&store).read_model::<LampSummary>().start().await?;
///
/// let id = LampId("hall".into());
/// let done = store.repository::<Lamp>().execute(&id, Light).await?;
/// engine.wait_for(done.position).await?;
/// let lamp = store.read_model::<LampSummary>().get(&id).await?;
/// assert_eq!(lamp.map(|lamp| lamp.times_lit), Some(1));
///
/// engine.shutdown().await;
/// # Ok(()) }
/// ```
#[must_use = "nothing runs until it is started"]
pub struct ProjectionEngine<S> {
    store: S,
    entries: Vec<Entry<S>>,
    label: String,
    lease: Duration,
    batch: Option<usize>,
    retry: RetryPolicy,
    /// What was set before anything was registered for which it could be.
    set_for_nothing: Option<&'static str>,
}

/// What is registered, while its schema can still be changed.
enum Entry<S> {
    Batched(Box<dyn Batched<S>>),
    Delivered(Box<dyn Delivered>),
}

impl<S: ProjectionStore> Entry<S> {
    fn inline(&self) -> Option<Arc<dyn InlineReadModel>> {
        match self {
            Self::Batched(work) => work.inline(),
            Self::Delivered(_) => None,
        }
    }

    fn schema_mut(&mut self) -> &mut ProjectionSchema {
        match self {
            Self::Batched(work) => work.schema_mut(),
            Self::Delivered(work) => work.schema_mut(),
        }
    }
}

impl<S: ProjectionStore> ProjectionEngine<S> {
    /// An engine on this store, with nothing to run yet.
    pub fn new(store: &S) -> Self {
        let label = format!("process {}", std::process::id());
        // Passing failures are tried again for about a minute.
        let retry = RetryPolicy::new().attempts(16).pause(Duration::from_millis(20)..Duration::from_secs(10));
        Self {
            store: store.clone(),
            entries: Vec::new(),
            label,
            lease: LEASE,
            batch: None,
            retry,
            set_for_nothing: None,
        }
    }

    /// Runs a read model.
    pub fn read_model<R: ReadModel>(mut self) -> Self {
        self.entries.push(Entry::Batched(Box::new(Folded::<R>::new())));
        self
    }

    /// Runs a read model whose rows are never behind: once it has come to the end of all events, they change in the
    /// transaction of each append, and whoever has the answer of an append reads its rows at once.
    ///
    /// This costs each append of an event that it handles a transaction of several round trips, so it is for the few read
    /// models that may never lag; appends of other events go on as before. Appends that concern the same row wait for each
    /// other, and an event that it cannot take in is not stored:
    /// [`InlineError::Failed`].
    ///
    /// From then on the store refuses such events from a program that does not do the same
    /// ([`InlineError::NotHere`]): a program [prepares](Self::prepare) it before it appends, whether it runs an engine
    /// or not. [`Controls::pause`] ends it for all programs, and so does a program that registers it with
    /// [`read_model`](Self::read_model), where no engine runs that keeps it so. While a new version is built rows lag, as those of any other
    /// read model do.
    ///
    /// [`InlineError::Failed`]: crate::projection::InlineError::Failed
    /// [`InlineError::NotHere`]: crate::projection::InlineError::NotHere
    pub fn inline_read_model<R: ReadModel>(mut self) -> Self {
        self.entries.push(Entry::Batched(Box::new(Folded::<R>::inline())));
        self
    }

    /// Runs a projection, whose handlers take the context of this store.
    pub fn projection<P>(mut self, projection: P) -> Self
    where
        P: Projection + for<'t> ProjectionHandlers<S::Context<'t>>,
    {
        self.entries.push(Entry::Batched(Box::new(Handled::new::<S>(projection))));
        self
    }

    /// Runs a reactor.
    pub fn reactor<R: ReactorHandlers>(mut self, reactor: R) -> Self {
        self.entries.push(Entry::Delivered(Box::new(Reacting::new(reactor))));
        self
    }

    /// Where that begins which was registered last, if the store does not know it yet: with the first event, unless said.
    /// A reactor that is added to a store full of events most often begins [now](Start::Now).
    pub fn starting(self, start: Start) -> Self {
        self.set("starting", |schema| schema.start = start)
    }

    /// What becomes of an event that cannot be projected by what was registered last, instead of what its derive says.
    pub fn policy(self, policy: FailurePolicy) -> Self {
        self.set("policy", |schema| schema.policy = policy)
    }

    /// Into how many shards that is divided which was registered last, at least one, instead of what its derive says.
    /// None are [refused](PrepareError::NoShards) when it is prepared.
    pub fn shards(self, shards: u32) -> Self {
        self.set("shards", |schema| schema.shards = shards)
    }

    /// Sets something of what was registered last.
    fn set(mut self, what: &'static str, set: impl FnOnce(&mut ProjectionSchema)) -> Self {
        match self.entries.last_mut() {
            Some(last) => set(last.schema_mut()),
            None => self.set_for_nothing = Some(what),
        }
        self
    }

    /// The name under which this process is shown to people, such as its host's; its number unless set.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// For how long this process keeps its shards when it does not answer any more; 10 seconds unless set, at least 100
    /// milliseconds. After that another takes over. It is also how long a single statement of a handler may take.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_millis(100));
        self
    }

    /// How many events are taken in by one transaction, about, where that many are there, at least one; unless set 25,000
    /// for read models and 10,000 for others. More make a rebuild faster, fewer make the transactions shorter. Of large
    /// events it takes fewer, about 16 megabytes of them.
    pub fn batch_size(mut self, events: usize) -> Self {
        self.batch = Some(events.max(1));
        self
    }

    /// How often something is tried that fails in passing, such as a batch after a deadlock or a delivery of a reactor, and
    /// how long the pauses are: 16 times, with pauses of up to 20 ms at first and 10 s at last, unless set. A store that
    /// cannot be reached is waited for without a limit.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Makes the tables for what is registered, and checks those that are there; [`start`](Self::start) does it, too. Called
    /// by itself when deploying, as the role that owns the tables, where the program runs with fewer rights.
    ///
    /// # Errors
    /// [`PrepareError`]
    pub async fn prepare(&self) -> Result<(), PrepareError> {
        let schemas: Vec<_> = self.schemas().collect();
        if let Some(what) = self.set_for_nothing {
            return Err(PrepareError::NothingToSet { what });
        }
        for (index, schema) in schemas.iter().enumerate() {
            if schema.shards == 0 {
                return Err(PrepareError::NoShards { projection: schema.id });
            }
            if schemas.iter().take(index).any(|earlier| earlier.id.name == schema.id.name) {
                return Err(PrepareError::NameTwice { name: schema.id.name });
            }
        }
        let inline: Vec<_> = self.entries.iter().filter_map(Entry::inline).collect();
        if let Some(divided) = inline.iter().map(|inline| inline.schema()).find(|schema| schema.shards > 1) {
            return Err(PrepareError::InlineShards { projection: divided.id, shards: divided.shards });
        }
        self.end_inline(&schemas).await?;
        self.store.prepare(&schemas).await?;
        for read_model in inline {
            self.store.enlist(read_model).await?;
        }
        Ok(())
    }

    /// Has read models change with no further append that did and are not to any more, unless others run that keep them so.
    async fn end_inline(&self, schemas: &[ProjectionSchema]) -> Result<(), PrepareError> {
        let is_plain =
            |schema: &&ProjectionSchema| matches!(schema.kind, ProjectionKind::ReadModel(_)) && !schema.inline;
        let plain: Vec<_> = schemas.iter().filter(is_plain).map(|schema| schema.id).collect();
        if plain.is_empty() {
            return Ok(());
        }
        let roster = self.store.roster(&plain).await?;
        let is_inline = |state: &&ShardState| state.activity == Activity::Inline;
        for projection in roster.shards.iter().filter(is_inline).map(|state| state.shard.projection) {
            if !plain.contains(&projection) {
                continue;
            }
            if roster.engines.iter().any(|(_, runs)| runs.contains(&projection)) {
                return Err(PrepareError::StillInline { projection });
            }
            tracing::info!(%projection, "its rows change with the appends no more");
            self.store.end_inline(projection).await?;
        }
        Ok(())
    }

    /// Makes ready what is registered, and runs it, until the engine is [shut down](RunningEngine::shutdown) or dropped.
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`PrepareError`]
    pub async fn start(self) -> Result<RunningEngine<S>, PrepareError> {
        self.prepare().await?;
        let interval = INTERVAL.min(self.lease / 3);
        let (shared, works) = self.into_parts();
        Ok(RunningEngine::start(shared, works, interval))
    }

    /// Takes in everything that is there, and returns: for tests, which need no sleeps with it, and for jobs. New versions
    /// take over at the end. Must be called within a Tokio runtime.
    ///
    /// Shards are run one after another. Beside engines that run, which keep what they have, it takes what nobody owns, and
    /// waits until the others have come as far as all events were at the beginning; for as long as they come on.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] where a projection stops at an event, [`EngineError::Paused`] where one is paused, and
    /// [`EngineError::Held`] where its owner has not come on for 6 leases; after the others have come to the end.
    pub async fn run_to_frontier(self) -> Result<(), EngineError> {
        self.prepare().await?;
        let (shared, works) = self.into_parts();
        frontier::run(shared, &works).await
    }

    /// A hold on the projections, without running them.
    pub fn controls(&self) -> Controls<S> {
        Controls::new(self.store.clone(), self.schemas().collect(), None)
    }

    fn schemas(&self) -> impl Iterator<Item = ProjectionSchema> {
        self.entries.iter().map(|entry| match entry {
            Entry::Batched(work) => *work.schema(),
            Entry::Delivered(work) => *work.schema(),
        })
    }

    fn into_parts(self) -> (Arc<Shared<S>>, Arc<[Work<S>]>) {
        let mut event_types: Vec<_> =
            self.schemas().flat_map(|schema| schema.events.iter().map(|event| event.name)).collect();
        event_types.sort_unstable();
        event_types.dedup();
        let projections = self.schemas().map(|schema| schema.id).collect();
        let info = EngineInfo::new(EngineId::random(), self.label, projections, self.lease);
        let works = self.entries.into_iter().map(|entry| match entry {
            Entry::Batched(work) => Work::Batched(work.into()),
            Entry::Delivered(work) => Work::Delivered(work.into()),
        });
        let works = works.collect();
        let feed = Feed::new(self.store.clone(), self.batch, event_types);
        let shared = Shared { store: self.store, feed, board: Arc::default(), info, retry: self.retry };
        (Arc::new(shared), works)
    }
}

impl<S> fmt::Debug for ProjectionEngine<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProjectionEngine")
            .field("label", &self.label)
            .field("lease", &self.lease)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
