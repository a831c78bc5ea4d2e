//! Events that could not be projected: kept, looked at, tried again.

use es_core::{
    projection::{Claim, DeadLetter, Failure, ProjectionId, ShardId},
    recorded::Position,
    store::{StoreError, StoredEvent},
};
use sqlx::{Row as _, postgres::PgRow, types::Json};

use super::{
    sql::{integer, natural},
    transaction::{PgTransaction, failed},
};
use crate::{
    row::{self, signed, unreadable},
    store::Parts,
};

const SETTING_ASIDE: &str = "setting events aside";
const LOOKING: &str = "looking at events that were set aside";

/// A failure as it is stored. Its text is of whoever made the error, and PostgreSQL keeps no NUL.
fn stored(failure: &Failure) -> Result<String, StoreError> {
    let message = failure.message.replace('\0', "\u{fffd}");
    let failure = Failure::new(failure.position, failure.event_type.clone(), message, failure.attempts);
    serde_json::to_string(&failure)
        .map_err(|source| StoreError::Backend { doing: SETTING_ASIDE, source: source.into() })
}

pub(super) async fn set_aside(
    parts: &Parts,
    transaction: &mut PgTransaction,
    letters: &[DeadLetter],
) -> Result<(), StoreError> {
    if letters.is_empty() {
        return Ok(());
    }
    let failures = letters.iter().map(|letter| stored(&letter.failure)).collect::<Result<Vec<_>, _>>()?;
    let projections = letters.iter().map(|letter| letter.shard.projection);
    let query = sqlx::query(parts.projections.statements.set_aside.clone())
        .bind(projections.clone().map(|id| id.name).collect::<Vec<_>>())
        .bind(projections.map(|id| integer(id.version)).collect::<Vec<_>>())
        .bind(letters.iter().map(|letter| integer(letter.shard.shard)).collect::<Vec<_>>())
        .bind(letters.iter().map(|letter| letter.key.as_str()).collect::<Vec<_>>())
        .bind(letters.iter().map(|letter| signed(letter.position.get())).collect::<Vec<_>>())
        .bind(letters.iter().map(|letter| letter.skipped).collect::<Vec<_>>())
        .bind(failures);
    transaction.fetch(SETTING_ASIDE, query).await.map(drop)
}

pub(super) async fn stop(parts: &Parts, claim: &Claim, from: Position, failure: &Failure) -> Result<bool, StoreError> {
    let (shard, failure) = (claim.shard, stored(failure)?);
    let query = || {
        sqlx::query(parts.projections.statements.stop.clone())
            .bind(shard.projection.name)
            .bind(integer(shard.projection.version))
            .bind(integer(shard.shard))
            .bind(claim.engine.as_uuid())
            .bind(signed(claim.epoch))
            .bind(signed(from.get()))
            .bind(&failure)
    };
    let rows = parts.connections.fetch(query).await.map_err(|failure| failed("stopping a projection", failure))?;
    Ok(!rows.is_empty())
}

pub(super) async fn parked_keys(parts: &Parts, shard: ShardId) -> Result<Vec<String>, StoreError> {
    let query = || {
        sqlx::query(parts.projections.statements.parked_keys.clone())
            .bind(shard.projection.name)
            .bind(integer(shard.projection.version))
            .bind(integer(shard.shard))
    };
    let rows = parts.connections.fetch(query).await.map_err(|failure| failed(LOOKING, failure))?;
    rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(unreadable)
}

pub(super) async fn parked_events(
    parts: &Parts,
    shard: ShardId,
    key: &str,
    limit: u32,
) -> Result<Vec<StoredEvent>, StoreError> {
    let query = || {
        sqlx::query(parts.projections.statements.parked_events.clone())
            .bind(shard.projection.name)
            .bind(integer(shard.projection.version))
            .bind(integer(shard.shard))
            .bind(key)
            .bind(i64::from(limit))
    };
    let rows = parts.connections.fetch(query).await.map_err(|failure| failed(LOOKING, failure))?;
    row::events(&rows)
}

pub(super) async fn dead_letters(
    parts: &Parts,
    projection: ProjectionId,
    limit: u32,
) -> Result<Vec<(DeadLetter, StoredEvent)>, StoreError> {
    let query = || {
        sqlx::query(parts.projections.statements.dead_letters.clone())
            .bind(projection.name)
            .bind(integer(projection.version))
            .bind(i64::from(limit))
    };
    let rows = parts.connections.fetch(query).await.map_err(|failure| failed(LOOKING, failure))?;
    rows.iter().map(|row| letter(projection, row)).collect::<Result<_, _>>().map_err(unreadable)
}

fn letter(projection: ProjectionId, row: &PgRow) -> Result<(DeadLetter, StoredEvent), sqlx::Error> {
    let event = row::event_of_any_stream(row)?;
    let shard = ShardId { projection, shard: natural(row.try_get(10)?) };
    let Json(failure) = row.try_get(13)?;
    let make = if row.try_get(12)? { DeadLetter::skipped } else { DeadLetter::parked };
    Ok((make(shard, row.try_get(11)?, event.position, failure), event))
}

pub(super) async fn unpark(
    parts: &Parts,
    transaction: &mut PgTransaction,
    shard: ShardId,
    key: &str,
    upto: Position,
) -> Result<bool, StoreError> {
    let query = sqlx::query(parts.projections.statements.unpark.clone())
        .bind(shard.projection.name)
        .bind(integer(shard.projection.version))
        .bind(integer(shard.shard))
        .bind(key)
        .bind(signed(upto.get()));
    let rows = transaction.fetch("removing parked events", query).await?;
    rows.first().map_or(Err(sqlx::Error::RowNotFound), |row| row.try_get(0)).map_err(unreadable)
}

pub(super) async fn redriven(
    parts: &Parts,
    transaction: &mut PgTransaction,
    shard: ShardId,
    wish: u64,
) -> Result<(), StoreError> {
    let query = sqlx::query(parts.projections.statements.redriven.clone())
        .bind(shard.projection.name)
        .bind(integer(shard.projection.version))
        .bind(integer(shard.shard))
        .bind(signed(wish));
    transaction.fetch("ending a redrive", query).await.map(drop)
}
