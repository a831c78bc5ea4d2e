//! Who runs what, by the clock of the machine. One writes at a time, so whoever writes sees what is so.

use std::time::Duration;

use es_core::{
    projection::{Claim, EngineId, EngineInfo, ShardId},
    recorded::Position,
    store::{StoreError, Unavailable},
};
use sqlx::SqliteConnection;

use super::{
    changes::of_shard,
    fence::of_claim,
    sql::{lease_end, microseconds, now, pairs},
};
use crate::{
    connections::Writing,
    error,
    row::{natural, unreadable},
    store::Parts,
};

const ALIVE: &str = "saying that an engine is alive";
const CLAIMING: &str = "claiming a projection";
const RELEASING: &str = "releasing a projection";
const LEAVING: &str = "removing an engine";

/// How long whoever claims waits for the file: there will be another time.
const CLAIM_PATIENCE: Duration = Duration::from_millis(100);

/// ?1 engine, ?2 label, ?3 what it runs, ?4 up to when its lease has to last at least.
const IS_KNOWN: &str = "
    select 1 from es_projection_engines where engine = ?1 and label = ?2 and projections = ?3 and expires_at >= ?4";

/// ?1 engine, ?2 label, ?3 what it runs, ?4 when its lease ends.
const IS_ALIVE: &str = "
    insert into es_projection_engines (engine, label, projections, expires_at) values (?1, ?2, ?3, ?4)
    on conflict (engine) do update
    set label = excluded.label, projections = excluded.projections, expires_at = excluded.expires_at";

/// ?1 this moment.
const GONE: &str = "delete from es_projection_engines where expires_at <= ?1";

/// Whether a claim holds whose lease ends before that. ?1 to ?5 the claim, ?6 that moment.
const RUNS_OUT: &str = "
    select 1 from es_projection_shards
    where name = ?1 and version = ?2 and shard = ?3 and engine = ?4 and epoch = ?5 and expires_at < ?6";

/// ?1 to ?5 the claim, ?6 when its lease ends.
const RENEW: &str = "
    update es_projection_shards set expires_at = ?6
    where name = ?1 and version = ?2 and shard = ?3 and engine = ?4 and epoch = ?5";

/// Whether a shard may be claimed. ?1 name, ?2 version, ?3 shard, ?4 engine, ?5 this moment.
const IS_FREE: &str = "
    select 1 from es_projection_shards
    where name = ?1 and version = ?2 and shard = ?3
      and (engine is null or engine = ?4 or coalesce(expires_at, 0) <= ?5)";

/// Answers a row where it did. ?1 to ?5 as above, ?6 label, ?7 when the lease ends.
const CLAIM: &str = "
    update es_projection_shards set engine = ?4, label = ?6, epoch = epoch + 1, expires_at = ?7
    where name = ?1 and version = ?2 and shard = ?3
      and (engine is null or engine = ?4 or coalesce(expires_at, 0) <= ?5)
    returning epoch, position";

/// ?1 to ?5 the claim.
const RELEASE: &str = "
    update es_projection_shards set engine = null, label = null, expires_at = null
    where name = ?1 and version = ?2 and shard = ?3 and engine = ?4 and epoch = ?5";

/// Says that an engine is alive, and renews its claims. Each commit waits for the disk, so it writes only when half of a lease is
/// over, or something is new.
///
/// A claim whose transaction is open is renewed too, as other processes know nothing of that; but not one whose transaction was
/// abandoned.
pub(super) async fn keep_alive(parts: &Parts, engine: &EngineInfo, held: &[Claim]) -> Result<(), StoreError> {
    let failed = |source| error::store_error(ALIVE, source);
    let held: Vec<_> = held.iter().filter(|claim| is_worked_on(parts, claim)).collect();
    let late = now().saturating_add(microseconds(engine.lease) / 2);
    let mut reader = parts.connections.reading()?.acquire().await.map_err(failed)?;
    let known = of_engine(IS_KNOWN, engine).bind(late).fetch_optional(&mut *reader).await.map_err(failed)?;
    let mut is_due = known.is_none();
    for claim in &held {
        let runs_out = of_claim(RUNS_OUT, claim).bind(late).fetch_optional(&mut *reader).await.map_err(failed)?;
        is_due |= runs_out.is_some();
    }
    drop(reader);
    if !is_due {
        return Ok(());
    }
    let mut writing = parts.connections.pen().begin(ALIVE, "an engine that said that it is alive").await?;
    let outcome = match writing.connection() {
        Ok(connection) => renew(connection, engine, &held).await.map_err(failed),
        Err(gone) => Err(gone),
    };
    finish(writing, outcome, ALIVE).await
}

