//! The frontier: how far the order of all events is settled, so that no reader ever misses one.
//!
//! Positions are drawn before the commit, and transactions commit out of order: a position below the highest visible
//! one may still be filled. A reader therefore goes on only over positions that are settled, visible for good or dead:
//!
//! 1. Visible positions that follow the last settled one without a hole are settled: there is nothing to wait for.
//! 2. At a hole: take the highest visible position H; then the set of transactions that hold the lock which a writer
//!    takes before it draws a position and keeps until it ends. The owner of every hole below H is in it, or has ended.
//! 3. When all of them have ended, whatever is still missing up to H in a fresh snapshot is dead.
//!
//! Each step is a statement of its own, in this order, and each sees what is committed when it starts. No time-out
//! decides anything: where writers do not end, the read ends before the hole, and a later read goes on there.
//! `DESIGN.md` has the proof.

use std::collections::HashSet;

use es_core::{
    recorded::Position,
    store::{StoreError, Unavailable},
};
use sqlx::Row as _;
use tokio::time::{Duration, Instant, sleep};

use super::{DOING, Settled};
use crate::{
    error,
    row::{unreadable, unsigned},
    store::Parts,
};

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// As far as can be known now.
pub(super) async fn advance(parts: &Parts) -> Result<Settled, StoreError> {
    let lease = parts.connections.lease().await?;
    let history = lease.history();
    lease.give_back();
    let known = parts
        .frontier
        .settled()
        .filter(|known| known.history == history)
        .map_or(Position::START, |known| known.position);
    Ok(Settled { position: prove(parts).await?.unwrap_or(known), history })
}

/// A position up to which everything is settled; `None` where unfinished writers keep it from being known.
async fn prove(parts: &Parts) -> Result<Option<Position>, StoreError> {
    // The order of these two statements is the proof. See the head of this file.
    let highest = highest(parts).await?;
    let mut pending = Pending::default();
    pending.begin(writers(parts).await?);
    let deadline = Instant::now() + parts.config.settle_timeout;
    let mut pause = FIRST_PAUSE;
    while !pending.members.is_empty() {
        if Instant::now() >= deadline {
            return Ok(None);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        pending.poll(&writers(parts).await?);
    }
    Ok(Some(highest))
}

async fn highest(parts: &Parts) -> Result<Position, StoreError> {
    let rows = parts
        .connections
        .fetch(|| sqlx::query(parts.statements.frontier_highest.clone()))
        .await
        .map_err(|failure| error::store_error(DOING, failure))?;
    let highest: Option<i64> = match rows.first() {
        Some(row) => row.try_get(0).map_err(unreadable)?,
        None => None,
    };
    Ok(Position::new(unsigned(highest.unwrap_or(0))))
}

/// A transaction that may own positions which cannot be seen yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Writer {
    /// Its virtual transaction id, such as `4/1234`; that of a prepared one survives a restart only as `-1/xid`.
    transaction: String,
    /// Whether it has no process: it is prepared.
    prepared: bool,
}

impl Writer {
    /// A virtual transaction id with the local part 0 is that of a process between transactions.
    fn has_ended(&self) -> bool {
        self.transaction.ends_with("/0")
    }
}

async fn writers(parts: &Parts) -> Result<Vec<Writer>, StoreError> {
    let rows = parts
        .connections
        .fetch(|| sqlx::query(parts.statements.frontier_writers.clone()))
        .await
        .map_err(|failure| error::store_error(DOING, failure))?;
    let mut writers = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.try_get::<bool, _>(2).map_err(unreadable)? {
            let reason = "it is a standby, which cannot see the primary's writers; read all events from the primary";
            return Err(Unavailable::new(reason, "pg_is_in_recovery() is true").into());
        }
        if let Some(transaction) = row.try_get(0).map_err(unreadable)? {
            writers.push(Writer { transaction, prepared: row.try_get(1).map_err(unreadable)? });
        }
    }
    Ok(writers)
}

/// The writers that a proof waits for.
#[derive(Debug, Default)]
struct Pending {
    members: HashSet<String>,
}

impl Pending {
    fn begin(&mut self, writers: Vec<Writer>) {
        self.members =
            writers.into_iter().filter(|writer| !writer.has_ended()).map(|writer| writer.transaction).collect();
    }

    /// Takes out those that have ended. A member that is gone may have been prepared, and after a crash a prepared
    /// transaction has another name: so whenever one is gone, every prepared one seen in the same moment takes its
    /// place.
    fn poll(&mut self, writers: &[Writer]) {
        let running: HashSet<&str> =
            writers.iter().filter(|writer| !writer.has_ended()).map(|writer| writer.transaction.as_str()).collect();
        let before = self.members.len();
        self.members.retain(|member| running.contains(member.as_str()));
        if self.members.len() < before {
            let prepared = writers.iter().filter(|writer| writer.prepared && !writer.has_ended());
            self.members.extend(prepared.map(|writer| writer.transaction.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pending, Writer};

    fn writer(transaction: &str, prepared: bool) -> Writer {
        Writer { transaction: transaction.to_owned(), prepared }
    }

    #[test]
    fn members_leave_when_they_end_and_newcomers_do_not_count() {
        let mut pending = Pending::default();
        pending.begin(vec![writer("3/10", false), writer("4/20", false), writer("5/0", false)]);
        assert_eq!(pending.members.len(), 2);
        pending.poll(&[writer("4/20", false), writer("3/11", false)]);
        assert_eq!(pending.members.iter().collect::<Vec<_>>(), ["4/20"]);
        pending.poll(&[writer("3/11", false)]);
        assert!(pending.members.is_empty());
    }

    #[test]
    fn a_prepared_transaction_that_changed_its_name_in_a_crash_is_adopted() {
        let mut pending = Pending::default();
        pending.begin(vec![writer("3/10", false)]);
        pending.poll(&[writer("-1/777", true), writer("6/1", false)]);
        assert_eq!(pending.members.iter().collect::<Vec<_>>(), ["-1/777"]);
        pending.poll(&[]);
        assert!(pending.members.is_empty());
    }
}
