//! Gathered loads: what many callers load, read by few statements.
//!
//! As with appends there is no timer. A load that finds hardly anybody else goes at once, alone, as a part of its caller.
//! Others gather for *lanes*, which are tasks: nobody waits for a caller, who may hold its future and not poll it. A load of
//! an earlier time goes by itself, and so does, a second time, one of a stream that is too long to let others wait for it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use es_core::store::{HistoryId, Load, LoadedStream, StoreError, Unavailable, Until};
use sqlx::{Row as _, postgres::PgRow};
use tokio::{runtime::Handle, sync::oneshot};

use crate::{
    connections::{self, Failure},
    error,
    read::{self, Loading},
    room::{Room, noticed},
    row::signed,
    store::Parts,
};

/// How many loads go alone before they gather.
const ALONE: usize = 2;
/// How many statements are under way at a time, and how many loads must wait for a further one.
const LANES: usize = 4;
const CROWD: usize = 16;
/// The most loads in a statement, and the most events of one stream that others wait for.
const LOADS: usize = 128;
const EVENTS: i64 = 256;

type Answer = Result<LoadedStream, StoreError>;

/// What the loads of a store share.
#[derive(Debug, Default)]
pub(crate) struct Loads {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<(Load, oneshot::Sender<Answer>)>,
    /// The lanes that are out. Where loads wait there is one.
    room: Room,
    alone: usize,
    /// Whether more than one went together the last time: then whoever comes is likely to find others.
    company: bool,
}

enum Admitted<'a> {
    Alone(Load, Caller<'a>),
    Waiting(oneshot::Receiver<Answer>),
}

/// A load that goes alone, in its caller's future.
struct Caller<'a> {
    loads: &'a Loads,
}

/// The right of a task to send one statement after the other until nobody waits.
struct Lane {
    parts: Arc<Parts>,
    /// Whether it is out for long.
    long: bool,
    ended: bool,
}

/// What is needed to build up one aggregate.
pub(crate) async fn load(parts: &Arc<Parts>, load: Load) -> Answer {
    load.check()?;
    if load.until != Until::Latest {
        return read::load(parts, &load).await;
    }
    let answer = match admit(parts, load) {
        Admitted::Alone(load, caller) => {
            let loaded = read::load(parts, &load).await;
            drop(caller);
            return loaded;
        }
        Admitted::Waiting(answer) => answer,
    };
    answer.await.unwrap_or_else(|ended| Err(Unavailable::new("the runtime that it works on has ended", ended).into()))
}

/// Lets a load go alone, or wait; whoever waits is sure that a lane is out, or is started now.
fn admit(parts: &Arc<Parts>, load: Load) -> Admitted<'_> {
    let mut state = parts.loads.state();
    // Who waits finds a connection that no caller holds.
    if state.room.lanes == 0 && !state.company && state.alone < ALONE.min(parts.config.max_connections - 1) {
        state.alone += 1;
        return Admitted::Alone(load, Caller { loads: &parts.loads });
    }
    let (reply, answer) = oneshot::channel();
    state.waiting.push_back((load, reply));
    let start = state.start();
    drop(state);
    if start {
        start_lane(Arc::clone(parts));
    }
    Admitted::Waiting(answer)
}

impl Loads {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for State {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), room: Room::new(LANES, CROWD), alone: 0, company: false }
    }
}

impl State {
    fn start(&mut self) -> bool {
        self.room.start(self.waiting.len())
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.loads.state().alone -= 1;
    }
}

/// A task that is lost, most likely with its runtime, tells those who wait, where no other lane is left to serve them.
impl Drop for Lane {
    fn drop(&mut self) {
        if !self.ended {
            let mut state = self.parts.loads.state();
            if state.room.lose(self.long) {
                state.waiting.clear();
            }
        }
    }
}

/// Starts a lane, which is counted already.
fn start_lane(parts: Arc<Parts>) {
    let lane = Lane { parts, long: false, ended: false };
    // Without a runtime the lane is dropped here.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(run(lane));
    }
}

