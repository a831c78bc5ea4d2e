//! What people do with projections: pause and resume them, switch to a new version, look how far behind they are.

use std::time::Duration;

use es_core::{
    projection::{Activity, Lag, ProjectionId, ProjectionSchema},
    recorded::Position,
    store::StoreError,
};
use sqlx::{Row as _, SqliteConnection};

use super::{
    make::make_view,
    ownership::finish,
    sql::{array, now},
};
use crate::{
    error, inline,
    row::{natural, signed, unreadable, unsigned},
    store::Parts,
};

const PAUSING: &str = "pausing or resuming a projection";
const REDRIVING: &str = "asking for a redrive";
const SWITCHING: &str = "switching a projection";

/// All shards of a version, but for one that changes with the appends. ?1 name, ?2 version, ?3 the activity.
const SET_ACTIVITY: &str = "
    update es_projection_shards set activity = ?3 where name = ?1 and version = ?2 and activity <> 'inline'";

/// The wish has the next number. ?1 name, ?2 version.
const REDRIVE: &str = "
    update es_projection_shards set redrive_wished = redrive_wished + 1 where name = ?1 and version = ?2";

/// Makes a version the active one, if it has come far enough. A shard that changes with the appends stands behind all events,
/// wherever its checkpoint was left. ?1 name, ?2 version, ?3 up to where.
const SWITCH: &str = "
    update es_projections as known set active = ?2
    where name = ?1 and active < ?2
      and (
          select min(case when activity = 'inline' then 9223372036854775807 else position end)
          from es_projection_shards where name = ?1 and version = ?2
      ) >= max(?3, coalesce((
          select max(case when activity = 'inline' then 9223372036854775807 else position end)
          from es_projection_shards as shards where shards.name = ?1 and shards.version = known.active
      ), 0))";

/// ?1 name, ?2 version.
const IS_ACTIVE: &str = "select exists (select 1 from es_projections where name = ?1 and active = ?2)";

/// No index serves the types, because every append would pay for it. ?1 the position, ?2 event types, as a JSON array, ?3 the
/// most. Index: the primary key of events.
const LAG: &str = "
    select count(*), min(recorded_at)
    from (
        select recorded_at from es_events
        where position > ?1 and event_type in (select value from json_each(?2))
        order by position
        limit ?3
    )";

/// A batch of this process that is under way ends first. One of another process is undone by its fence, where it comes too late.
pub(super) async fn set_activity(
    parts: &Parts,
    projection: ProjectionId,
    activity: Activity,
) -> Result<(), StoreError> {
    parts.projections.registry.when_ended(|open| open.shard.projection == projection).await;
    let mut writing = parts.connections.pen().begin(PAUSING, "a projection that is paused or resumed").await?;
    let set = match writing.connection() {
        Ok(connection) => set(connection, projection, activity).await,
        Err(gone) => return Err(gone),
    };
    finish(writing, set.map_err(|source| error::store_error(PAUSING, source)), PAUSING).await
}

async fn set(
    connection: &mut SqliteConnection,
    projection: ProjectionId,
    activity: Activity,
) -> Result<(), sqlx::Error> {
    if activity == Activity::Paused {
        inline::take_off(connection, (projection.name, projection.version), activity).await?;
    }
    let set = sqlx::query(SET_ACTIVITY).bind(projection.name).bind(projection.version).bind(activity.name());
    set.execute(connection).await.map(drop)
}

pub(super) async fn redrive(parts: &Parts, projection: ProjectionId) -> Result<(), StoreError> {
    let mut writing = parts.connections.pen().begin(REDRIVING, "a redrive").await?;
    let wish = sqlx::query(REDRIVE).bind(projection.name).bind(projection.version);
    let wished = match writing.connection() {
        Ok(connection) => wish.execute(connection).await,
        Err(gone) => return Err(gone),
    };
    finish(writing, wished.map(drop).map_err(|source| error::store_error(REDRIVING, source)), REDRIVING).await
}

pub(super) async fn switch(parts: &Parts, projection: ProjectionId, upto: Position) -> Result<bool, StoreError> {
    let failed = |source| error::store_error(SWITCHING, source);
    let is_active = sqlx::query_scalar(IS_ACTIVE).bind(projection.name).bind(projection.version);
    if is_active.fetch_one(parts.connections.reading()?).await.map_err(failed)? {
        return Ok(true);
    }
    let mut writing = parts.connections.pen().begin(SWITCHING, "a switch of versions").await?;
    let switched = match writing.connection() {
        Ok(connection) => make_active(connection, projection, upto).await,
        Err(gone) => return Err(gone),
    };
    finish(writing, switched.map_err(failed), SWITCHING).await
}

/// Nobody else writes meanwhile: whoever has seen an event in the old version sees it in the new one.
async fn make_active(
    connection: &mut SqliteConnection,
    projection: ProjectionId,
    upto: Position,
) -> Result<bool, sqlx::Error> {
    let ProjectionId { name, version } = projection;
    let switch = sqlx::query(SWITCH).bind(name).bind(version).bind(signed(upto.get()));
    if switch.execute(&mut *connection).await?.rows_affected() > 0 {
        make_view(connection, name).await?;
        return Ok(true);
    }
    sqlx::query_scalar(IS_ACTIVE).bind(name).bind(version).fetch_one(connection).await
}

pub(super) async fn lag(parts: &Parts, projection: &ProjectionSchema, after: Position) -> Result<Lag, StoreError> {
    let types = array(projection.events.iter().map(|event| event.name));
    let query = sqlx::query(LAG).bind(signed(after.get())).bind(types).bind(signed(Lag::MOST));
    let row = query.fetch_one(parts.connections.reading()?).await;
    let row = row.map_err(|source| error::store_error("counting what is to come", source))?;
    let oldest: Option<i64> = row.try_get_unchecked(1).map_err(unreadable)?;
    let age = oldest.map_or(0, |recorded_at| unsigned(now().saturating_sub(recorded_at)));
    Ok(Lag::new(natural(&row, 0).map_err(unreadable)?, Duration::from_micros(age)))
}
