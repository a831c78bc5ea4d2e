//! What a batch changes beside its checkpoint, in the order of the calls.

use es_core::{
    projection::{DeadLetter, ShardId},
    recorded::Position,
    store::StoreError,
};
use sqlx::{Row as _, SqliteConnection};

use super::{
    failures,
    rows::{Changed, Tables},
    sql::now,
};
use crate::{error, row::signed};

/// A change that is made with the transaction.
#[derive(Debug)]
pub(super) enum Change {
    Rows(Changed),
    /// An event is set aside.
    Keep(DeadLetter),
    /// The parked events of a key up to a position are removed.
    Unpark(ShardId, String, Position),
    /// A wish to try parked events again was seen to.
    Redriven(ShardId, u64),
}

/// One that is there already is left as it is.
///
/// ?1 name, ?2 version, ?3 shard, ?4 key, ?5 position, ?6 whether skipped, ?7 the failure, ?8 this moment.
const KEEP: &str = "
    insert into es_dead_letters (name, version, shard, key, position, skipped, failure, set_aside_at)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    on conflict do nothing";

/// ?1 name, ?2 version, ?3 shard, ?4 whether skipped.
const COUNT: &str = "
    update es_projection_shards set parked = parked + 1 - ?4, skipped = skipped + ?4
    where name = ?1 and version = ?2 and shard = ?3";

/// ?1 name, ?2 version, ?3 shard, ?4 key, ?5 the position. Index: `es_dead_letters_parked`.
const UNPARK: &str = "
    delete from es_dead_letters
    where name = ?1 and version = ?2 and shard = ?3 and key = ?4 and skipped = 0 and position <= ?5";

/// ?1 name, ?2 version, ?3 shard, ?4 how many.
const DISCOUNT: &str = "
    update es_projection_shards set parked = parked - ?4 where name = ?1 and version = ?2 and shard = ?3";

/// A newer wish stands. ?1 name, ?2 version, ?3 shard, ?4 the wish.
const REDRIVEN: &str = "
    update es_projection_shards set redrive_done = max(redrive_done, ?4)
    where name = ?1 and version = ?2 and shard = ?3";

/// Whether events of a key are parked behind a position. ?1 name, ?2 version, ?3 shard, ?4 key, ?5 the position.
/// Index: `es_dead_letters_parked`.
const LEFT: &str = "
    select exists (
        select 1 from es_dead_letters
        where name = ?1 and version = ?2 and shard = ?3 and key = ?4 and skipped = 0 and position > ?5
    )";

/// A statement about a shard: ?1 name, ?2 version, ?3 shard.
pub(super) fn of_shard(
    sql: &'static str,
    shard: ShardId,
) -> sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
    sqlx::query(sql).bind(shard.projection.name).bind(shard.projection.version).bind(shard.shard)
}

impl Change {
    /// What is being done, for errors.
    fn doing(&self) -> &'static str {
        match self {
            Self::Rows(_) => "writing rows of a read model",
            Self::Keep(_) => "setting events aside",
            Self::Unpark(..) => "removing parked events",
            Self::Redriven(..) => "ending a redrive",
        }
    }

    /// Makes it, on a connection in a transaction that has passed the fence.
    pub(super) async fn apply(&self, tables: &Tables, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let made = match self {
            Self::Rows(rows) => rows.apply(tables, connection).await,
            Self::Keep(letter) => {
                let failure = failures::stored(&letter.failure)?;
                keep(connection, letter, failure).await
            }
            Self::Unpark(shard, key, upto) => unpark(connection, *shard, key, *upto).await,
            Self::Redriven(shard, wish) => {
                of_shard(REDRIVEN, *shard).bind(signed(*wish)).execute(connection).await.map(drop)
            }
        };
        made.map_err(|source| error::store_error(self.doing(), source))
    }
}

async fn keep(connection: &mut SqliteConnection, letter: &DeadLetter, failure: String) -> Result<(), sqlx::Error> {
    let keep = of_shard(KEEP, letter.shard)
        .bind(letter.key.clone())
        .bind(signed(letter.position.get()))
        .bind(letter.skipped)
        .bind(failure)
        .bind(now());
    if keep.execute(&mut *connection).await?.rows_affected() > 0 {
        of_shard(COUNT, letter.shard).bind(letter.skipped).execute(connection).await?;
    }
    Ok(())
}

async fn unpark(
    connection: &mut SqliteConnection,
    shard: ShardId,
    key: &str,
    upto: Position,
) -> Result<(), sqlx::Error> {
    let unpark = of_shard(UNPARK, shard).bind(key.to_owned()).bind(signed(upto.get()));
    let gone = unpark.execute(&mut *connection).await?.rows_affected();
    of_shard(DISCOUNT, shard).bind(signed(gone)).execute(connection).await.map(drop)
}

/// Whether no event of a key is parked behind a position.
pub(super) async fn none_is_left(
    connection: &mut SqliteConnection,
    shard: ShardId,
    key: &str,
    upto: Position,
) -> Result<bool, sqlx::Error> {
    let left = of_shard(LEFT, shard).bind(key.to_owned()).bind(signed(upto.get()));
    let left: bool = left.fetch_one(connection).await?.try_get(0)?;
    Ok(!left)
}
