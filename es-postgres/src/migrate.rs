//! The tables: numbered files, applied once, by one process at a time.

use es_core::store::StoreError;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::{connections::Connections, error, statements::Statements};

/// Every migration: its number, counted from 1 without gaps, its name and its statements.
const MIGRATIONS: &[(u32, &str, &str)] = &[
    (1, "events", include_str!("../migrations/0001_events.sql")),
    (2, "frontier", include_str!("../migrations/0002_frontier.sql")),
    (3, "archived_streams", include_str!("../migrations/0003_archived_streams.sql")),
    (4, "projections", include_str!("../migrations/0004_projections.sql")),
    (5, "inline_read_models", include_str!("../migrations/0005_inline_read_models.sql")),
    (6, "redrives", include_str!("../migrations/0006_redrives.sql")),
    (7, "copies", include_str!("../migrations/0007_copies.sql")),
    (8, "handlers", include_str!("../migrations/0008_handlers.sql")),
];

/// The version of the tables that this crate needs.
pub(crate) const NEWEST: u32 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Names the advisory lock under which migrations run; any number of one's own will do.
pub(crate) const MIGRATION_LOCK: i64 = 0x6573_2d6d_6967_7261;

fn failed(source: sqlx::Error) -> StoreError {
    error::store_error("migrating the tables", error::failure(source))
}

/// Applies what is missing, in one transaction under an advisory lock.
pub(crate) async fn migrate(connections: &Connections, statements: &Statements) -> Result<(), StoreError> {
    let mut connection = connections.open().await?;
    let outcome = migrate_on(&mut connection, statements).await;
    let _ = connection.close().await;
    outcome
}

async fn migrate_on(connection: &mut PgConnection, statements: &Statements) -> Result<(), StoreError> {
    // The lock is waited for as long as another process migrates.
    let begin = format!("begin; set local lock_timeout = 0; select pg_advisory_xact_lock({MIGRATION_LOCK})");
    connection.execute(sqlx::raw_sql(statements.fill(&begin))).await.map_err(failed)?;
    let found = version_of(connection, statements).await.map_err(failed)?;
    if found > NEWEST {
        return Err(StoreError::WrongSchema { found, needed: NEWEST });
    }
    if found == 0 {
        let log = "create schema if not exists \"es\"; \
                   create table if not exists \"es\".migrations \
                   (version integer primary key, name text not null, applied_at timestamptz not null default now())";
        connection.execute(sqlx::raw_sql(statements.fill(log))).await.map_err(failed)?;
    }
    for (version, name, sql) in MIGRATIONS.iter().filter(|(version, ..)| *version > found) {
        connection.execute(sqlx::raw_sql(statements.fill(sql))).await.map_err(failed)?;
        let log = statements.fill("insert into \"es\".migrations (version, name) values ($1, $2)");
        sqlx::query(log).bind(i64::from(*version)).bind(*name).execute(&mut *connection).await.map_err(failed)?;
    }
    connection.execute("commit").await.map_err(failed)?;
    Ok(())
}

/// The version that the tables have; 0 where there are none.
pub(crate) async fn version_of(connection: &mut PgConnection, statements: &Statements) -> Result<u32, sqlx::Error> {
    let exists: bool = sqlx::query_scalar(
        "select exists (select from pg_catalog.pg_tables where schemaname = $1 and tablename = 'migrations')",
    )
    .bind(statements.schema())
    .fetch_one(&mut *connection)
    .await?;
    if !exists {
        return Ok(0);
    }
    let newest = statements.fill("select coalesce(max(version), 0) from \"es\".migrations");
    let found: i32 = sqlx::query_scalar(newest).fetch_one(connection).await?;
    Ok(u32::try_from(found).unwrap_or(0))
}
