//! The runners of the model: the engine's own `Runner`, its `Feed` and all that it calls, with the store of `script.rs`.
//!
//! What a runner does follows from what it was answered. So each is asked once for each row of answers, and what it did is
//! remembered in a tree; a state of the model names a place in there.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::{runtime::Runtime, sync::watch};
use uuid::Uuid;

use super::{
    log::{Logs, PROJECTION},
    script::{Answer, Call, Handling, Script, history_id, small},
};
use crate::{
    engine::{
        feed::Feed,
        runner::{Ended, Order, Runner, Shared},
        sql::Handled,
        work::{Batched, Work},
    },
    event::{AnyAggregate, EventSchema},
    private::{Dispatcher, Fold, HandlersIn, OneEventHandlerBlock, ReadsNothing, no_dispatcher},
    projection::{
        Claim, EngineId, EngineInfo, FailurePolicy, Projection, ProjectionError, ProjectionKind, ProjectionSchema,
        ShardId,
    },
    recorded::{Envelope, Position},
    repository::RetryPolicy,
    store::StoredEvent,
};

/// How often a step is made again that may end in several ways, to see them all.
const TRIES: u32 = 20;
const EVENTS: &[EventSchema] = &[EventSchema::new("happened", 1)];

/// How a runner begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Start {
    pub(super) engine: u8,
    pub(super) shard: u8,
    pub(super) position: u8,
    pub(super) redrive: Option<u8>,
    pub(super) history: u8,
    /// What the feed has on its shelf.
    pub(super) shelf: Vec<(u8, u8)>,
}

/// What happens to a runner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Input {
    /// It is answered, and from here on reads from this history.
    Answer(Answer, u8),
    ToldToEnd,
    ToldToRedrive(u8),
}

/// Where a runner is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    Calls(Call),
    /// It has ended because its claim is void.
    Void,
    /// It has ended, and its claim holds.
    Ended,
    /// It has ended because of an error that is none of ours.
    GaveUp,
}

/// A place in the tree.
pub(super) type Place = usize;

#[derive(Debug)]
struct Node {
    /// From where, and by what; `None` where a runner begins.
    way: Option<(Place, Input)>,
    start: Start,
    at: At,
    /// How far it has told others that it has come.
    reached: Option<u8>,
    shelf: Vec<(u8, u8)>,
    told_to_end: bool,
    next: HashMap<Input, Vec<Place>>,
}

/// All runners.
pub(super) struct Runners {
    logs: Arc<Logs>,
    schema: ProjectionSchema,
    runtime: Runtime,
    nodes: Vec<Node>,
    starts: HashMap<Start, Place>,
    /// Runners that stand at a place, so that they need not walk there again.
    standing: HashMap<Place, Live>,
}

impl Runners {
    pub(super) fn new(logs: Arc<Logs>, policy: FailurePolicy) -> Self {
        let mut schema = ProjectionSchema::new(PROJECTION, ProjectionKind::Projection, EVENTS);
        (schema.shards, schema.policy) = (logs.shards(), policy);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        Self { logs, schema, runtime, nodes: Vec::new(), starts: HashMap::new(), standing: HashMap::new() }
    }

    /// A runner begins.
    pub(super) fn start(&mut self, start: Start) -> Place {
        if let Some(place) = self.starts.get(&start) {
            return *place;
        }
        let live = self.begin(&start);
        let place = self.keep(None, start.clone(), false, live);
        self.starts.insert(start, place);
        place
    }

    /// Where a runner comes to: mostly one place, but where an order and a failure meet it may go both ways.
    pub(super) fn next(&mut self, place: Place, input: &Input) -> Vec<Place> {
        if let Some(known) = self.nodes[place].next.get(input) {
            return known.clone();
        }
        let told_to_end = self.nodes[place].told_to_end || *input == Input::ToldToEnd;
        let mut places: Vec<Place> = Vec::new();
        for _ in 0..if told_to_end { TRIES } else { 1 } {
            let mut live = self.standing.remove(&place).unwrap_or_else(|| self.walk_to(place));
            live.take(input, &self.runtime);
            if places.iter().all(|known| self.nodes[*known].at != live.at) {
                let start = self.nodes[place].start.clone();
                places.push(self.keep(Some((place, input.clone())), start, told_to_end, live));
            }
        }
        self.nodes[place].next.insert(input.clone(), places.clone());
        places
    }

    pub(super) fn at(&self, place: Place) -> &At {
        &self.nodes[place].at
    }

    pub(super) fn reached(&self, place: Place) -> Option<u8> {
        self.nodes[place].reached
    }

    pub(super) fn shelf(&self, place: Place) -> &[(u8, u8)] {
        &self.nodes[place].shelf
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.nodes.len()
    }

    fn keep(&mut self, way: Option<(Place, Input)>, start: Start, told_to_end: bool, live: Live) -> Place {
        let place = self.nodes.len();
        let (at, reached, next) = (live.at.clone(), live.reached(), HashMap::new());
        self.nodes.push(Node { way, start, at, reached, shelf: live.script.shelf(), told_to_end, next });
        self.standing.insert(place, live);
        place
    }

