//! The group commit: appends of many callers, stored by few statements.
//!
//! `gather.rs` says who goes when and `batch.rs` what becomes of a batch that was not taken; here is what they cannot
//! know: tasks, connections, answers. An append that was sent belongs to a task, not to its caller: the caller may go
//! away, and the append runs to its end. One that still waits goes with its caller, as if it had never been asked for.
//!
//! Every way out gives back what it holds, a panic and the end of the runtime included: [`Sent`] its stream, [`Lane`]
//! its lane, [`Waiting`] its place.

mod carry;

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use es_core::{
    recorded::{EventId, StreamId},
    store::{Append, Appended, StoreError, Unavailable},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

use self::carry::{carry, give};
pub(crate) use self::carry::{held_before, setting};
use crate::{
    append::Prepared,
    batch::{OfStream, Piece},
    config::PostgresConfig,
    gather::{Admitted, Gather, Limits, Link},
    room::noticed,
    store::Parts,
};

/// How many batches are under way at a time, and how many streams must be ready for a further one.
pub(crate) const LANES: usize = 4;
const CROWD: usize = 24;
/// The most appends, events and bytes in a batch: enough to make its fixed cost small, few enough to keep the time
/// short for which its neighbours wait.
const APPENDS: usize = 256;
const EVENTS: usize = 2_048;
const BYTES: usize = 2 * 1_024 * 1_024;
/// What all appends that were accepted and not answered may take up, in units of [`PLACE`] bytes. Further callers wait.
const PLACES: u32 = 64 * 1_024;
const PLACE: usize = 1_024;
/// How many appends may wait for the slow lane.
const SLOW_QUEUE: usize = 1_024;

/// What the appends of a store share.
#[derive(Debug)]
pub(crate) struct Lanes {
    gather: Mutex<Gather<Waiting>>,
    places: Arc<Semaphore>,
    /// The slow lane: appends whose stream another transaction holds, each alone, a few at a time.
    pub(crate) slow: Arc<Semaphore>,
    slow_queue: Arc<Semaphore>,
    closing: AtomicBool,
}

/// An append that was accepted.
#[derive(Debug)]
struct Waiting {
    prepared: Prepared,
    reply: oneshot::Sender<Result<Appended, StoreError>>,
    _place: OwnedSemaphorePermit,
}

/// An append that is under way. While it is, nothing else of its stream is, apart from its chain.
#[derive(Debug)]
struct Sent {
    parts: Arc<Parts>,
    stream: StreamId,
    waiting: Option<Waiting>,
}

/// The right to carry batches, one after the other.
#[derive(Debug)]
struct Lane {
    parts: Arc<Parts>,
    /// Whether it is out for long.
    long: bool,
    ended: bool,
}

/// A caller's hold on its append, until it is answered.
struct Caller<'a> {
    lanes: &'a Lanes,
    stream: StreamId,
    ticket: u64,
}

/// Stores the events of one request, or finds that they are stored.
pub(crate) async fn append(parts: &Arc<Parts>, append: Append) -> Result<Appended, StoreError> {
    let prepared = Prepared::new(append)?;
    let lanes = &parts.lanes;
    let place = lanes.place(prepared.size().bytes, parts.config.acquire_timeout).await?;
    let (reply, mut answer) = oneshot::channel();
    let (stream, size) = (prepared.append.stream.clone(), prepared.size());
    let first_event = prepared.append.events.first().map(|event| event.metadata.event_id);
    let waiting = Waiting { prepared, reply, _place: place };
    let Admitted { ticket, start, next, lone } = lanes.gather().admit(&stream, size, waiting);
    let caller = Caller { lanes, stream, ticket };
    if lone {
        start_at_once(parts).await;
    } else if start {
        start_lane(parts);
    }
    // Who is next waits for a connection at the most, and that is limited already; a timer would only cost its time.
    if next {
        return answer.await.unwrap_or_else(|ended| Err(caller.unknown(first_event, ended)));
    }
    if let Ok(answer) = timeout(parts.config.acquire_timeout, &mut answer).await {
        return answer.unwrap_or_else(|ended| Err(caller.unknown(first_event, ended)));
    }
    if caller.withdraw().is_some() {
        let waited = parts.config.acquire_timeout;
        let reason = format!("an append waited {waited:?} for its turn behind others; ask less, or try later");
        return Err(Unavailable::new(reason, "the time for waiting was over").into());
    }
    answer.await.unwrap_or_else(|ended| Err(caller.unknown(first_event, ended)))
}

impl Lanes {
    pub(crate) fn new(config: &PostgresConfig) -> Self {
        // The slow lane leaves a connection to the others, wherever there are two.
        let slow = (config.max_connections / 4).max(1);
        let lanes = LANES.min(config.max_connections.saturating_sub(slow)).max(1);
        let limits = Limits { lanes, crowd: CROWD, appends: APPENDS, events: EVENTS, bytes: BYTES };
        Self {
            gather: Mutex::new(Gather::new(limits)),
            places: Arc::new(Semaphore::new(PLACES as usize)),
            slow: Arc::new(Semaphore::new(slow)),
            slow_queue: Arc::new(Semaphore::new(SLOW_QUEUE)),
            closing: AtomicBool::new(false),
        }
    }

