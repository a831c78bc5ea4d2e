//! The one who writes: a task that takes all appends that wait, and stores them in one transaction.
//!
//! What is asked while a transaction is under way goes together into the next. So a caller alone waits for nobody, and many
//! share what a commit costs, each with an outcome of its own. Snapshots go along, or by themselves when nothing else does.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use es_core::{
    recorded::Position,
    store::{Append, Appended, NewSnapshot, StoreError, Unavailable},
};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    append::{DOING, Deciding, Prepared},
    config::SqliteConfig,
    connections::{Connections, Pen},
    error,
    inline::{InEffect, Trouble},
    projections::Projections,
    snapshot::{self, Pending},
    wake::Wake,
};

/// How many requests may wait.
const QUEUE: usize = 4_096;
/// How much of memory those may take that wait or are under way, in kilobytes.
const KILOBYTES: usize = 128 * 1_024;
/// The most that goes into one transaction, unless a request alone is larger: so much that the commit costs little beside it,
/// so little that nobody waits long.
const MOST_EVENTS: usize = 4_096;
const MOST_BYTES: usize = 8 * 1_024 * 1_024;
/// How long snapshots wait for an append to go along with.
const PAUSE: Duration = Duration::from_millis(20);

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct Group {
    /// Nothing once the store is closed.
    queue: Mutex<Option<mpsc::Sender<Request>>>,
    room: Arc<Semaphore>,
    patience: Duration,
    writer: AsyncMutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
enum Request {
    Append(Asked),
    Snapshot(NewSnapshot),
    Flush(oneshot::Sender<()>),
}

/// What one caller wants to have stored together.
#[derive(Debug)]
struct Asked {
    together: Vec<Prepared>,
    answer: oneshot::Sender<Result<Vec<Appended>, StoreError>>,
    room: OwnedSemaphorePermit,
}

impl Group {
    /// Starts the writer. It ends when the group is closed or dropped, and everything is answered.
    pub(crate) fn start(
        connections: &Connections,
        config: &SqliteConfig,
        wake: &Arc<Wake>,
        projections: &Arc<Projections>,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let writer = Writer {
            pen: Arc::clone(connections.pen()),
            wake: Arc::clone(wake),
            projections: Arc::clone(projections),
            waiting,
            snapshots: Pending::default(),
        };
        Self {
            queue: Mutex::new(Some(queue)),
            room: Arc::new(Semaphore::new(KILOBYTES)),
            patience: config.acquire_timeout,
            writer: AsyncMutex::new(Some(tokio::spawn(writer.run()))),
        }
    }

    pub(crate) async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        append.check()?;
        let mut appended = self.send(vec![Prepared::new(append)?]).await?;
        appended.pop().ok_or_else(gone)
    }

    pub(crate) async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        Append::check_all(&appends)?;
        self.send(appends.into_iter().map(Prepared::new).collect::<Result<_, _>>()?).await
    }

    async fn send(&self, together: Vec<Prepared>) -> Result<Vec<Appended>, StoreError> {
        let queue = self.queue()?;
        let kilobytes = together.iter().map(Prepared::bytes).sum::<usize>() / 1_024 + 1;
        let kilobytes = u32::try_from(kilobytes.min(KILOBYTES)).unwrap_or(u32::MAX);
        let (answer, answered) = oneshot::channel();
        let in_doubt = together.first().map(Prepared::in_doubt).ok_or_else(gone)?;
        let sent = timeout(self.patience, async {
            let room = Arc::clone(&self.room).acquire_many_owned(kilobytes).await.ok()?;
            queue.send(Request::Append(Asked { together, answer, room })).await.ok()
        });
        match sent.await {
            Ok(Some(())) => {}
            Ok(None) => return Err(gone()),
            Err(elapsed) => {
                let reason = format!("too much was waiting to be stored for {:?}; try later", self.patience);
                return Err(Unavailable::new(reason, elapsed).into());
            }
        }
        drop(queue);
        // The writer went with its runtime, and maybe in the midst of a commit.
        answered.await.unwrap_or_else(|_| Err(in_doubt.unknown(&gone())))
    }

    /// Keeps a snapshot, unless there is too much to do.
    pub(crate) fn take_in(&self, snapshot: NewSnapshot) {
        let sent = self.queue().map(|queue| queue.try_send(Request::Snapshot(snapshot)).is_ok());
        if !sent.unwrap_or(false) {
            tracing::debug!("a snapshot was dropped");
        }
    }

    /// Waits until every snapshot that was taken in is written.
    pub(crate) async fn flush(&self) {
        let (done, finished) = oneshot::channel();
        let Ok(queue) = self.queue() else { return };
        if queue.send(Request::Flush(done)).await.is_ok() {
            drop(queue);
            let _ = finished.await;
        }
    }

    /// Takes in nothing more, and waits until all is answered.
    pub(crate) async fn close(&self) {
        *locked(&self.queue) = None;
        // Whoever else closes it waits, too.
        let mut writer = self.writer.lock().await;
        if let Some(ends) = writer.as_mut() {
            let _ = ends.await;
        }
        *writer = None;
    }

    fn queue(&self) -> Result<mpsc::Sender<Request>, StoreError> {
        locked(&self.queue).clone().ok_or_else(|| error::closed("the store was closed"))
    }
}