async fn run(mut lane: Lane) {
    loop {
        // Callers who were answered together come back together; their first would otherwise go alone.
        tokio::task::yield_now().await;
        let Some(taken) = lane.take() else { return };
        let (loads, replies): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
        let parts = Arc::clone(&lane.parts);
        let answers = noticed(load_many(&parts, &loads), || lane.takes_long()).await;
        for ((load, reply), answer) in loads.into_iter().zip(replies).zip(answers) {
            match answer {
                Some(answer) => drop(reply.send(answer)),
                None => drop(tokio::spawn(alone(Arc::clone(&lane.parts), load, reply))),
            }
        }
    }
}

impl Lane {
    /// Lets others go who would wait for it.
    fn takes_long(&mut self) {
        self.long = true;
        let mut state = self.parts.loads.state();
        let waiting = state.waiting.len();
        let start = state.room.takes_long(waiting);
        drop(state);
        if start {
            start_lane(Arc::clone(&self.parts));
        }
    }

    /// The next loads, without those whose callers have gone away; `None` ends the lane.
    fn take(&mut self) -> Option<Vec<(Load, oneshot::Sender<Answer>)>> {
        let mut state = self.parts.loads.state();
        let waiting = state.waiting.len();
        self.ended = state.room.end(waiting, std::mem::take(&mut self.long));
        if self.ended {
            return None;
        }
        let mut taken = Vec::new();
        while taken.len() < LOADS
            && let Some((load, reply)) = state.waiting.pop_front()
        {
            if !reply.is_closed() {
                taken.push((load, reply));
            }
        }
        if taken.is_empty() {
            self.ended = true;
            state.room.lose(false);
            return None;
        }
        state.company = taken.len() > 1;
        Some(taken)
    }
}

/// Loads a stream that was too long to be loaded with others.
async fn alone(parts: Arc<Parts>, load: Load, reply: oneshot::Sender<Answer>) {
    let _ = reply.send(read::load(&parts, &load).await);
}

/// Many loads in one statement; `None` for a stream with more events than others should wait for.
async fn load_many(parts: &Parts, loads: &[Load]) -> Vec<Option<Answer>> {
    match fetch(parts, loads).await {
        Ok((history, loading)) => {
            let most = usize::try_from(EVENTS).unwrap_or(usize::MAX);
            let loaded = |one: Loading<'_>| (one.events() <= most).then(|| Ok(one.into_loaded(history)));
            loading.0.into_iter().map(loaded).collect()
        }
        Err(failure) => {
            let errors = error::for_each(error::store_error(read::LOADING, failure), loads.len());
            errors.into_iter().map(|error| Some(Err(error))).collect()
        }
    }
}

async fn fetch<'a>(parts: &Parts, loads: &'a [Load]) -> Result<(HistoryId, Many<'a>), Failure> {
    let stream_types: Vec<_> = loads.iter().map(|load| load.stream.stream_type()).collect();
    let stream_ids: Vec<_> = loads.iter().map(|load| load.stream.id()).collect();
    let fingerprints: Vec<_> = loads.iter().map(|load| load.fingerprint).collect();
    let at_most = loads.iter().map(|load| load.snapshot_at_most.map_or(i64::MAX, |version| signed(version.get())));
    let at_most: Vec<_> = at_most.collect();
    let keys: Vec<_> = loads.iter().map(|load| load.idempotency_key.as_deref()).collect();
    let metadata: Vec<_> = loads.iter().map(|load| load.metadata).collect();
    let query = || {
        sqlx::query(parts.statements.load_many.clone())
            .bind(&stream_types)
            .bind(&stream_ids)
            .bind(&fingerprints)
            .bind(&at_most)
            .bind(&keys)
            .bind(&metadata)
            .bind(EVENTS + 1)
    };
    parts.connections.fetch_as(query, || Many(loads.iter().map(|load| Loading::of(load, 1)).collect())).await
}

/// What is known of each stream by the rows that have come, in no promised order; the first column says whose they are.
struct Many<'a>(Vec<Loading<'a>>);

impl connections::Answer for Many<'_> {
    fn row(&mut self, row: PgRow) -> Result<(), sqlx::Error> {
        let number = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(0);
        self.0.get_mut(number.wrapping_sub(1)).ok_or(sqlx::Error::RowNotFound)?.row(row)
    }
}
