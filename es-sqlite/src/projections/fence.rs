//! The fence: who may move a checkpoint, and from where.

use es_core::projection::{Advance, Claim};
use sqlx::{Sqlite, query::Query, sqlite::SqliteArguments};

use super::sql::{lease_end, now};
use crate::row::signed;

/// Whether the fence lets a move through. Changes nothing.
///
/// ?1 name, ?2 version, ?3 shard, ?4 engine, ?5 epoch, ?6 from, ?7 the history.
/// Index: the primary key of `es_projection_shards`.
const LOOK: &str = "
    select 1 from es_projection_shards
    where name = ?1 and version = ?2 and shard = ?3 and engine = ?4 and epoch = ?5 and position = ?6
      and activity = 'running' and exists (select 1 from es_history where id = ?7)";

/// Moves the checkpoint, and extends the lease, only for who holds the newest claim, from where the checkpoint stands, while
/// the shard runs. A failure is forgotten by whoever comes past it.
///
/// ?1 to ?7 as above, ?8 to, ?9 how many events are applied, ?10 when the lease ends, ?11 this moment.
const MOVE: &str = "
    update es_projection_shards
    set position = ?8, applied = applied + ?9, expires_at = max(coalesce(expires_at, 0), ?10),
        updated_at = case when position = ?8 then updated_at else ?11 end,
        failure = case when json_extract(failure, '$.position') > ?8 then failure end
    where name = ?1 and version = ?2 and shard = ?3 and engine = ?4 and epoch = ?5 and position = ?6
      and activity = 'running' and exists (select 1 from es_history where id = ?7)";

type Statement = Query<'static, Sqlite, SqliteArguments>;

fn of(sql: &'static str, claim: &Claim, advance: &Advance) -> Statement {
    of_claim(sql, claim).bind(signed(advance.from.get())).bind(advance.history.to_string())
}

/// A statement about a claim: ?1 name, ?2 version, ?3 shard, ?4 engine, ?5 epoch.
pub(super) fn of_claim(sql: &'static str, claim: &Claim) -> Statement {
    sqlx::query(sql)
        .bind(claim.shard.projection.name)
        .bind(claim.shard.projection.version)
        .bind(claim.shard.shard)
        .bind(claim.engine.to_string())
        .bind(signed(claim.epoch))
}

/// A row where the fence lets the move through.
pub(super) fn look(claim: &Claim, advance: &Advance) -> Statement {
    of(LOOK, claim, advance)
}

/// Changes one row where the fence lets the move through. The lease is counted from when the work began.
pub(super) fn pass(claim: &Claim, advance: &Advance, begun: i64) -> Statement {
    of(MOVE, claim, advance)
        .bind(signed(advance.to.get()))
        .bind(signed(advance.applied))
        .bind(lease_end(begun, claim.lease))
        .bind(now())
}
