//! Another number of shards: where all stand at one position, and nobody works on them.

use es_core::projection::{PrepareError, ProjectionSchema, ShardId};
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use super::{
    change::Trouble,
    sql::{integer, natural},
};
use crate::store::Parts;

/// Divides a version anew, and puts events that were set aside to the shards where their keys belong now.
pub(super) async fn divide(
    parts: &Parts,
    connection: &mut PgConnection,
    schema: &ProjectionSchema,
    found: u32,
) -> Result<(), Trouble> {
    let statements = &parts.projections.statements;
    let (name, version) = (schema.id.name, integer(schema.id.version));
    let rows = sqlx::query(statements.division.clone()).bind(name).bind(version).fetch_all(&mut *connection).await?;
    let wanted = schema.shards.max(1);
    let Some(shards) = Division::of(&rows, found)? else {
        return Err(PrepareError::ShardsChanged { projection: schema.id, found, wanted }.into());
    };
    sqlx::query(statements.divide.clone())
        .bind(name)
        .bind(version)
        .bind(integer(wanted))
        .bind(shards.epoch)
        .bind(shards.applied)
        .execute(&mut *connection)
        .await?;
    let rows =
        sqlx::query(statements.letters_keys.clone()).bind(name).bind(version).fetch_all(&mut *connection).await?;
    let (mut from, mut keys, mut to) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let (shard, key): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
        let target = ShardId::of_key(&key, wanted);
        if target != natural(shard) {
            from.push(shard);
            keys.push(key);
            to.push(integer(target));
        }
    }
    let moves = sqlx::query(statements.letters_move.clone()).bind(name).bind(version).bind(from).bind(keys).bind(to);
    moves.execute(&mut *connection).await?;
    sqlx::query(statements.letters_count.clone()).bind(name).bind(version).execute(&mut *connection).await?;
    Ok(())
}

/// What all shards have in common.
struct Division {
    epoch: i64,
    applied: i64,
}

impl Division {
    /// `None` where they do not stand at one position, or somebody works on one of them.
    fn of(rows: &[PgRow], found: u32) -> Result<Option<Self>, sqlx::Error> {
        let mut common = None;
        let mut division = Self { epoch: 0, applied: 0 };
        for row in rows {
            let (position, owned): (i64, bool) = (row.try_get(1)?, row.try_get::<Option<bool>, _>(4)?.unwrap_or(false));
            if owned || *common.get_or_insert(position) != position {
                return Ok(None);
            }
            division.epoch = division.epoch.max(row.try_get(2)?);
            division.applied += row.try_get::<i64, _>(3)?;
        }
        // One that is missing is locked by somebody's transaction, or changes with the appends.
        Ok((u32::try_from(rows.len()) == Ok(found)).then_some(division))
    }
}
