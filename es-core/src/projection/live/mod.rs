//! A read model in memory that follows its events by itself.

mod follow;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use super::{ProjectionError, ReadModel, Rows};
use crate::{recorded::Position, store::EventStore};

/// The rows of a read model in memory, kept up to date by a task of their own: for caches, and for read models that are
/// cheaper to build at each start than to keep.
///
/// The task begins with the first event, reads only those that the read model handles, and then follows what is
/// appended, by whatever process. Readers see the rows as they stand behind a whole page of events, at its
/// [`position`](Self::position). To read what you have just written, wait for its position first.
///
/// Clones are one; when the last is dropped the task ends.
///
/// ```
/// use es_core::{prelude::*, projection::LiveRows};
/// use std::time::Duration;
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
/// # #[derive(ReadModel, Clone, Debug)]
/// # #[read_model(table = "lamps")]
/// # struct LampSummary { #[read_model(key)] id: LampId, times_lit: u64 }
/// # #[event_handler]
/// # impl LampSummary { fn lit(&mut self, _: &LampLit) { self.times_lit += 1; } }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let lamps = LiveRows::<LampSummary>::start(&store);
///
/// let hall = LampId("hall".into());
/// let lit = store.repository::<Lamp>().execute(&hall, Light).await?;
/// lamps.wait_for(lit.position, Duration::from_secs(5)).await?;
///
/// assert_eq!(lamps.get(&hall).map(|lamp| lamp.times_lit), Some(1));
/// assert_eq!(lamps.read(|rows| rows.iter().map(|lamp| lamp.times_lit).sum::<u64>()), 1);
/// # Ok(()) }
/// ```
///
/// # When something fails
///
/// **The store cannot be reached**: the rows stay as they are, the task asks again after pauses of random length, up to
/// two seconds, and the log has a warning when this begins.
///
/// **The store has another history**, after a failover or a restore: what was folded may never have happened. The task
/// begins anew, and readers keep the rows of the former history until the new ones have come to the end of all events:
/// rows that may be a little wrong serve most readers better than none. Whoever must not see them asks
/// [`is_rebuilding`](Self::is_rebuilding). `wait_for` waits for the new ones.
///
/// **An event cannot be folded**, or the store is closed or fails for good: the task ends. The rows stay as the events
/// before it left them, [`error`](Self::error) says why, and so does `wait_for`. If a handler panics, the row that it was
/// given may be half changed.
pub struct LiveRows<R: ReadModel> {
    shared: Arc<Shared<R>>,
    /// It ends with the last clone.
    task: Arc<Task>,
}

/// Why rows have not come as far as somebody waits for.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveRowsError {
    /// They have not come so far in time.
    #[error("after {waited:?} `{table}` has come to position {reached}, and not to {wanted}{}", anew(*.rebuilding))]
    Behind {
        /// The read model's table.
        table: &'static str,
        /// The position that was waited for.
        wanted: Position,
        /// How far the rows that readers see have come.
        reached: Position,
        /// Whether they are being built anew, because the store has another history.
        rebuilding: bool,
        /// For how long it was waited.
        waited: Duration,
    },
    /// They have stopped in front of it, and will not come so far.
    #[error("`{table}` has stopped at position {reached}, before {wanted}: {source}")]
    Stopped {
        /// The read model's table.
        table: &'static str,
        /// The position that was waited for.
        wanted: Position,
        /// How far the rows have come.
        reached: Position,
        /// Why.
        source: Arc<ProjectionError>,
    },
}

fn anew(rebuilding: bool) -> &'static str {
    if rebuilding { " of a former history; the rows are being built anew" } else { "" }
}

/// What the task and its readers share.
struct Shared<R: ReadModel> {
    /// What readers see.
    rows: RwLock<Rows<R>>,
    progress: watch::Sender<Progress>,
}

#[derive(Clone, Debug, Default)]
struct Progress {
    /// Of the rows that readers see.
    position: Position,
    /// Whether those are of a former history.
    rebuilding: bool,
    error: Option<Arc<ProjectionError>>,
}

/// A task that ends when it is dropped.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<R: ReadModel> LiveRows<R> {
    /// No rows at first, and a task that folds the events of the store into them.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn start<S: EventStore>(store: &S) -> Self {
        let (progress, _) = watch::channel(Progress::default());
        let shared = Arc::new(Shared { rows: RwLock::default(), progress });
        let task = tokio::spawn(follow::run(store.clone(), Arc::clone(&shared)));
        Self { shared, task: Arc::new(Task(task)) }
    }

    /// A copy of the row of a key.
    pub fn get(&self, key: &R::Key) -> Option<R>
    where
        R: Clone,
    {
        self.read(|rows| rows.get(key).cloned())
    }

    /// Whatever you want to know of the rows, as they stand at one position. The task that folds events waits for it, so let
    /// it be short.
    pub fn read<T>(&self, read: impl FnOnce(&Rows<R>) -> T) -> T {
        read(&self.shared.rows())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.read(Rows::len)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.read(Rows::is_empty)
    }

    /// All events up to here are in the rows that readers see, as far as they are handled.
    pub fn position(&self) -> Position {
        self.read(Rows::position)
    }

    /// Whether the rows are of a former history of the store, until new ones have come to the end of all events.
    pub fn is_rebuilding(&self) -> bool {
        self.shared.progress.borrow().rebuilding
    }

    /// Why no more events are folded; `None` while they are.
    pub fn error(&self) -> Option<Arc<ProjectionError>> {
        self.shared.progress.borrow().error.clone()
    }

    /// Waits until all events up to a position are in the rows, such as the one that you have just stored: then you read
    /// what you have written.
    ///
    /// # Errors
    /// [`LiveRowsError`]: they are behind when the time is over, or have stopped.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<(), LiveRowsError> {
        let mut progress = self.shared.progress.subscribe();
        let come = progress.wait_for(|now| now.has_come_to(position) || now.error.is_some());
        // Whether it came in time or not: what counts is how things are now.
        drop(tokio::time::timeout(timeout, come).await);
        let now = self.shared.progress.borrow().clone();
        if now.has_come_to(position) {
            return Ok(());
        }
        let (table, wanted, reached) = (R::TABLE, position, now.position);
        Err(match now.error {
            Some(source) => LiveRowsError::Stopped { table, wanted, reached, source },
            None => LiveRowsError::Behind { table, wanted, reached, rebuilding: now.rebuilding, waited: timeout },
        })
    }
}

impl Progress {
    fn has_come_to(&self, position: Position) -> bool {
        !self.rebuilding && self.position >= position
    }
}

/// A panicking handler leaves a row half changed at worst, and is told as an error.
impl<R: ReadModel> Shared<R> {
    fn rows(&self) -> RwLockReadGuard<'_, Rows<R>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows_mut(&self) -> RwLockWriteGuard<'_, Rows<R>> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: ReadModel> Clone for LiveRows<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), task: Arc::clone(&self.task) }
    }
}

impl<R: ReadModel> fmt::Debug for LiveRows<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = self.shared.progress.borrow();
        formatter
            .debug_struct("LiveRows")
            .field("table", &R::TABLE)
            .field("len", &self.len())
            .field("progress", &*progress)
            .field("ended", &self.task.0.is_finished())
            .finish()
    }
}
