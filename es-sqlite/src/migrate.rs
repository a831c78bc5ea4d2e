//! The tables: numbered files, applied once, by one process at a time.

use es_core::store::{HistoryId, StoreError};
use sqlx::{Executor as _, SqliteConnection};

use crate::{connections::Connections, error};

/// Every migration: its number, counted from 1 without gaps, its name and its statements.
const MIGRATIONS: &[(u32, &str, &str)] = &[
    (1, "events", include_str!("../migrations/0001_events.sql")),
    (2, "projections", include_str!("../migrations/0002_projections.sql")),
    (3, "copies", include_str!("../migrations/0003_copies.sql")),
];

/// The version of the tables that this crate needs.
pub(crate) const NEWEST: u32 = MIGRATIONS[MIGRATIONS.len() - 1].0;

const DOING: &str = "migrating the tables";

fn failed(source: sqlx::Error) -> StoreError {
    error::store_error(DOING, source)
}

/// Applies what is missing, in one transaction. Others that do the same wait for it.
pub(crate) async fn migrate(connections: &Connections) -> Result<(), StoreError> {
    let mut reader = connections.readers().acquire().await.map_err(failed)?;
    // A file that needs nothing is not written, so that opening it waits for no writer.
    if version_of(&mut reader).await? == NEWEST {
        return Ok(());
    }
    drop(reader);
    let mut writing = connections.pen().begin(DOING, "a migration of the tables").await?;
    apply(writing.connection()?).await?;
    writing.commit(DOING).await.map_err(|uncommitted| uncommitted.error)?;
    // So that the file by itself says whose it is, and which history it has.
    connections.checkpoint().await;
    Ok(())
}

async fn apply(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let found = version_of(connection).await?;
    if found == 0 {
        let log = "create table es_migrations (version integer primary key, name text not null) strict";
        connection.execute(log).await.map_err(failed)?;
    }
    for (version, name, sql) in MIGRATIONS.iter().filter(|(version, ..)| *version > found) {
        connection.execute(sqlx::raw_sql(*sql)).await.map_err(failed)?;
        let log = sqlx::query("insert into es_migrations (version, name) values (?1, ?2)");
        log.bind(i64::from(*version)).bind(*name).execute(&mut *connection).await.map_err(failed)?;
    }
    if found == 0 {
        let id = HistoryId::new().to_string();
        sqlx::query("insert into es_history (id) values (?1)").bind(id).execute(connection).await.map_err(failed)?;
    }
    Ok(())
}

/// The version that the tables have; 0 where there are none.
///
/// # Errors
/// [`StoreError::WrongSchema`] where it is newer than ours.
async fn version_of(connection: &mut SqliteConnection) -> Result<u32, StoreError> {
    let exists = "select exists (select 1 from sqlite_schema where type = 'table' and name = 'es_migrations')";
    if !sqlx::query_scalar(exists).fetch_one(&mut *connection).await.map_err(failed)? {
        return Ok(0);
    }
    let newest = "select coalesce(max(version), 0) from es_migrations";
    let found: u32 = sqlx::query_scalar(newest).fetch_one(connection).await.map_err(failed)?;
    if found > NEWEST {
        return Err(StoreError::WrongSchema { found, needed: NEWEST });
    }
    Ok(found)
}
