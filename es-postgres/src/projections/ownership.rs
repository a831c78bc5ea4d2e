//! Who runs what. All by the clock of the server, and by locks of rows, which work behind every pooler.

use es_core::{
    projection::{Claim, EngineId, EngineInfo, ShardId},
    recorded::Position,
    store::StoreError,
};
use sqlx::Row as _;

use super::{
    sql::{integer, milliseconds},
    transaction::failed,
};
use crate::{
    row::{signed, unreadable, unsigned},
    store::Parts,
};

const CLAIMING: &str = "claiming a projection";

pub(super) async fn keep_alive(parts: &Parts, engine: &EngineInfo, held: &[Claim]) -> Result<(), StoreError> {
    let names: Vec<_> = engine.projections.iter().map(|id| id.name).collect();
    let versions: Vec<_> = engine.projections.iter().map(|id| integer(id.version)).collect();
    let held_names: Vec<_> = held.iter().map(|claim| claim.shard.projection.name).collect();
    let held_versions: Vec<_> = held.iter().map(|claim| integer(claim.shard.projection.version)).collect();
    let shards: Vec<_> = held.iter().map(|claim| integer(claim.shard.shard)).collect();
    let epochs: Vec<_> = held.iter().map(|claim| signed(claim.epoch)).collect();
    let query = || {
        sqlx::query(parts.projections.statements.keep_alive.clone())
            .bind(engine.id.as_uuid())
            .bind(&engine.label)
            .bind(milliseconds(engine.lease))
            .bind(&names)
            .bind(&versions)
            .bind(&held_names)
            .bind(&held_versions)
            .bind(&shards)
            .bind(&epochs)
    };
    let answer = parts.connections.fetch(query).await;
    answer.map(drop).map_err(|failure| failed("saying that an engine is alive", failure))
}

pub(super) async fn claim(parts: &Parts, engine: &EngineInfo, shard: ShardId) -> Result<Option<Claim>, StoreError> {
    let query = || {
        sqlx::query(parts.projections.statements.claim.clone())
            .bind(shard.projection.name)
            .bind(integer(shard.projection.version))
            .bind(integer(shard.shard))
            .bind(engine.id.as_uuid())
            .bind(&engine.label)
            .bind(milliseconds(engine.lease))
    };
    // Sent twice, because the first answer was lost, it has another epoch: the one that is told.
    let rows = parts.connections.fetch(query).await.map_err(|failure| failed(CLAIMING, failure))?;
    let Some(row) = rows.first() else { return Ok(None) };
    let epoch = unsigned(row.try_get(0).map_err(unreadable)?);
    let position = Position::new(unsigned(row.try_get(1).map_err(unreadable)?));
    Ok(Some(Claim::new(shard, engine.id, epoch, position, engine.lease)))
}

pub(super) async fn release(parts: &Parts, claim: &Claim) -> Result<(), StoreError> {
    let shard = claim.shard;
    let query = || {
        sqlx::query(parts.projections.statements.release.clone())
            .bind(shard.projection.name)
            .bind(integer(shard.projection.version))
            .bind(integer(shard.shard))
            .bind(claim.engine.as_uuid())
            .bind(signed(claim.epoch))
    };
    parts.connections.fetch(query).await.map(drop).map_err(|failure| failed("releasing a projection", failure))
}

pub(super) async fn leave(parts: &Parts, engine: EngineId) -> Result<(), StoreError> {
    let statements = &parts.projections.statements;
    let leaving = |failure| failed("removing an engine", failure);
    let query = || sqlx::query(statements.leave.clone()).bind(engine.as_uuid());
    let open = parts.connections.fetch(query).await.map_err(leaving)?;
    if open.is_empty() {
        return Ok(());
    }
    let query = || sqlx::query(statements.leave_open.clone()).bind(engine.as_uuid());
    parts.connections.fetch(query).await.map(drop).map_err(leaving)
}
