//! Another number of shards: where all stand at one position, and nobody works on them.

use es_core::projection::{PrepareError, ProjectionSchema, ShardId};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    make::Trouble,
    registry::Registry,
    sql::{natural, now},
};
use crate::row::{integer, text};

/// ?1 name, ?2 version, ?3 this moment.
const SHARDS: &str = "
    select shard, position, epoch, applied, activity = 'inline' or (engine is not null and expires_at > ?3)
    from es_projection_shards where name = ?1 and version = ?2 order by shard";

/// All shards stand where the first one stands, and have an epoch that no claim of the old division has. What was applied is
/// counted for the first; a wish to try parked events again is one of all.
///
/// ?1 name, ?2 version, ?3 shard, ?4 the highest epoch, ?5 how many events were applied.
const DIVIDE: &str = "
    insert into es_projection_shards (
        name, version, shard, position, epoch, activity, failure, applied, redrive_wished, redrive_done, updated_at
    )
    select name, version, ?3, position, ?4, activity, failure, ?5,
           (select max(redrive_wished) from es_projection_shards where name = ?1 and version = ?2),
           (select min(redrive_done) from es_projection_shards where name = ?1 and version = ?2),
           updated_at
    from es_projection_shards where name = ?1 and version = ?2 and shard = 0
    on conflict (name, version, shard) do update
    set epoch = excluded.epoch, engine = null, label = null, expires_at = null, activity = excluded.activity,
        failure = excluded.failure, applied = excluded.applied, parked = 0, skipped = 0,
        redrive_wished = excluded.redrive_wished, redrive_done = excluded.redrive_done";

/// ?1 name, ?2 version, ?3 the number of shards.
const REMOVE: &str = "delete from es_projection_shards where name = ?1 and version = ?2 and shard >= ?3";

/// ?1 name, ?2 version.
const KEYS: &str = "select distinct shard, key from es_dead_letters where name = ?1 and version = ?2";

/// ?1 name, ?2 version, ?3 shard, ?4 key, ?5 the shard to which the key belongs.
const MOVE: &str = "
    update or replace es_dead_letters set shard = ?5 where name = ?1 and version = ?2 and shard = ?3 and key = ?4";

/// ?1 name, ?2 version.
const COUNT: &str = "
    update es_projection_shards as shards
    set (parked, skipped) = (
        select count(*) filter (where letters.skipped = 0), count(*) filter (where letters.skipped = 1)
        from es_dead_letters as letters
        where letters.name = shards.name and letters.version = shards.version and letters.shard = shards.shard
    )
    where name = ?1 and version = ?2";

/// Divides a version anew, and puts events that were set aside to the shards where their keys belong now.
pub(super) async fn divide(
    registry: &Registry,
    connection: &mut SqliteConnection,
    schema: &ProjectionSchema,
    found: u32,
) -> Result<(), Trouble> {
    let (id, wanted) = (schema.id, schema.shards.max(1));
    let about = |sql| sqlx::query(sql).bind(id.name).bind(id.version);
    let rows = about(SHARDS).bind(now()).fetch_all(&mut *connection).await?;
    let mut shards = Division::of(&rows, found)?;
    for shard in 0..found {
        if registry.is_open(ShardId { projection: id, shard }).await {
            shards = None;
        }
    }
    let Some(shards) = shards else {
        return Err(PrepareError::ShardsChanged { projection: id, found, wanted }.into());
    };
    for shard in (0..wanted).rev() {
        // The first one last, because the others are made like it.
        let applied = if shard == 0 { shards.applied } else { 0 };
        about(DIVIDE).bind(shard).bind(shards.epoch).bind(applied).execute(&mut *connection).await?;
    }
    about(REMOVE).bind(wanted).execute(&mut *connection).await?;
    for row in &about(KEYS).fetch_all(&mut *connection).await? {
        let (shard, key) = (natural(integer(row, 0)?), text(row, 1)?);
        let target = ShardId::of_key(key, wanted);
        if target != shard {
            about(MOVE).bind(shard).bind(key).bind(target).execute(&mut *connection).await?;
        }
    }
    about(COUNT).execute(connection).await?;
    Ok(())
}

/// What all shards have in common.
struct Division {
    epoch: i64,
    applied: i64,
}

impl Division {
    /// `None` where they do not stand at one position, or somebody works on one of them.
    fn of(rows: &[SqliteRow], found: u32) -> Result<Option<Self>, sqlx::Error> {
        let mut common = None;
        let mut division = Self { epoch: 0, applied: 0 };
        for row in rows {
            let position = integer(row, 1)?;
            if integer(row, 4)? != 0 || *common.get_or_insert(position) != position {
                return Ok(None);
            }
            division.epoch = division.epoch.max(integer(row, 2)?);
            division.applied += integer(row, 3)?;
        }
        Ok((u32::try_from(rows.len()) == Ok(found)).then_some(division))
    }
}