/// The writer is not there: it has ended with the runtime on which the store was opened, unless the store was closed.
fn gone() -> StoreError {
    error::closed("the task that writes has ended")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Writer {
    pen: Arc<Pen>,
    wake: Arc<Wake>,
    projections: Arc<Projections>,
    waiting: mpsc::Receiver<Request>,
    snapshots: Pending,
}

impl Writer {
    async fn run(mut self) {
        let mut flushed: Vec<oneshot::Sender<()>> = Vec::new();
        loop {
            let next = if self.snapshots.is_empty() {
                self.waiting.recv().await
            } else if let Ok(next) = timeout(PAUSE, self.waiting.recv()).await {
                next
            } else {
                self.write(&[]).await;
                continue;
            };
            let Some(next) = next else { break };
            let asked = self.gather(next, &mut flushed);
            if !asked.is_empty() || !flushed.is_empty() {
                self.write_and_answer(asked).await;
            }
            for done in flushed.drain(..) {
                let _ = done.send(());
            }
        }
        self.write(&[]).await;
    }

    /// What waits, as far as it goes together.
    fn gather(&mut self, first: Request, flushed: &mut Vec<oneshot::Sender<()>>) -> Vec<Asked> {
        let (mut gathered, mut events, mut bytes) = (Vec::new(), 0, 0);
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                // Nobody waits for the answer any more, and nothing was done.
                Request::Append(asked) if asked.answer.is_closed() => {}
                Request::Append(asked) => {
                    events += asked.together.iter().map(Prepared::events).sum::<usize>();
                    bytes += asked.together.iter().map(Prepared::bytes).sum::<usize>();
                    gathered.push(asked);
                }
                Request::Snapshot(snapshot) => self.snapshots.take_in(snapshot),
                Request::Flush(done) => flushed.push(done),
            }
            next = if events < MOST_EVENTS && bytes < MOST_BYTES { self.waiting.try_recv().ok() } else { None };
        }
        gathered
    }

    async fn write_and_answer(&mut self, asked: Vec<Asked>) {
        let outcomes = self.write(&asked).await;
        for (asked, outcome) in asked.into_iter().zip(outcomes) {
            // First the answer: who has the next turn upon the state that this leads to begins when the append is let go.
            let _ = asked.answer.send(outcome);
            drop((asked.together, asked.room));
        }
    }

    /// Stores what fits, and says what became of each.
    async fn write(&mut self, asked: &[Asked]) -> Vec<Result<Vec<Appended>, StoreError>> {
        if asked.is_empty() && self.snapshots.is_empty() {
            return Vec::new();
        }
        let mut outcomes = Vec::with_capacity(asked.len());
        match self.try_write(asked, &mut outcomes).await {
            Ok(last) => {
                self.wake.raise(last);
                outcomes
            }
            Err(Failed { error, uncertain: true }) => {
                let each = asked.iter().zip(outcomes);
                each.map(|(asked, outcome)| Err(in_doubt(asked, &outcome, &error))).collect()
            }
            // Nothing of it was stored. What was decided upon was so in a view of the data that has not come to be.
            Err(Failed { error, uncertain: false }) => {
                if asked.is_empty() {
                    tracing::warn!(%error, "snapshots were dropped");
                    self.snapshots.drop_all();
                }
                asked.iter().map(|_| Err(error.for_another())).collect()
            }
        }
    }

    async fn try_write(
        &mut self,
        asked: &[Asked],
        outcomes: &mut Vec<Result<Vec<Appended>, StoreError>>,
    ) -> Result<Position, Failed> {
        let mut writing = self.pen.begin(DOING, "a transaction of appends").await?;
        let appends = asked.iter().flat_map(|asked| &asked.together);
        let mut deciding = Deciding::begin(writing.connection()?, appends).await?;
        let inline = std::mem::take(&mut deciding.inline);
        for Asked { together, .. } in asked {
            let changes_rows = together.iter().flat_map(Prepared::event_types).any(|event| inline.concern(event));
            outcomes.push(if changes_rows {
                self.store_with_rows(&mut deciding, &inline, together).await?
            } else {
                deciding.decide(together).await?
            });
        }
        deciding.store().await?;
        let last = deciding.last();
        let kept = snapshot::write(writing.connection()?, &mut self.snapshots).await;
        kept.map_err(|source| error::store_error(DOING, source))?;
        match writing.commit(DOING).await {
            Ok(()) => Ok(last),
            Err(uncommitted) => Err(Failed { error: uncommitted.error, uncertain: uncommitted.uncertain }),
        }
    }

    /// Changes the rows of read models with what is asked for together, or stores none of it. Others in the transaction go on.
    async fn store_with_rows<'a>(
        &self,
        deciding: &mut Deciding<'a>,
        inline: &InEffect,
        together: &'a [Prepared],
    ) -> Result<Result<Vec<Appended>, StoreError>, StoreError> {
        let before = deciding.remember(together).await?;
        let outcome = deciding.decide(together).await?;
        if let Ok(appended) = &outcome
            && appended.iter().all(|appended| !appended.replayed)
        {
            deciding.store().await?;
            let events = together.iter().zip(appended).flat_map(|(prepared, appended)| prepared.stored(appended));
            let events: Vec<_> = events.collect();
            match inline.fold(&self.projections, deciding.connection(), &events).await {
                Ok(()) => {}
                Err(Trouble::Append(refused)) => return deciding.take_back(before).await.map(|()| Err(refused)),
                Err(Trouble::File(error)) => return Err(error),
            }
        }
        deciding.keep().await.map(|()| outcome)
    }
}

/// Why a transaction has not been committed.
struct Failed {
    error: StoreError,
    /// Whether it may have been nevertheless.
    uncertain: bool,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self { error, uncertain: false }
    }
}

/// The answer to one whose transaction may have been committed.
fn in_doubt(asked: &Asked, outcome: &Result<Vec<Appended>, StoreError>, error: &StoreError) -> StoreError {
    match (outcome, asked.together.first()) {
        (Ok(appended), Some(first)) if appended.iter().any(|appended| !appended.replayed) => {
            first.in_doubt().unknown(error)
        }
        // What it was compared with may be there or not; asked again, it will be known.
        _ => error.for_another(),
    }
}
