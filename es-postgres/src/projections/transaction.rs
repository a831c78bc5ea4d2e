//! A batch: one transaction, behind a fence.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use es_core::{
    projection::{Advance, Claim},
    store::{Misconfigured, StoreError, Unavailable},
};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Postgres, SqlSafeStr as _, SqlStr,
    error::DatabaseError,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::{
    context::PgContext,
    sql::{inlined, integer, literal, milliseconds},
    transience::PASSED_OVER,
};
use crate::{
    connections::{Failure, Kept, answered_within},
    error,
    row::signed,
    store::Parts,
};

const BEGINNING: &str = "beginning a batch of a projection";
const COMMITTING: &str = "committing a batch of a projection";
/// Undoes what handlers have set for the session.
const FORGET: &str = "reset all; reset role; unlisten *; select pg_advisory_unlock_all(); discard temp";

/// How a look within a message of several statements says no, so that those behind it are not carried out.
const DIVISION_BY_ZERO: &str = "22012";

/// An open transaction of a batch. Dropped, it has done nothing: its connection closes.
pub struct PgTransaction {
    parts: Arc<Parts>,
    kept: Kept,
    claim: Claim,
    /// Whether a handler had the connection: it may have ended the transaction, and changed settings of the session.
    used: bool,
    /// Whether a statement of ours has failed, or was given up, so that there is nothing to commit.
    failed: bool,
    /// Whether the server no longer answers.
    lost: bool,
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for PgTransaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PgTransaction").field("claim", &self.claim).finish_non_exhaustive()
    }
}

/// Opens a transaction, with the fence as its first statement, all in one message.
pub(super) async fn begin(
    parts: &Arc<Parts>,
    claim: &Claim,
    advance: &Advance,
) -> Result<Option<PgTransaction>, StoreError> {
    let permit = permit(parts).await?;
    let sql = opening(parts, claim, advance);
    // Where a connection turns out to be dead nothing has happened: once more, on a new one.
    let longest = longest_silence(parts, claim);
    let kept = match open(parts, advance, sql.clone(), longest).await {
        Err(Failure::Lost(_)) => open(parts, advance, sql, longest).await,
        answer => answer,
    };
    let kept = kept.map_err(|failure| failed(BEGINNING, failure))?;
    let open = |kept| PgTransaction {
        parts: Arc::clone(parts),
        kept,
        claim: *claim,
        used: false,
        failed: false,
        lost: false,
        _permit: permit,
    };
    Ok(kept.map(open))
}

/// A connection in a transaction that has passed the fence; `None` where it has not.
async fn open(parts: &Parts, advance: &Advance, sql: SqlStr, longest: Duration) -> Result<Option<Kept>, Failure> {
    let mut kept = parts.connections.lease().await.map_err(Failure::NotSent)?.keep();
    if kept.history() != advance.history {
        // It may be one that was opened before the server took over, so it is not used again.
        return Ok(None);
    }
    let Err(error) = answered_within(longest, send(kept.connection(), sql)).await else { return Ok(Some(kept)) };
    if code_is(&error, DIVISION_BY_ZERO) {
        if parts.connections.answer(kept.connection().execute("rollback")).await.is_ok() {
            parts.connections.take_back(kept);
        }
        return Ok(None);
    }
    let failure = error::failure(error);
    if matches!(failure, Failure::Lost(_)) {
        parts.connections.distrust();
    }
    Err(failure)
}

/// Begins, so that the driver knows of it: what a handler begins on the connection is then a savepoint, and its end not that
/// of the batch.
///
/// The driver ends what it has begun by a value that borrows the connection, which cannot be kept beside it. Forgotten, it
/// leaves the connection counted as in a transaction from then on; nothing else of the store asks for that.
async fn send(connection: &mut PgConnection, sql: SqlStr) -> Result<(), sqlx::Error> {
    if connection.is_in_transaction() {
        return connection.execute(sqlx::raw_sql(sql)).await.map(drop);
    }
    std::mem::forget(connection.begin_with(sql).await?);
    Ok(())
}

async fn permit(parts: &Parts) -> Result<OwnedSemaphorePermit, StoreError> {
    let waited = parts.config.acquire_timeout;
    match timeout(waited, Arc::clone(&parts.projections.batches).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(closed)) => Err(Unavailable::closed(closed).into()),
        Err(elapsed) => {
            let reason =
                format!("half of its connections were busy with batches for {waited:?}; allow more connections");
            Err(Unavailable::new(reason, elapsed).into())
        }
    }
}

/// An owner that has frozen is ended by the server when its lease has run out, so that it holds nobody up. Statements get
/// plans of their own, as handlers' would elsewhere; for rows of read models it makes no difference.
fn opening(parts: &Parts, claim: &Claim, advance: &Advance) -> SqlStr {
    let id = claim.shard.projection;
    let fence = inlined(
        parts.projections.statements.fence.as_str(),
        &[
            literal(id.name),
            id.version.to_string(),
            claim.shard.shard.to_string(),
            literal(&claim.engine.as_uuid().to_string()),
            signed(claim.epoch).to_string(),
            signed(advance.from.get()).to_string(),
            signed(advance.to.get()).to_string(),
            signed(advance.applied).to_string(),
            milliseconds(claim.lease).to_string(),
        ],
    );
    let sql = format!(
        "begin isolation level read committed; {}; set local es.batch = {}; set local plan_cache_mode = auto; \
         with moved as ({}) select 1 / count(*) from moved",
        limits(claim),
        mark(claim),
        fence.as_str()
    );
    AssertSqlSafe(sql).into_sql_str()
}

/// How long the server may be silent: longer than it lets a statement take.
fn longest_silence(parts: &Parts, claim: &Claim) -> Duration {
    parts.connections.longest_silence.max(claim.lease.saturating_add(parts.config.answer_timeout))
}

