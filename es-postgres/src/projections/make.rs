//! Making what is missing.

use es_core::{
    projection::{KeptColumn, Missing, PrepareError, ProjectionSchema, Start, TableSchema},
    recorded::Position,
};
use sqlx::PgConnection;

use super::{
    change::{Trouble, execute},
    division, rights,
    sql::{identifier, integer},
    table,
};
use crate::{row::signed, store::Parts};

pub(super) async fn make(
    missing: &Missing,
    parts: &Parts,
    connection: &mut PgConnection,
    now: Position,
) -> Result<(), Trouble> {
    let (name, version) = (missing.schema.id.name, missing.schema.id.version);
    if let Some(changed) = &missing.events {
        keep_events(missing, parts, connection, changed).await?;
    }
    if missing.new_version {
        make_rows(missing, parts, connection, now).await?;
        if let Some(columns) = &missing.columns {
            make_table(parts, connection, name, version, columns).await?;
        }
    }
    if let Some(found) = missing.shards {
        division::divide(parts, connection, &missing.schema, found).await?;
    }
    if !missing.indexes.is_empty() {
        make_indexes(missing, parts, connection).await?;
    }
    Ok(())
}

async fn make_rows(
    missing: &Missing,
    parts: &Parts,
    connection: &mut PgConnection,
    now: Position,
) -> Result<(), sqlx::Error> {
    let (name, version) = (missing.schema.id.name, integer(missing.schema.id.version));
    let start = match missing.schema.start {
        Start::After(position) => position,
        Start::Now => now,
        // And what this crate does not know yet: so nothing is missed.
        Start::Beginning | _ => Position::START,
    };
    let sql = "insert into \"es\".projections (name, kind, active, oldest, newest) values ($1, $2, $3, $3, $3)
               on conflict (name) do update set newest = excluded.newest";
    let query = sqlx::query(parts.statements.fill(sql)).bind(name).bind(missing.schema.kind.name()).bind(version);
    query.execute(&mut *connection).await?;
    let sql = "insert into \"es\".projection_versions (name, version, columns, events, began)
               values ($1, $2, $3, $4, $5)";
    let query = sqlx::query(parts.statements.fill(sql))
        .bind(name)
        .bind(version)
        .bind(missing.columns.as_deref().map(KeptColumn::to_json));
    let query = query.bind(event_types(&missing.schema)).bind(signed(start.get()));
    query.execute(&mut *connection).await?;
    let sql = "insert into \"es\".projection_shards (name, version, shard, position)
               select $1, $2, shard, $4 from generate_series(0, $3 - 1) as shard";
    let query = sqlx::query(parts.statements.fill(sql)).bind(name).bind(version);
    let query = query.bind(integer(missing.schema.shards.max(1))).bind(signed(start.get()));
    query.execute(&mut *connection).await.map(drop)
}

fn event_types(schema: &ProjectionSchema) -> Vec<&'static str> {
    schema.events.iter().map(|event| event.name).collect()
}

/// Keeps which events it handles from here on, unless it has passed some of those that are other ones.
async fn keep_events(
    missing: &Missing,
    parts: &Parts,
    connection: &mut PgConnection,
    changed: &[String],
) -> Result<(), Trouble> {
    let (name, version) = (missing.schema.id.name, integer(missing.schema.id.version));
    if !changed.is_empty() {
        let passed = sqlx::query_scalar(parts.projections.statements.passed.clone()).bind(name).bind(version);
        let passed = passed.bind(changed).fetch_all(&mut *connection).await?;
        PrepareError::of_passed(&missing.schema, passed)?;
    }
    let sql = "update \"es\".projection_versions set events = $3 where name = $1 and version = $2";
    let query = sqlx::query(parts.statements.fill(sql)).bind(name).bind(version).bind(event_types(&missing.schema));
    Ok(query.execute(connection).await.map(drop)?)
}

async fn make_indexes(missing: &Missing, parts: &Parts, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let (name, version) = (missing.schema.id.name, missing.schema.id.version);
    for column in &missing.indexes {
        let sql = table::create_index(&parts.config.read_model_schema, name, version, column);
        execute(connection, sql).await?;
    }
    let sql = "update \"es\".projection_versions set columns = $3 where name = $1 and version = $2";
    let query = sqlx::query(parts.statements.fill(sql))
        .bind(name)
        .bind(integer(version))
        .bind(missing.columns.as_deref().map(KeptColumn::to_json));
    query.execute(&mut *connection).await.map(drop)
}

/// Makes a table, and gives those who run projections their rights on it.
async fn make_table(
    parts: &Parts,
    connection: &mut PgConnection,
    name: &str,
    version: u32,
    columns: &[KeptColumn],
) -> Result<(), sqlx::Error> {
    let schema = parts.config.read_model_schema.as_str();
    let exists: bool = sqlx::query_scalar("select exists (select from pg_namespace where nspname = $1)")
        .bind(schema)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        execute(connection, format!("create schema {}", identifier(schema))).await?;
    }
    execute(connection, table::create(schema, name, version, columns)).await?;
    for role in rights::roles_that_run(parts, connection).await? {
        rights::grant_schema(connection, schema, &role).await?;
        execute(connection, rights::grants(schema, &[TableSchema::physical_name(name, version)], &[], &role)).await?;
    }
    Ok(())
}
