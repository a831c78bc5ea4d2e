//! Learning of appends by other processes, while somebody waits for events.
//!
//! Three things go on at the same time, in one task: it listens, it looks, and it ends when nobody has waited for a
//! while. While it listens a look is only a safety net; without it looks are all there is, and as long as they find
//! something they are close together.

use std::{
    pin::pin,
    sync::{
        Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use es_core::{
    recorded::Position,
    store::{HistoryId, StoreError},
};
use futures_util::future::select;
use sqlx::{
    Row as _,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{FIRST_PAUSE, Told, Wake, notifier::channel};
use crate::{
    error,
    row::{unreadable, unsigned},
    store::Parts,
};

/// How long the connection that listens stays open when nobody waits any more. A subscriber that works on a page is back
/// before that, as a rule.
const LINGER: Duration = Duration::from_secs(5);
/// The pause before the next attempt to listen doubles from the first to the longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What the task follows.
#[derive(Debug)]
pub(super) struct Subscriptions {
    told: watch::Receiver<Told>,
    waiting: watch::Receiver<usize>,
}

impl Subscriptions {
    pub(super) fn new(wake: &Wake) -> Self {
        Self { told: wake.told.subscribe(), waiting: wake.waiting.subscribe() }
    }
}

/// Gives up the watch, however the task ends: those who wait then begin another.
struct Watch(Weak<Parts>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(parts) = self.0.upgrade() {
            *parts.wake.watched.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = false;
        }
    }
}

/// Runs until the store is gone or closed, or nobody has waited for a while.
pub(super) async fn run(parts: Weak<Parts>, subscriptions: Subscriptions) {
    let Subscriptions { told, waiting } = subscriptions;
    let listens = AtomicBool::new(false);
    let listen = pin!(listen(&parts, &listens));
    let look = pin!(look(&parts, told, &listens));
    let unused = pin!(unused(&parts, waiting));
    select(select(listen, look), unused).await;
}
