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

use super::{FIRST_PAUSE, notifier::channel};
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

/// Runs until the store is gone, or nobody has waited for a while.
pub(super) async fn run(parts: Weak<Parts>, looks: watch::Receiver<u64>) {
    let listens = AtomicBool::new(false);
    let listen = pin!(listen(&parts, &listens));
    let look = pin!(look(&parts, looks, &listens));
    let unused = pin!(unused(&parts));
    select(select(listen, look), unused).await;
}

/// Raises what is known whenever a notification says so. A connection that was lost, and one that is new, may have missed
/// some: then there is a look.
async fn listen(parts: &Weak<Parts>, listens: &AtomicBool) {
    let mut pause = FIRST_PAUSE;
    while let Some((options, channel)) = parts.upgrade().filter(|parts| parts.config.listen).map(|parts| {
        let options = parts.connections.options().clone();
        (options, channel(parts.statements.schema()))
    }) {
        let error = match connect(options, &channel).await {
            Ok(mut listener) => {
                pause = FIRST_PAUSE;
                look_again(parts, listens, true);
                receive(parts, &mut listener).await
            }
            Err(error) => Some(error),
        };
        if listens.load(Ordering::SeqCst) {
            look_again(parts, listens, false);
        }
        tracing::debug!(
            ?error,
            "appends of other processes are found by polling until notifications can be heard again"
        );
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    std::future::pending::<()>().await;
}

fn look_again(parts: &Weak<Parts>, listens: &AtomicBool, now: bool) {
    listens.store(now, Ordering::SeqCst);
    if let Some(parts) = parts.upgrade() {
        parts.wake.look_here();
    }
}

/// A connection that listens. sqlx has listeners only over a pool; this one is of one connection.
async fn connect(options: PgConnectOptions, channel: &str) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.listen(channel).await?;
    Ok(listener)
}

/// Listens until the connection is lost.
async fn receive(parts: &Weak<Parts>, listener: &mut PgListener) -> Option<sqlx::Error> {
    loop {
        match listener.try_recv().await {
            Ok(Some(notification)) => {
                let parts = parts.upgrade()?;
                match notification.payload().parse() {
                    Ok(position) => parts.wake.raise(Position::new(position)),
                    Err(_) => parts.wake.look_here(),
                }
            }
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    }
}

/// Looks for the highest event, whenever that is asked for and after each pause.
async fn look(parts: &Weak<Parts>, mut looks: watch::Receiver<u64>, listens: &AtomicBool) {
    let mut pause = FIRST_PAUSE;
    loop {
        looks.borrow_and_update();
        let Some(parts) = parts.upgrade() else { return };
        let longest = parts.config.poll_interval;
        let found = match highest(&parts).await {
            Ok((position, history)) => parts.wake.seen(position, history),
            Err(error) if error.is_unavailable() => {
                tracing::debug!(%error, "a look for new events failed, and will be made again");
                false
            }
            Err(error) => {
                tracing::warn!(%error, "a look for new events failed, and will be made again");
                false
            }
        };
        drop(parts);
        pause = if found { FIRST_PAUSE } else { (pause * 2).min(longest) };
        let wait = if listens.load(Ordering::SeqCst) { longest } else { pause };
        if let Ok(Err(_)) = timeout(wait, looks.changed()).await {
            return;
        }
    }
}

async fn highest(parts: &Parts) -> Result<(Position, HistoryId), StoreError> {
    let query = || sqlx::query(parts.statements.frontier_highest.clone());
    let answer = parts.connections.fetch_with_history(query).await;
    let (history, rows) = answer.map_err(|failure| error::store_error("looking for new events", failure))?;
    let highest: Option<i64> =
        rows.first().and_then(|row| row.try_get(1).transpose()).transpose().map_err(unreadable)?;
    Ok((Position::new(unsigned(highest.unwrap_or(0))), history))
}

/// Waits until nobody has waited for events for a while, and ends the watch.
async fn unused(parts: &Weak<Parts>) {
    let Some(mut waiting) = parts.upgrade().map(|parts| parts.wake.waiting.subscribe()) else { return };
    loop {
        if waiting.wait_for(|waiting| *waiting == 0).await.is_err() {
            return;
        }
        if timeout(LINGER, waiting.wait_for(|waiting| *waiting > 0)).await.is_err()
            && parts.upgrade().is_none_or(|parts| parts.wake.end_watch())
        {
            return;
        }
    }
}
