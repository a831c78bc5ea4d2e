//! A read model comes to change with the appends, and ends to: each in one transaction that lets no append pass.

use std::time::Duration;

use es_core::{
    projection::{Activity, InlineReadModel, ProjectionId},
    store::StoreError,
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, error::DatabaseError};
use tokio::time::{Instant, sleep};

use super::rows;
use crate::{
    connections::Failure,
    error,
    row::{self, signed},
    store::Parts,
};

const DOING: &str = "having a read model change with the appends";

/// For how long the appends' lock is waited for at once: they queue behind whoever waits, so it is tried again rather than
/// waited for.
const PATIENCE: &str = "100ms";
const PAUSE: Duration = Duration::from_millis(100);
/// How many events are taken in while nobody can append.
const MOST: i64 = 1_000;

/// Has a read model change with the appends from here on. `false` where it is not near enough to the end of all events, or
/// somebody is in the way.
pub(crate) async fn activate(parts: &Parts, read_model: &dyn InlineReadModel) -> Result<bool, StoreError> {
    let mut connection = parts.connections.open().await?;
    let done = parts.connections.answer(bring_in(parts, &mut connection, read_model)).await;
    end(parts, connection, &done).await;
    match done {
        Err(Failure::Refused(source)) if error::is_held(&source) || is_listed(&source) => Ok(false),
        done => done.map_err(|failure| error::store_error(DOING, failure)),
    }
}

async fn bring_in(
    parts: &Parts,
    connection: &mut PgConnection,
    read_model: &dyn InlineReadModel,
) -> Result<bool, Failure> {
    let (id, statements) = (read_model.schema().id, &parts.inline.statements);
    let version = i32::try_from(id.version).unwrap_or(i32::MAX);
    let types: Vec<_> = read_model.schema().events.iter().map(|event| event.name).collect();
    begin(connection).await?;
    let shard = sqlx::query(statements.shard.clone()).bind(id.name).bind(version);
    let shard = shard.fetch_optional(&mut *connection).await.map_err(error::failure)?;
    let Some(shard) = shard else { return Ok(false) };
    let position: i64 = shard.try_get(0).map_err(error::failure)?;
    let list = "insert into \"es\".inline_read_models (name, version, events) values ($1, $2, $3)";
    let list = sqlx::query(parts.statements.fill(list)).bind(id.name).bind(version).bind(&types);
    list.execute(&mut *connection).await.map_err(error::failure)?;
    place_guard(parts, connection).await?;
    // Nobody writes any more: what is there is all there is.
    let rest = sqlx::query(statements.rest.clone()).bind(position).bind(&types).bind(MOST + 1);
    let rest = rest.fetch_all(&mut *connection).await.map_err(error::failure)?;
    let events = row::events(&rest).map_err(Failure::NotSent)?;
    let applied = signed(events.len() as u64);
    if applied > MOST {
        return Ok(false);
    }
    let keys = rows::keys(read_model, &events)?;
    rows::fold(parts, connection, read_model, keys, &events).await?;
    let bring_in = sqlx::query(statements.bring_in.clone()).bind(id.name).bind(version).bind(applied);
    bring_in.execute(&mut *connection).await.map_err(error::failure)?;
    connection.execute("commit").await.map_err(error::failure)?;
    Ok(true)
}

/// Has a version of a read model change with no further append, if it did: it stands behind all that there are.
pub(crate) async fn take_off(
    parts: &Parts,
    (name, version): (&str, i32),
    activity: Activity,
) -> Result<(), StoreError> {
    let until = Instant::now() + parts.config.acquire_timeout;
    loop {
        let mut connection = parts.connections.open().await?;
        let done = parts.connections.answer(take_out(parts, &mut connection, (name, version), activity)).await;
        end(parts, connection, &done).await;
        match done {
            Err(Failure::Refused(source)) if error::is_held(&source) && Instant::now() < until => sleep(PAUSE).await,
            done => return done.map(drop).map_err(|failure| error::store_error(DOING, failure)),
        }
    }
}

async fn take_out(
    parts: &Parts,
    connection: &mut PgConnection,
    (name, version): (&str, i32),
    activity: Activity,
) -> Result<bool, Failure> {
    begin(connection).await?;
    let unlist = "delete from \"es\".inline_read_models where name = $1 and version = $2";
    let unlisted = sqlx::query(parts.statements.fill(unlist)).bind(name).bind(version);
    if unlisted.execute(&mut *connection).await.map_err(error::failure)?.rows_affected() == 0 {
        return Ok(false);
    }
    place_guard(parts, connection).await?;
    let take_out = sqlx::query(parts.inline.statements.take_out.clone()).bind(name).bind(version).bind(activity.name());
    take_out.execute(&mut *connection).await.map_err(error::failure)?;
    connection.execute("commit").await.map_err(error::failure)?;
    Ok(true)
}

/// Has versions that are older than this one change with no further append: no program that has this one could do so.
/// Engines that run them keep them up to date.
pub(crate) async fn take_off_older(parts: &Parts, id: ProjectionId) -> Result<(), StoreError> {
    let version = i32::try_from(id.version).unwrap_or(i32::MAX);
    let older = parts
        .statements
        .fill("select version from \"es\".inline_read_models where name = $1 and version < $2 order by version");
    let asked = || sqlx::query(older.clone()).bind(id.name).bind(version);
    let rows = parts.connections.fetch(asked).await.map_err(|failure| error::store_error(DOING, failure))?;
    for row in rows {
        let older: i32 = row.try_get(0).map_err(row::unreadable)?;
        take_off(parts, (id.name, older), Activity::Running).await?;
    }
    Ok(())
}

async fn begin(connection: &mut PgConnection) -> Result<(), Failure> {
    let sql = format!(
        "begin isolation level read committed; set local lock_timeout = '{PATIENCE}'; \
         set local idle_in_transaction_session_timeout = '10s'"
    );
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop).map_err(error::failure)
}

/// From here on nobody appends until the transaction ends.
async fn place_guard(parts: &Parts, connection: &mut PgConnection) -> Result<(), Failure> {
    let place = parts.statements.fill("select \"es\".place_inline_guard()");
    sqlx::query(place).execute(connection).await.map(drop).map_err(error::failure)
}

/// By now, and not when the server finds that the connection is closed: nothing is locked behind the answer.
async fn end(parts: &Parts, mut connection: PgConnection, done: &Result<bool, Failure>) {
    let undone = match done {
        Ok(true) => Ok(()),
        Ok(false) | Err(Failure::Refused(_) | Failure::NotSent(_) | Failure::Unreadable(_)) => {
            parts.connections.answer(connection.execute("rollback")).await.map(drop)
        }
        // Nothing can be said to a server that does not answer.
        Err(Failure::Lost(_)) => return,
    };
    if undone.is_ok() {
        let _ = connection.close().await;
    }
}

/// Whether another was first to list the same.
fn is_listed(source: &sqlx::Error) -> bool {
    source.as_database_error().and_then(DatabaseError::constraint) == Some("inline_read_models_pkey")
}
