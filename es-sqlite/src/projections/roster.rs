//! Who is there, and where all shards stand.

use es_core::{
    projection::{Activity, EngineId, Failure, ProjectionId, Roster, ShardId, ShardState},
    recorded::Position,
    store::StoreError,
};
use sqlx::{Row as _, sqlite::SqliteRow};
use uuid::Uuid;

use super::sql::{moment, now, pairs};
use crate::{
    error,
    row::{integer, is_null, natural, text, unreadable},
    store::Parts,
};

const LOOKING: &str = "looking at projections";

/// The engines that are alive. ?1 this moment.
const ENGINES: &str = "select engine, projections from es_projection_engines where expires_at > ?1 order by engine";

/// The shards of projections, and which version of each is active: at least a row for each that is known.
///
/// ?1 projections, as a JSON array of pairs, ?2 whether other versions are wanted too, ?3 this moment. The first column is the
/// place in the array. Indexes: the primary keys.
const SHARDS: &str = "
    select wanted.key, known.active, shards.version, shards.shard, shards.position, shards.activity,
           case when shards.expires_at > ?3 then shards.engine end, shards.label, shards.applied, shards.parked,
           shards.skipped, case when shards.redrive_wished > shards.redrive_done then shards.redrive_wished end,
           shards.failure, shards.updated_at
    from json_each(?1) as wanted
    join es_projections as known on known.name = json_extract(wanted.value, '$[0]')
    left join es_projection_shards as shards
      on shards.name = known.name
      and (shards.version = json_extract(wanted.value, '$[1]') or ?2)
    order by wanted.key, shards.version, shards.shard";

/// What there is of these projections; if asked for, with the other versions that are kept.
pub(super) async fn roster(parts: &Parts, projections: &[ProjectionId], others: bool) -> Result<Roster, StoreError> {
    let failed = |source| error::store_error(LOOKING, source);
    let mut reader = parts.connections.reading()?.acquire().await.map_err(failed)?;
    let engines = sqlx::query(ENGINES).bind(now()).fetch_all(&mut *reader).await.map_err(failed)?;
    let shards = sqlx::query(SHARDS).bind(pairs(projections)).bind(others).bind(now());
    let shards = shards.fetch_all(&mut *reader).await.map_err(failed)?;
    drop(reader);
    read(projections, &engines, &shards).map_err(unreadable)
}

fn read(projections: &[ProjectionId], engines: &[SqliteRow], rows: &[SqliteRow]) -> Result<Roster, sqlx::Error> {
    let mut engines = engines.iter().map(|row| engine(projections, row)).collect::<Result<Vec<_>, _>>()?;
    engines.sort_by_key(|(engine, _)| *engine);
    let (mut shards, mut active) = (Vec::new(), Vec::new());
    for row in rows {
        let place = usize::try_from(natural(row, 0)?).unwrap_or(usize::MAX);
        let Some(wanted) = projections.get(place) else { continue };
        let readers_see = ProjectionId { version: small(row, 1)?, ..*wanted };
        if !active.contains(&readers_see) {
            active.push(readers_see);
        }
        if !is_null(row, 2)? {
            shards.push(shard(ProjectionId { version: small(row, 2)?, ..*wanted }, row)?);
        }
    }
    Ok(Roster::new(engines, shards, active))
}

fn small(row: &SqliteRow, column: usize) -> Result<u32, sqlx::Error> {
    Ok(super::sql::natural(integer(row, column)?))
}

/// An engine, with those of our projections that it runs too.
fn engine(projections: &[ProjectionId], row: &SqliteRow) -> Result<(EngineId, Vec<ProjectionId>), sqlx::Error> {
    let runs: Vec<(String, u32)> =
        serde_json::from_str(text(row, 1)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let is_run = |id: &&ProjectionId| runs.iter().any(|(name, version)| name == id.name && *version == id.version);
    Ok((engine_of(text(row, 0)?)?, projections.iter().filter(is_run).copied().collect()))
}

fn engine_of(id: &str) -> Result<EngineId, sqlx::Error> {
    Ok(EngineId::from_uuid(Uuid::parse_str(id).map_err(|error| sqlx::Error::Decode(error.into()))?))
}

fn shard(projection: ProjectionId, row: &SqliteRow) -> Result<ShardState, sqlx::Error> {
    let shard = ShardId { projection, shard: small(row, 3)? };
    let mut state = ShardState::new(shard, Position::new(natural(row, 4)?), moment(integer(row, 13)?));
    state.activity = Activity::of_name(text(row, 5)?)
        .ok_or_else(|| sqlx::Error::Decode("a shard is neither running nor paused nor stopped".into()))?;
    if !is_null(row, 6)? {
        let label: Option<&str> = row.try_get_unchecked(7)?;
        state.owner = Some((engine_of(text(row, 6)?)?, label.unwrap_or_default().to_owned()));
    }
    state.applied = natural(row, 8)?;
    state.parked = natural(row, 9)?;
    state.skipped = natural(row, 10)?;
    state.redrive = if is_null(row, 11)? { None } else { Some(natural(row, 11)?) };
    if !is_null(row, 12)? {
        let failure: Failure =
            serde_json::from_str(text(row, 12)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
        state.failure = Some(failure);
    }
    Ok(state)
}