    /// Room for an append of so many bytes; callers get it in the order in which they came.
    pub(crate) async fn place(&self, bytes: usize, longest: Duration) -> Result<OwnedSemaphorePermit, StoreError> {
        let places = u32::try_from(bytes / PLACE + 1).unwrap_or(PLACES).min(PLACES);
        if self.closing.load(Ordering::SeqCst) {
            return Err(Unavailable::closed("no append is accepted any more").into());
        }
        match timeout(longest, Arc::clone(&self.places).acquire_many_owned(places)).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(closed)) => Err(Unavailable::closed(closed).into()),
            Err(elapsed) => {
                let reason = format!("too many appends were waiting for {longest:?}; ask less, or try later");
                Err(Unavailable::new(reason, elapsed).into())
            }
        }
    }

    /// Takes no more appends, and waits until all that were accepted are answered.
    pub(crate) async fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let all = self.places.acquire_many(PLACES).await;
        self.places.close();
        drop(all);
    }

    fn gather(&self) -> MutexGuard<'_, Gather<Waiting>> {
        self.gather.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Caller<'_> {
    fn withdraw(&self) -> Option<Waiting> {
        self.lanes.gather().withdraw(&self.stream, self.ticket)
    }

    /// The task that had the append ended without an answer, most likely with its runtime.
    fn unknown(&self, first: Option<EventId>, source: oneshot::error::RecvError) -> StoreError {
        let first_event = first.unwrap_or(EventId::from_uuid(uuid::Uuid::nil()));
        StoreError::OutcomeUnknown { stream: self.stream.clone(), first_event, source: source.into() }
    }
}

/// A caller that goes away takes its append along, if it still waits.
impl Drop for Caller<'_> {
    fn drop(&mut self) {
        drop(self.withdraw());
    }
}

/// Carries out what the gathering says: a free lane, and something to carry.
fn start_lane(parts: &Arc<Parts>) {
    let lane = Lane { parts: Arc::clone(parts), long: false, ended: false };
    // Without a runtime the lane is dropped here, and what waits for it is answered.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(run(lane, false));
    }
}

/// Starts a lane for one who is alone. Its first step, which is to send the statement, is done here and now; the task is made
/// while the server works. Nothing is left in the caller's hands.
async fn start_at_once(parts: &Arc<Parts>) {
    let lane = Lane { parts: Arc::clone(parts), long: false, ended: false };
    let Ok(runtime) = Handle::try_current() else { return };
    let mut running = Some(Box::pin(run(lane, true)));
    poll_fn(|context| {
        if let Some(mut running) = running.take()
            && running.as_mut().poll(context).is_pending()
        {
            runtime.spawn(running);
        }
        Poll::Ready(())
    })
    .await;
}

async fn run(mut lane: Lane, mut alone: bool) {
    let parts = Arc::clone(&lane.parts);
    loop {
        // First the connection, then the batch: what comes in while we wait for one travels along.
        let lease = noticed(parts.connections.lease(), || lane.takes_long()).await;
        // Those who were answered by the last batch come back now; their first would otherwise go alone, and the others wait
        // for it.
        if !std::mem::take(&mut alone) {
            tokio::task::yield_now().await;
        }
        let Some(batch) = parts.lanes.gather().take(lane.long) else {
            lane.ended = true;
            if let Ok(lease) = lease {
                lease.give_back();
            }
            return;
        };
        let requests = batch.requests.into_iter();
        let sent = |(stream, waiting)| Sent { parts: Arc::clone(&parts), stream, waiting: Some(waiting) };
        let requests: Vec<_> = requests.map(sent).collect();
        if batch.start {
            start_lane(&parts);
        }
        let carrying = carry(&parts, vec![Piece::new(requests)], lease);
        let answers = noticed(carrying, || lane.takes_long()).await;
        // First the lane, then the answers: who appends one thing after the other finds a free lane and its connection.
        lane.ended = parts.lanes.gather().end(std::mem::take(&mut lane.long));
        give(answers);
        if lane.ended {
            return;
        }
    }
}

impl Link for Waiting {
    fn may_follow(&self, before: &Self) -> bool {
        self.prepared.may_follow(&before.prepared)
    }
}

impl OfStream for Sent {
    fn same_stream(&self, other: &Self) -> bool {
        self.stream == other.stream
    }
}

impl Waiting {
    fn reply(self, answer: impl FnOnce(&Prepared) -> Result<Appended, StoreError>) {
        // Whoever asked may have gone away.
        let _ = self.reply.send(answer(&self.prepared));
    }
}

impl Sent {
    fn prepared(&self) -> Option<&Prepared> {
        self.waiting.as_ref().map(|waiting| &waiting.prepared)
    }

    /// Gives the stream to whoever is next in its line.
    fn release(mut self) -> Option<Waiting> {
        self.waiting.take()
    }

    fn reply(self, answer: impl FnOnce(&Prepared) -> Result<Appended, StoreError>) {
        if let Some(waiting) = self.release() {
            waiting.reply(answer);
        }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        let start = self.parts.lanes.gather().settle(&self.stream);
        if start {
            start_lane(&self.parts);
        }
    }
}

impl Lane {
    /// Lets others go who would wait for it.
    fn takes_long(&mut self) {
        if !std::mem::replace(&mut self.long, true) && self.parts.lanes.gather().takes_long() {
            start_lane(&self.parts);
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let given_back = self.parts.lanes.gather().lose_lane(self.long);
        for waiting in given_back {
            let error = Unavailable::new("the runtime that it works on has ended", "a task was dropped");
            waiting.reply(|_| Err(error.into()));
        }
    }
}

#[cfg(test)]
#[path = "lanes/tests.rs"]
mod tests;