/// Whether a claim's transaction, if one is open, is not abandoned.
fn is_worked_on(parts: &Parts, claim: &Claim) -> bool {
    let open = parts.projections.registry.of(claim.shard);
    open.is_none_or(|open| open.abandoned_at().is_some_and(|until| until > tokio::time::Instant::now()))
}

async fn renew(connection: &mut SqliteConnection, engine: &EngineInfo, held: &[&Claim]) -> Result<(), sqlx::Error> {
    let (now, until) = (now(), lease_end(now(), engine.lease));
    sqlx::query(GONE).bind(now).execute(&mut *connection).await?;
    of_engine(IS_ALIVE, engine).bind(until).execute(&mut *connection).await?;
    for claim in held {
        of_claim(RENEW, claim).bind(until).execute(&mut *connection).await?;
    }
    Ok(())
}

fn of_engine(
    sql: &'static str,
    engine: &EngineInfo,
) -> sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
    sqlx::query(sql).bind(engine.id.to_string()).bind(engine.label.clone()).bind(pairs(&engine.projections))
}

/// Claims a shard, if that can be done at once.
pub(super) async fn claim(parts: &Parts, engine: &EngineInfo, shard: ShardId) -> Result<Option<Claim>, StoreError> {
    let failed = |source| error::store_error(CLAIMING, source);
    if parts.projections.registry.is_open(shard).await {
        return Ok(None);
    }
    let about = |sql| of_shard(sql, shard).bind(engine.id.to_string()).bind(now());
    let free = about(IS_FREE).fetch_optional(parts.connections.reading()?).await.map_err(failed)?;
    if free.is_none() {
        return Ok(None);
    }
    let pen = parts.connections.pen();
    let mut writing = match pen.begin_within(CLAIM_PATIENCE, CLAIMING, "a claim to a projection").await {
        Ok(writing) => writing,
        Err(error) if error.is_closed() => return Err(error),
        Err(StoreError::Unavailable(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    // Looked at again: it may have been opened while we waited for the file.
    let claimed = if parts.projections.registry.of(shard).is_some() {
        Ok(None)
    } else {
        let claim = about(CLAIM).bind(engine.label.clone()).bind(lease_end(now(), engine.lease));
        match writing.connection() {
            Ok(connection) => claim.fetch_optional(connection).await.map_err(failed),
            Err(gone) => Err(gone),
        }
    };
    let Some(row) = finish(writing, claimed, CLAIMING).await? else { return Ok(None) };
    let (epoch, position) = (natural(&row, 0).map_err(unreadable)?, natural(&row, 1).map_err(unreadable)?);
    Ok(Some(Claim::new(shard, engine.id, epoch, Position::new(position), engine.lease)))
}

pub(super) async fn release(parts: &Parts, claim: &Claim) -> Result<(), StoreError> {
    parts.projections.registry.when_ended(|open| (open.shard, open.epoch) == (claim.shard, claim.epoch)).await;
    let mut writing = parts.connections.pen().begin(RELEASING, "the release of a projection").await?;
    let released = match writing.connection() {
        Ok(connection) => of_claim(RELEASE, claim).execute(connection).await,
        Err(gone) => return Err(gone),
    };
    finish(writing, released.map(drop).map_err(|source| error::store_error(RELEASING, source)), RELEASING).await
}

pub(super) async fn leave(parts: &Parts, engine: EngineId) -> Result<(), StoreError> {
    parts.projections.registry.when_ended(|open| open.engine == engine).await;
    let mut writing = parts.connections.pen().begin(LEAVING, "an engine that left").await?;
    let left = match writing.connection() {
        Ok(connection) => remove(connection, engine).await.map_err(|source| error::store_error(LEAVING, source)),
        Err(gone) => Err(gone),
    };
    finish(writing, left, LEAVING).await
}

async fn remove(connection: &mut SqliteConnection, engine: EngineId) -> Result<(), sqlx::Error> {
    for sql in [
        "delete from es_projection_engines where engine = ?1",
        "update es_projection_shards set engine = null, label = null, expires_at = null where engine = ?1",
    ] {
        sqlx::query(sql).bind(engine.to_string()).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Commits where all went well, and undoes what was done where not.
pub(crate) async fn finish<T>(
    writing: Writing,
    outcome: Result<T, StoreError>,
    doing: &'static str,
) -> Result<T, StoreError> {
    match outcome {
        Ok(outcome) => match writing.commit(doing).await {
            Ok(()) => Ok(outcome),
            Err(uncommitted) if uncommitted.uncertain && !uncommitted.error.is_unavailable() => {
                Err(Unavailable::new(format!("it is not known what came of {doing}"), uncommitted.error).into())
            }
            Err(uncommitted) => Err(uncommitted.error),
        },
        Err(error) => {
            writing.rollback().await;
            Err(error)
        }
    }
}