/// How long the server lets the owner keep silent, or busy with one statement.
fn limits(claim: &Claim) -> String {
    let lease = milliseconds(claim.lease);
    format!("set local idle_in_transaction_session_timeout = {lease}; set local statement_timeout = {lease}")
}

/// What the transaction is marked with: gone with its end, whoever ends it.
fn mark(claim: &Claim) -> String {
    literal(&format!("{}/{}", claim.engine, claim.epoch))
}

/// The fence alone, in one statement.
pub(super) async fn advance(parts: &Parts, claim: &Claim, advance: &Advance) -> Result<bool, StoreError> {
    let shard = claim.shard;
    let fence = || -> Query<'_, Postgres, PgArguments> {
        sqlx::query(parts.projections.statements.fence.clone())
            .bind(shard.projection.name)
            .bind(integer(shard.projection.version))
            .bind(integer(shard.shard))
            .bind(claim.engine.as_uuid())
            .bind(signed(claim.epoch))
            .bind(signed(advance.from.get()))
            .bind(signed(advance.to.get()))
            .bind(signed(advance.applied))
            .bind(milliseconds(claim.lease))
    };
    for first in [true, false] {
        let lease = parts.connections.lease().await?;
        if lease.history() != advance.history {
            // Dropped, and so closed: as in `open`.
            return Ok(false);
        }
        match lease.fetch(fence()).await {
            // Where the first did take place the second says that the claim is void, and it is claimed anew.
            Err(Failure::Lost(_)) if first => {}
            answer => return answer.map(|rows| !rows.is_empty()).map_err(|failure| failed(BEGINNING, failure)),
        }
    }
    Ok(false)
}

impl PgTransaction {
    pub(super) fn context(&mut self) -> PgContext<'_> {
        PgContext::new(self.kept.connection(), self.claim.shard.projection, &mut self.used)
    }

    /// Sends a statement of ours.
    pub(super) async fn fetch(
        &mut self,
        doing: &'static str,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        // Also where nobody waits for its end.
        let before = std::mem::replace(&mut self.failed, true);
        let longest = longest_silence(&self.parts, &self.claim);
        let answer = answered_within(longest, query.fetch_all(self.kept.connection())).await;
        self.failed = before || answer.is_err();
        self.lost |= answer.as_ref().is_err_and(error::is_lost);
        answer.map_err(|source| match error::failure(source) {
            // The store's own tables are there: it is a read model's that is not.
            Failure::Refused(source) if code_is(&source, "42P01") || code_is(&source, "42703") => {
                StoreError::Backend { doing, source: source.into() }
            }
            failure => failed(doing, failure),
        })
    }

    /// Commits. Where handlers had the connection, only if it still is the transaction that has passed the fence, and no
    /// statement has failed in it: then the server would undo all, and say nothing. And undoes what they have set.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        if self.failed {
            let source = "a statement of the batch has failed, and was passed over".into();
            return Err(StoreError::Backend { doing: COMMITTING, source });
        }
        let sql = ending(&self.claim, self.used);
        let (connections, longest) = (&self.parts.connections, longest_silence(&self.parts, &self.claim));
        match answered_within(longest, self.kept.connection().execute(sqlx::raw_sql(AssertSqlSafe(sql)))).await {
            Ok(_) => {
                // Behind the commit nothing may fail any more but the connection, which is closed then.
                if !self.used || connections.answer(self.kept.connection().execute(FORGET)).await.is_ok() {
                    connections.take_back(self.kept);
                }
                Ok(())
            }
            Err(source) if code_is(&source, DIVISION_BY_ZERO) => {
                let reason = format!(
                    "a handler of `{}` has ended the transaction of its batch; leave `commit` and `rollback` to the engine",
                    self.claim.shard.projection.name
                );
                Err(Misconfigured::new(reason, None).into())
            }
            Err(source) if code_is(&source, "25P02") => {
                let source = PassedOver { projection: self.claim.shard.projection.name, source };
                Err(StoreError::Backend { doing: COMMITTING, source: source.into() })
            }
            Err(source) => Err(failed(COMMITTING, error::failure(source))),
        }
    }

    /// A connection that a handler had is closed: what it has set may not be undone with the transaction.
    pub(super) async fn rollback(mut self) {
        if self.lost {
            return;
        }
        let connections = &self.parts.connections;
        let undone = connections.answer(self.kept.connection().execute("rollback")).await;
        if undone.is_ok() && !self.used {
            connections.take_back(self.kept);
        }
    }
}

/// A batch cannot be committed, because of an error that nobody has told of.
#[derive(Debug)]
struct PassedOver {
    projection: &'static str,
    source: sqlx::Error,
}

impl fmt::Display for PassedOver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "in a batch of `{}` {PASSED_OVER}", self.projection)
    }
}

impl Error for PassedOver {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// The commit, in one message. Where handlers had the transaction it is looked whether it is the same still.
fn ending(claim: &Claim, used: bool) -> String {
    let mark = mark(claim);
    let end = format!("set local es.batch_end = {mark}; commit");
    if used {
        format!("select 1 / (current_setting('es.batch', true) is not distinct from {mark})::integer; {end}")
    } else {
        end
    }
}

fn code_is(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(DatabaseError::code).as_deref() == Some(code)
}

/// What the database says within a batch, or to somebody who has to wait for one. A lock that was waited for in vain is told
/// by its SQLSTATE: it is about no stream.
pub(super) fn failed(doing: &'static str, failure: Failure) -> StoreError {
    match failure {
        Failure::Refused(source) if error::is_held(&source) => StoreError::Backend { doing, source: source.into() },
        failure => error::store_error(doing, failure),
    }
}
