//! A batch: one transaction, behind a fence.

use std::{fmt, sync::Arc};

use es_core::{
    projection::{Advance, Claim, ProjectionId},
    store::{Misconfigured, StoreError, Unavailable},
};
use sqlx::{
    AssertSqlSafe, Executor as _, PgConnection, Postgres, Row as _, SqlSafeStr as _, SqlStr,
    error::DatabaseError,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::{
    context::PgContext,
    sql::{inlined, integer, literal, milliseconds},
};
use crate::{
    connections::{Failure, Kept},
    error,
    row::{signed, unreadable},
    store::Parts,
};

const BEGINNING: &str = "beginning a batch of a projection";
const COMMITTING: &str = "committing a batch of a projection";

/// An open transaction of a batch. Dropped, it has done nothing: its connection closes.
pub struct PgTransaction {
    parts: Arc<Parts>,
    kept: Kept,
    projection: ProjectionId,
    /// Its name in the database, by which it is known at its end.
    number: String,
    /// Whether a handler had the connection, and may have changed settings.
    used: bool,
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for PgTransaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PgTransaction").field("projection", &self.projection).finish_non_exhaustive()
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
    let (kept, rows) = match open(parts, advance, sql.clone()).await {
        Err(Failure::Lost(_)) => open(parts, advance, sql).await,
        answer => answer,
    }
    .map_err(|failure| failed(BEGINNING, failure))?;
    let Some(mut kept) = kept else { return Ok(None) };
    let projection = claim.shard.projection;
    if let Some(row) = rows.first() {
        let number = row.try_get(0).map_err(unreadable)?;
        return Ok(Some(PgTransaction {
            parts: Arc::clone(parts),
            kept,
            projection,
            number,
            used: false,
            _permit: permit,
        }));
    }
    if kept.connection().execute("rollback").await.is_ok() {
        parts.connections.take_back(kept);
    }
    Ok(None)
}

/// A connection within a transaction, and the fence's answer; no connection where it is one of another history.
async fn open(parts: &Parts, advance: &Advance, sql: SqlStr) -> Result<(Option<Kept>, Vec<PgRow>), Failure> {
    let mut kept = parts.connections.lease().await.map_err(Failure::NotSent)?.keep();
    if kept.history() != advance.history {
        // It may be one that was opened before the server took over, so it is not used again.
        return Ok((None, Vec::new()));
    }
    match sqlx::raw_sql(sql).fetch_all(kept.connection()).await {
        Ok(rows) => Ok((Some(kept), rows)),
        Err(error) => {
            let failure = error::failure(error);
            if matches!(failure, Failure::Lost(_)) {
                parts.connections.distrust();
            }
            Err(failure)
        }
    }
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

/// An owner that has frozen is ended by the server when its lease has run out, so that it holds nobody up. Statements of
/// handlers get plans of their own, as they would elsewhere; those of read models keep one plan for any number of keys.
fn opening(parts: &Parts, claim: &Claim, advance: &Advance) -> SqlStr {
    let lease = milliseconds(claim.lease);
    let id = claim.shard.projection;
    let plans = if parts.projections.tables.has(id) { "" } else { "set local plan_cache_mode = auto; " };
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
            lease.to_string(),
        ],
    );
    let sql = format!(
        "begin isolation level read committed; set local idle_in_transaction_session_timeout = {lease}; \
         set local statement_timeout = {lease}; {plans}{}",
        fence.as_str()
    );
    AssertSqlSafe(sql).into_sql_str()
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
        PgContext::new(self.kept.connection(), self.projection, &mut self.used)
    }

    /// Sends a statement of ours.
    pub(super) async fn fetch(
        &mut self,
        doing: &'static str,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let answer = query.fetch_all(self.kept.connection()).await;
        answer.map_err(|source| match error::failure(source) {
            // The store's own tables are there: it is a read model's that is not.
            Failure::Refused(source) if code_is(&source, "42P01") || code_is(&source, "42703") => {
                StoreError::Backend { doing, source: source.into() }
            }
            failure => failed(doing, failure),
        })
    }

    /// Commits, if it still is the transaction that has passed the fence, and has not failed: of one that has failed the
    /// server would say that it was ended, and nothing more.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let check = format!(
            "select 1 / (pg_current_xact_id_if_assigned() is not distinct from '{}'::xid8)::integer; commit",
            self.number
        );
        match self.end(check).await {
            Ok(()) => {
                self.parts.connections.take_back(self.kept);
                Ok(())
            }
            // 22012: the division by zero of the check.
            Err(source) if code_is(&source, "22012") => {
                let reason = format!(
                    "a handler of `{}` has ended the transaction of its batch; leave `commit` and `rollback` to the engine",
                    self.projection.name
                );
                Err(Misconfigured::new(reason, Some(source.into())).into())
            }
            Err(source) => Err(failed(COMMITTING, error::failure(source))),
        }
    }

    pub(super) async fn rollback(mut self) {
        if self.end("rollback".to_owned()).await.is_ok() {
            self.parts.connections.take_back(self.kept);
        }
    }

    /// Ends the transaction, and in the same message undoes what a handler may have set for the session.
    async fn end(&mut self, mut sql: String) -> Result<(), sqlx::Error> {
        if self.used {
            sql.push_str("; reset all; reset role; unlisten *; select pg_advisory_unlock_all(); discard temp");
        }
        let connection: &mut PgConnection = self.kept.connection();
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop)
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