    /// A runner that has come to a place.
    fn walk_to(&self, place: Place) -> Live {
        let mut way = Vec::new();
        let mut from = place;
        while let Some((before, input)) = &self.nodes[from].way {
            way.push((input, &self.nodes[from].at));
            from = *before;
        }
        for _ in 0..1_000 {
            let mut live = self.begin(&self.nodes[place].start);
            let arrives = way.iter().rev().all(|(input, at)| {
                live.take(input, &self.runtime);
                live.at == **at
            });
            if arrives {
                return live;
            }
        }
        panic!("a runner that is answered the same does not do the same")
    }

    fn begin(&self, start: &Start) -> Live {
        let script = Script::new(Arc::clone(&self.logs), start.history);
        let feed = Feed::new(script.clone(), Some(1), vec!["happened"]);
        for (after, history) in &start.shelf {
            script.read_from(*history);
            let read =
                self.runtime.block_on(feed.behind(&self.schema, Position::new((*after).into()), history_id(*history)));
            read.expect("pages are always answered");
        }
        script.read_from(start.history);
        script.ask_for_pages();
        let lease = Duration::from_secs(10);
        let info = EngineInfo::new(engine_id(start.engine), "model".to_owned(), vec![PROJECTION], lease);
        let id = ShardId { projection: PROJECTION, shard: start.shard.into() };
        let claim = Claim::new(id, info.id, 0, Position::new(start.position.into()), lease);
        let mut handled = Handled::new::<Script>(Lists);
        *Batched::<Script>::schema_mut(&mut handled) = self.schema;
        let retry = RetryPolicy::new().attempts(2).without_pause();
        let shared = Arc::new(Shared { store: script.clone(), feed, board: Arc::default(), info, retry });
        let (orders, given) = watch::channel(Order { end: false, redrive: start.redrive.map(u64::from) });
        let runner = Runner::new(Arc::clone(&shared), Work::Batched(Arc::new(handled)), claim, given);
        let mut live =
            Live { future: Box::pin(runner.run_to_frontier()), at: At::Void, shard: id, script, orders, shared };
        live.go_on(&self.runtime);
        live
    }
}

/// A runner that runs.
struct Live {
    future: Pin<Box<dyn Future<Output = (Ended, Claim)>>>,
    at: At,
    shard: ShardId,
    script: Script,
    orders: watch::Sender<Order>,
    shared: Arc<Shared<Script>>,
}

impl Live {
    fn take(&mut self, input: &Input, runtime: &Runtime) {
        match input {
            Input::ToldToEnd => self.orders.send_modify(|order| order.end = true),
            Input::ToldToRedrive(wish) => self.orders.send_modify(|order| order.redrive = Some(u64::from(*wish))),
            Input::Answer(answer, history) => {
                self.script.read_from(*history);
                self.script.answer(answer.clone());
                self.go_on(runtime);
            }
        }
    }

    /// Lets it run until it asks for something, or ends.
    fn go_on(&mut self, runtime: &Runtime) {
        self.at = runtime.block_on(async {
            for _ in 0..1_000 {
                let polled = poll_fn(|context| Poll::Ready(self.future.as_mut().poll(context))).await;
                if let Poll::Ready((ended, _)) = polled {
                    return match ended {
                        Ended::Void => At::Void,
                        Ended::Asked | Ended::AtFrontier | Ended::Stopped(_) => At::Ended,
                        Ended::Store(_) => At::GaveUp,
                    };
                }
                if let Some(call) = self.script.call() {
                    return At::Calls(call);
                }
                // What the feed reads is read on a task.
                tokio::task::yield_now().await;
            }
            panic!("the runner waits for nothing that is known here")
        });
    }

    fn reached(&self) -> Option<u8> {
        self.shared.board.reached_by(self.shard).map(|position| small(position.get()))
    }
}

pub(super) fn engine_id(engine: u8) -> EngineId {
    EngineId::from_uuid(Uuid::from_u128(engine.into()))
}

/// A projection that keeps a list for each key.
struct Lists;

impl Projection for Lists {
    const NAME: &'static str = PROJECTION.name;
    const VERSION: u32 = PROJECTION.version;
    const SHARDS: u32 = 1;
    const POLICY: FailurePolicy = FailurePolicy::Stop;

    fn key(stored: &StoredEvent) -> Result<String, ProjectionError> {
        Ok(stored.stream.id().to_owned())
    }
}

impl OneEventHandlerBlock<AnyAggregate, Envelope> for Lists {
    const DISPATCHER: Dispatcher<AnyAggregate, Self> = no_dispatcher();
    const EVENTS: &'static [EventSchema] = EVENTS;
    const HANDLERS: &'static [Fold<Self, Envelope>] = &[];
    type Handlers = Self;
    type Keys = ();
    type Reads = ReadsNothing;
}

impl HandlersIn<Self, Handling<'_>> for Lists {
    async fn handle_stored(
        _: &Self,
        stored: &StoredEvent,
        _: u32,
        context: &mut Handling<'_>,
    ) -> Result<(), ProjectionError> {
        context.handle(stored).await.map_err(|error| ProjectionError::handler(stored, error))
    }
}
