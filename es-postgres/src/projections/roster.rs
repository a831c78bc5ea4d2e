//! Who is there, and where all shards stand.

use es_core::{
    projection::{Activity, EngineId, Failure, ProjectionId, Roster, ShardId, ShardState},
    recorded::Position,
    store::StoreError,
};
use sqlx::{Row as _, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{
    sql::{integer, natural},
    transaction::failed,
};
use crate::{
    row::{unreadable, unsigned},
    store::Parts,
};

const LOOKING: &str = "looking at projections";

/// What there is of these projections; if asked for, with all other versions that are kept.
pub(super) async fn roster(parts: &Parts, projections: &[ProjectionId], all: bool) -> Result<Roster, StoreError> {
    let statements = &parts.projections.statements;
    let engines = parts.connections.fetch(|| sqlx::query(statements.engines.clone())).await;
    let engines = engines.map_err(|failure| failed(LOOKING, failure))?;
    let names: Vec<_> = projections.iter().map(|id| id.name).collect();
    let versions: Vec<_> = projections.iter().map(|id| integer(id.version)).collect();
    let query = || sqlx::query(statements.roster.clone()).bind(&names).bind(&versions).bind(all);
    let rows = parts.connections.fetch(query).await.map_err(|failure| failed(LOOKING, failure))?;
    read(projections, &engines, &rows).map_err(unreadable)
}

fn read(projections: &[ProjectionId], engines: &[PgRow], rows: &[PgRow]) -> Result<Roster, sqlx::Error> {
    let engines = engines.iter().map(|row| engine(projections, row)).collect::<Result<_, _>>()?;
    let (mut shards, mut active) = (Vec::new(), Vec::new());
    for row in rows {
        let place = usize::try_from(row.try_get::<i64, _>(0)? - 1).unwrap_or(usize::MAX);
        let Some(wanted) = projections.get(place) else { continue };
        let readers_see = ProjectionId { version: natural(row.try_get(1)?), ..*wanted };
        if !active.contains(&readers_see) {
            active.push(readers_see);
        }
        if let Some(version) = row.try_get::<Option<i32>, _>(2)? {
            shards.push(shard(ProjectionId { version: natural(version), ..*wanted }, row)?);
        }
    }
    Ok(Roster::new(engines, shards, active))
}

/// An engine, with those of our projections that it runs too.
fn engine(projections: &[ProjectionId], row: &PgRow) -> Result<(EngineId, Vec<ProjectionId>), sqlx::Error> {
    let (names, versions): (Vec<String>, Vec<i32>) = (row.try_get(1)?, row.try_get(2)?);
    let runs = |id: &&ProjectionId| {
        names.iter().zip(&versions).any(|(name, &version)| name == id.name && natural(version) == id.version)
    };
    let shared = projections.iter().filter(runs).copied().collect();
    Ok((EngineId::from_uuid(row.try_get(0)?), shared))
}

fn shard(projection: ProjectionId, row: &PgRow) -> Result<ShardState, sqlx::Error> {
    let shard = ShardId { projection, shard: natural(row.try_get(3)?) };
    let mut state = ShardState::new(shard, Position::new(unsigned(row.try_get(4)?)), row.try_get(13)?);
    state.activity = Activity::of_name(row.try_get(5)?)
        .ok_or_else(|| sqlx::Error::Decode("a shard is neither running nor paused nor stopped".into()))?;
    let owner: Option<Uuid> = row.try_get(6)?;
    let label: Option<String> = row.try_get(7)?;
    state.owner = owner.map(|owner| (EngineId::from_uuid(owner), label.unwrap_or_default()));
    state.applied = unsigned(row.try_get(8)?);
    state.parked = unsigned(row.try_get(9)?);
    state.skipped = unsigned(row.try_get(10)?);
    state.redrive = row.try_get::<Option<i64>, _>(11)?.map(unsigned);
    state.failure = row.try_get::<Option<Json<Failure>>, _>(12)?.map(|Json(failure)| failure);
    Ok(state)
}
