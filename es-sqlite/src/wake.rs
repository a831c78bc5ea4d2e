//! Waking those who wait for events.
//!
//! What is kept is not a signal but a fact: the highest position at which an event is known to be there. Whoever waits
//! compares it with where it stands, so that nothing can get lost between its last look and its wait. Appends of this store
//! raise it directly. While somebody waits, a task looks whether another process has written to the file.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use es_core::{recorded::Position, store::HistoryId};
use sqlx::{Connection as _, SqliteConnection};
use tokio::{runtime::Handle, sync::watch, task::JoinHandle, time::timeout};

use crate::{pages, store::Parts};

/// How often one who waits looks whether the watcher is still there: it ends with the runtime of whoever began it.
const WATCH: Duration = Duration::from_secs(1);

/// What the appends and the readers of a store have to do with each other.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    there: watch::Sender<There>,
    /// How many wait. While there are some, the watcher runs.
    waiting: watch::Sender<usize>,
    watcher: Mutex<Option<JoinHandle<()>>>,
    /// The last one that nobody needed any more, and that may be closing its connection.
    ending: Mutex<Option<JoinHandle<()>>>,
}

/// What is known to be there.
#[derive(Clone, Copy, Debug, Default)]
struct There {
    highest: Position,
    /// The history that was seen last; `None` before the first look.
    history: Option<HistoryId>,
    closed: bool,
    /// The file is not where it was: whoever waits is told so when it reads.
    lost: bool,
}

/// One who waits, until it is dropped.
struct Waiter<'a>(&'a Wake);

impl Wake {
    /// An event is there at this position.
    pub(crate) fn raise(&self, position: Position) {
        self.there.send_if_modified(|there| {
            let rises = position > there.highest;
            there.highest = there.highest.max(position);
            rises
        });
    }

    /// Lets nobody wait any more, and waits until the watcher has closed its connection.
    pub(crate) async fn close(&self) {
        self.there.send_modify(|there| there.closed = true);
        let watchers = [locked(&self.watcher).take(), locked(&self.ending).take()];
        for mut watcher in watchers.into_iter().flatten() {
            // One whose runtime does nothing any more never ends.
            if timeout(WATCH, &mut watcher).await.is_err() {
                watcher.abort();
            }
        }
    }

    /// The file was seen where it was opened, or not.
    fn lost(&self, lost: bool) {
        self.there.send_if_modified(|there| std::mem::replace(&mut there.lost, lost) != lost);
    }

    /// A look found this.
    fn seen(&self, settled: pages::Settled) {
        self.there.send_if_modified(|there| {
            let before = (there.highest, there.history.replace(settled.history));
            let same = before.1.is_none_or(|before| before == settled.history);
            there.highest = if same { before.0.max(settled.position) } else { settled.position };
            !same || there.highest > before.0
        });
    }

    /// Counts one who waits, and has the watcher run.
    fn wait(&self, parts: &Arc<Parts>) -> Waiter<'_> {
        self.waiting.send_modify(|waiting| *waiting += 1);
        self.watch(parts);
        Waiter(self)
    }

    /// Has the watcher run, on whatever runtime there is.
    fn watch(&self, parts: &Arc<Parts>) {
        let mut watcher = locked(&self.watcher);
        if !self.there.borrow().closed
            && watcher.as_ref().is_none_or(JoinHandle::is_finished)
            && let Ok(runtime) = Handle::try_current()
        {
            *watcher = Some(runtime.spawn(watch(Arc::downgrade(parts))));
        }
    }

    /// Whether the watcher may end because nobody waits; a later waiter then begins another.
    fn end_watch(&self) -> bool {
        let mut watcher = locked(&self.watcher);
        let unused = *self.waiting.borrow() == 0;
        if unused && let Some(this) = watcher.take() {
            *locked(&self.ending) = Some(this);
        }
        unused || self.there.borrow().closed
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

/// Waits until something is there behind `position`, or the history is another one, or the file is lost, or the store closed.
pub(crate) async fn wait_beyond(parts: &Arc<Parts>, position: Position, history: HistoryId) {
    let _waiter = parts.wake.wait(parts);
    let mut there = parts.wake.there.subscribe();
    loop {
        let now = *there.borrow_and_update();
        if now.closed || now.lost || now.highest > position || now.history.is_some_and(|found| found != history) {
            return;
        }
        if timeout(WATCH, there.changed()).await.is_err() {
            parts.wake.watch(parts);
        }
    }
}

/// Looks for what others have written, as long as anybody waits.
async fn watch(parts: Weak<Parts>) {
    let mut look = Look::default();
    while let Some(parts) = parts.upgrade() {
        if parts.wake.end_watch() {
            break;
        }
        look.at(&parts).await;
        let (interval, mut there) = (parts.config.poll_interval, parts.wake.there.subscribe());
        drop(parts);
        // Who closes does not wait for the next look.
        let _ = timeout(interval, there.wait_for(|there| there.closed)).await;
    }
    if let Some(connection) = look.connection {
        let _ = connection.close().await;
    }
}

/// A connection that is told by SQLite whether others have changed the file, without a look into it. It is none of those that
/// readers share: it is kept for as long as anybody waits.
#[derive(Debug, Default)]
struct Look {
    connection: Option<SqliteConnection>,
    /// What it said last.
    version: Option<i64>,
}

impl Look {
    async fn at(&mut self, parts: &Parts) {
        let lost = parts.connections.check().is_err();
        parts.wake.lost(lost);
        if lost {
            return;
        }
        // With a connection that fails the next look begins anew.
        let Some(mut connection) = self.connection(parts).await else { return };
        let version: Result<i64, _> = sqlx::query_scalar("pragma data_version").fetch_one(&mut connection).await;
        let Ok(version) = version else { return };
        if self.version != Some(version) {
            let Ok(settled) = pages::settled_on(&mut connection).await else { return };
            self.version = Some(version);
            parts.wake.seen(settled);
        }
        self.connection = Some(connection);
    }

    async fn connection(&mut self, parts: &Parts) -> Option<SqliteConnection> {
        if let Some(connection) = self.connection.take() {
            return Some(connection);
        }
        self.version = None;
        parts.connections.open_reader().await.ok()
    }
}
