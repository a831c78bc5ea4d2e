//! Events that could not be projected: kept, looked at, tried again.

use es_core::{
    projection::{Claim, DeadLetter, Failure, ProjectionId, ShardId},
    recorded::Position,
    store::{StoreError, StoredEvent},
};
use sqlx::sqlite::SqliteRow;

use super::{changes::of_shard, fence::of_claim, ownership::finish};
use crate::{
    error,
    row::{self, event_columns, integer, signed, text, unreadable},
    store::Parts,
};

const SETTING_ASIDE: &str = "setting events aside";
const LOOKING: &str = "looking at events that were set aside";
const STOPPING: &str = "stopping a projection";

/// Stops a shard in front of an event, behind the same fence as a batch, and gives the claim back.
///
/// ?1 to ?5 the claim, ?6 where the checkpoint stands, ?7 the failure.
const STOP: &str = "
    update es_projection_shards
    set activity = 'stopped', failure = ?7, engine = null, label = null, expires_at = null
    where name = ?1 and version = ?2 and shard = ?3 and engine = ?4 and epoch = ?5 and position = ?6
      and activity = 'running'";

/// ?1 name, ?2 version, ?3 shard. Index: `es_dead_letters_parked`.
const PARKED_KEYS: &str = "
    select distinct key from es_dead_letters
    where name = ?1 and version = ?2 and shard = ?3 and skipped = 0
    order by key";

/// ?1 name, ?2 version, ?3 shard, ?4 key, ?5 the most. Indexes: `es_dead_letters_parked`, and the primary key of events.
const PARKED_EVENTS: &str = concat!(
    "select ",
    event_columns!(),
    " from es_events
    where position in (
        select position from es_dead_letters
        where name = ?1 and version = ?2 and shard = ?3 and key = ?4 and skipped = 0
        order by position limit ?5
    )
    order by position"
);

/// ?1 name, ?2 version, ?3 the most. Indexes: the primary keys.
const DEAD_LETTERS: &str = "
    select events.version, events.position, event_type, schema_version, event_id, payload, metadata, recorded_at,
           stream_type, stream_id, letters.shard, letters.key, letters.skipped, letters.failure
    from es_dead_letters as letters
    join es_events as events on events.position = letters.position
    where letters.name = ?1 and letters.version = ?2
    order by letters.position, letters.shard, letters.key
    limit ?3";

/// A failure as it is stored.
pub(super) fn stored(failure: &Failure) -> Result<String, StoreError> {
    serde_json::to_string(failure).map_err(|source| StoreError::Backend { doing: SETTING_ASIDE, source: source.into() })
}

pub(super) async fn stop(parts: &Parts, claim: &Claim, from: Position, failure: &Failure) -> Result<bool, StoreError> {
    parts.projections.registry.when_ended(|open| open.shard == claim.shard).await;
    let stop = of_claim(STOP, claim).bind(signed(from.get())).bind(stored(failure)?);
    let mut writing = parts.connections.pen().begin(STOPPING, "a projection that stops").await?;
    let stopped = match writing.connection() {
        Ok(connection) => stop.execute(connection).await.map_err(|source| error::store_error(STOPPING, source)),
        Err(gone) => Err(gone),
    };
    Ok(finish(writing, stopped, STOPPING).await?.rows_affected() > 0)
}

pub(super) async fn parked_keys(parts: &Parts, shard: ShardId) -> Result<Vec<String>, StoreError> {
    let rows = of_shard(PARKED_KEYS, shard).fetch_all(parts.connections.reading()?).await;
    let rows = rows.map_err(|source| error::store_error(LOOKING, source))?;
    rows.iter().map(|row| Ok(text(row, 0)?.to_owned())).collect::<Result<_, _>>().map_err(unreadable)
}

pub(super) async fn parked_events(
    parts: &Parts,
    shard: ShardId,
    key: &str,
    limit: u32,
) -> Result<Vec<StoredEvent>, StoreError> {
    let query = of_shard(PARKED_EVENTS, shard).bind(key.to_owned()).bind(limit);
    let rows = query.fetch_all(parts.connections.reading()?).await;
    let rows = rows.map_err(|source| error::store_error(LOOKING, source))?;
    rows.iter().map(row::event).collect::<Result<_, _>>().map_err(unreadable)
}

pub(super) async fn dead_letters(
    parts: &Parts,
    projection: ProjectionId,
    limit: u32,
) -> Result<Vec<(DeadLetter, StoredEvent)>, StoreError> {
    let query = sqlx::query(DEAD_LETTERS).bind(projection.name).bind(projection.version).bind(limit);
    let rows = query.fetch_all(parts.connections.reading()?).await;
    let rows = rows.map_err(|source| error::store_error(LOOKING, source))?;
    rows.iter().map(|row| letter(projection, row)).collect::<Result<_, _>>().map_err(unreadable)
}

fn letter(projection: ProjectionId, row: &SqliteRow) -> Result<(DeadLetter, StoredEvent), sqlx::Error> {
    let event = row::event(row)?;
    let shard = ShardId { projection, shard: super::sql::natural(integer(row, 10)?) };
    let failure = serde_json::from_str(text(row, 13)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let make = if integer(row, 12)? == 0 { DeadLetter::parked } else { DeadLetter::skipped };
    Ok((make(shard, text(row, 11)?.to_owned(), event.position, failure), event))
}
