//! The import of a ledger: one command per transaction, through the full command path.
//!
//! Transactions of one account are executed one after the other, in the order of the file; many accounts are served
//! at once. Each command carries an idempotency key made from the transaction's number, so a second import, or one
//! that goes on after a failure, stores nothing twice. A transaction that was rejected left nothing behind, and so is
//! decided again by the next import.
//!
//! `worker` executes, [`report`] is what comes out.

pub mod report;
mod worker;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::BufRead,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use es_core::{ExecuteError, store::EventStore};
use tokio::{sync::mpsc, task::JoinSet};

pub use self::report::{Rejection, Report};
use self::worker::Worker;
use crate::{
    domain::{AccountError, AccountId},
    ledger::{Entry, Ledger, LedgerError},
    money::Money,
};

/// The overdraft of accounts that an import opens: in the order of a ledger's lines balances go lower than they went
/// in the bank's own order, which within a day is another.
pub const IMPORT_OVERDRAFT: Money = Money::from_minor(2_000_000);

/// How many transactions wait for each worker, so that one busy account does not hold up the others at once.
const QUEUE: usize = 64;

/// Follows an import while it runs; every method may be called from many threads.
pub trait Observer: Send + Sync + 'static {
    /// A line was dealt with; it had this many bytes.
    fn advanced(&self, bytes: u64) {
        let _ = bytes;
    }

    /// A line is malformed, and is left out.
    fn malformed(&self, error: &LedgerError) {
        let _ = error;
    }
}

/// Follows nothing.
impl Observer for () {}

/// Why an import stopped before the end of the ledger. What was executed until then is stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The ledger cannot be read any further.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store could not do its part.
    #[error("line {line}, account {account}")]
    Store {
        /// The line whose transaction was being executed.
        line: u64,
        /// Its account.
        account: AccountId,
        /// What the store said.
        source: Box<ExecuteError<AccountError>>,
    },
    /// A part of this program failed; the text is that of the panic.
    #[error("the import failed inside: {0}")]
    Inside(#[from] tokio::task::JoinError),
}

/// Executes one command for each transaction of a ledger, for up to `in_flight` accounts at once.
///
/// # Errors
/// [`ImportError`] when the ledger or the store fails as a whole. Malformed lines and rejected transactions are no
/// errors here: they stand in the report.
pub async fn import<S: EventStore, R: BufRead + Send + 'static>(
    store: &S,
    ledger: Ledger<R>,
    in_flight: NonZeroUsize,
    observer: impl Observer,
) -> Result<Report, ImportError> {
    let started = Instant::now();
    let observer: Arc<dyn Observer> = Arc::new(observer);
    let stop = Arc::new(AtomicBool::new(false));

    let mut workers = JoinSet::new();
    let mut queues = Vec::new();
    for _ in 0..in_flight.get() {
        let (queue, entries) = mpsc::channel(QUEUE);
        queues.push(queue);
        workers.spawn(Worker::new(store, Arc::clone(&observer), Arc::clone(&stop)).run(entries));
    }
    // Files are read where blocking is allowed: the ledger may be a pipe that is slow to fill.
    let reader = tokio::task::spawn_blocking(move || distribute(ledger, &queues, observer.as_ref()));

    let mut report = Report::default();
    let mut failure = None;
    while let Some(outcome) = workers.join_next().await {
        match outcome.map_err(ImportError::from).and_then(|outcome| outcome) {
            Ok(tally) => report.add(tally),
            Err(error) => {
                // The others finish the command they are at, and the reader stops when nobody takes its lines.
                stop.store(true, Ordering::Relaxed);
                failure.get_or_insert(error);
            }
        }
    }
    let read = reader.await?;
    if let Some(error) = failure {
        return Err(error);
    }
    (report.lines, report.malformed) = read?;
    report.elapsed = started.elapsed();
    Ok(report)
}

/// Reads the ledger and hands each transaction to the worker of its account; answers how many lines there were, and
/// how many of them malformed.
fn distribute<R: BufRead>(
    ledger: Ledger<R>,
    queues: &[mpsc::Sender<Entry>],
    observer: &dyn Observer,
) -> Result<(u64, u64), LedgerError> {
    let (mut lines, mut malformed) = (0, 0);
    for entry in ledger {
        lines += 1;
        match entry {
            Ok(entry) => {
                if queues[worker_of(&entry.transaction.account, queues.len())].blocking_send(entry).is_err() {
                    break;
                }
            }
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => {
                malformed += 1;
                observer.malformed(&error);
            }
        }
    }
    Ok((lines, malformed))
}

/// The worker that serves an account: always the same, so that its transactions stay in order.
fn worker_of(account: &AccountId, workers: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    account.hash(&mut hasher);
    // The remainder is smaller than `workers`, and so fits.
    usize::try_from(hasher.finish() % workers as u64).unwrap_or_default()
}
