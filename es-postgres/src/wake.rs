//! Waking those who wait for events.
//!
//! What is kept is not a signal but a fact: the highest position at which an event is known to be visible. Whoever waits
//! compares it with where it stands, so that nothing can get lost between its last look and its wait. Appends of this
//! store raise it directly; `watcher.rs` learns of those of other processes, and `notifier.rs` tells them of ours. None
//! of the three decides what a reader may see: that is the frontier's matter.

mod notifier;
mod watcher;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use es_core::{recorded::Position, store::HistoryId};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{frontier, store::Parts};

/// The pause between looks doubles from the first up to [`PostgresConfig::poll_interval`](crate::PostgresConfig).
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// How often one who waits looks whether the watcher is still there: it ends with the runtime of whoever began it.
const WATCH: Duration = Duration::from_secs(1);

/// What the appends and the readers of a store have to do with each other.
#[derive(Debug)]
pub(crate) struct Wake {
    visible: watch::Sender<Visible>,
    told: watch::Sender<Told>,
    /// How often this store was asked to look for appends of others.
    looks: watch::Sender<u64>,
    /// How many wait. While there are some, the watcher runs.
    waiting: watch::Sender<usize>,
    watcher: Mutex<Option<JoinHandle<()>>>,
    notifier: Mutex<Option<JoinHandle<()>>>,
}

/// What is known to be there.
#[derive(Clone, Copy, Debug, Default)]
struct Visible {
    highest: Position,
    /// The history that was seen last; `None` before the first look.
    history: Option<HistoryId>,
    closed: bool,
}

/// What others are to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    /// The highest position of an append of this store.
    appended: Position,
    /// How often somebody asked everybody to look.
    looks: u64,
    closed: bool,
}

/// One who waits, until it is dropped.
struct Waiter<'a>(&'a Wake);

impl Wake {
    pub(crate) fn new() -> Self {
        Self {
            visible: watch::Sender::default(),
            told: watch::Sender::default(),
            looks: watch::Sender::default(),
            waiting: watch::Sender::default(),
            watcher: Mutex::default(),
            notifier: Mutex::default(),
        }
    }

    /// Starts the task that tells others. It ends with the store.
    pub(crate) fn start(&self, parts: &Parts) {
        if !parts.config.notify {
            return;
        }
        let notifier = tokio::spawn(notifier::run(parts.connections.options(), parts.statements.schema(), &self.told));
        *locked(&self.notifier) = Some(notifier);
    }

    /// Appends were stored, and their last event stands at this position.
    pub(crate) fn appended(&self, position: Option<Position>) {
        let Some(position) = position else { return };
        self.raise(position);
        self.told.send_if_modified(|told| {
            let rises = position > told.appended;
            told.appended = told.appended.max(position);
            rises
        });
    }

    /// Somebody says that there may be something new: this store and all others look.
    pub(crate) fn look(&self) {
        self.told.send_modify(|told| told.looks += 1);
        self.look_here();
    }

    fn look_here(&self) {
        self.looks.send_modify(|looks| *looks += 1);
    }

    /// Lets nobody wait any more, and waits until others have been told of the last append.
    pub(crate) async fn close(&self, longest: Duration) {
        self.visible.send_modify(|visible| visible.closed = true);
        self.told.send_modify(|told| told.closed = true);
        if let Some(watcher) = locked(&self.watcher).take() {
            watcher.abort();
        }
        let notifier = locked(&self.notifier).take();
        if let Some(mut notifier) = notifier
            && timeout(longest, &mut notifier).await.is_err()
        {
            notifier.abort();
        }
    }

    /// An event is visible at this position.
    fn raise(&self, position: Position) {
        self.visible.send_if_modified(|visible| {
            let rises = position > visible.highest;
            visible.highest = visible.highest.max(position);
            rises
        });
    }

    /// A look found this; whether it is news. In another history, what was known before means nothing.
    fn seen(&self, highest: Position, history: HistoryId) -> bool {
        self.visible.send_if_modified(|visible| {
            let before = (visible.highest, visible.history.replace(history));
            let same = before.1.is_none_or(|before| before == history);
            visible.highest = if same { before.0.max(highest) } else { highest };
            !same || visible.highest > before.0
        })
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
        if watcher.as_ref().is_none_or(JoinHandle::is_finished)
            && !self.visible.borrow().closed
            && let Ok(runtime) = Handle::try_current()
        {
            *watcher = Some(runtime.spawn(watcher::run(Arc::downgrade(parts), self.looks.subscribe())));
        }
    }

    /// Whether the watcher may end because nobody waits; a later waiter then begins another.
    fn end_watch(&self) -> bool {
        let mut watcher = locked(&self.watcher);
        let unused = *self.waiting.borrow() == 0;
        if unused {
            *watcher = None;
        }
        unused
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

/// Waits until something is settled behind `position`, or the history is another one, or the store is closed or cannot
/// be asked: then the reader finds out by itself.
pub(crate) async fn wait_beyond(parts: &Arc<Parts>, position: Position, history: HistoryId) {
    let _waiter = parts.wake.wait(parts);
    let mut visible = parts.wake.visible.subscribe();
    let mut pause = FIRST_PAUSE;
    loop {
        let now = *visible.borrow_and_update();
        if now.closed || now.history.is_some_and(|found| found != history) {
            return;
        }
        if now.highest <= position {
            if timeout(WATCH, visible.changed()).await.is_err() {
                parts.wake.watch(parts);
            }
            continue;
        }
        match frontier::beyond(parts, position).await {
            Ok(settled) if settled.position <= position && settled.history == history => {}
            _ => return,
        }
        // A hole, whose writer is not done. When it gives up nobody says so; when it commits, an append may tell.
        sleep(FIRST_PAUSE).await;
        let _ = timeout(pause, visible.changed()).await;
        pause = (pause * 2).min(parts.config.poll_interval);
    }
}
