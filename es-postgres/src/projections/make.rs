//! Making what is missing.

use es_core::{
    projection::{KeptColumn, PrepareError, ProjectionKind, Start},
    recorded::Position,
};
use sqlx::PgConnection;

use super::{
    change::{Trouble, execute},
    column, division,
    known::Projection,
    missing::Todo,
    rights,
    sql::{identifier, integer},
    table::{self, physical_name},
};
use crate::{row::signed, store::Parts};

impl Todo<'_> {
    pub(super) async fn make(
        &self,
        parts: &Parts,
        connection: &mut PgConnection,
        known: Option<&Projection>,
        now: Position,
    ) -> Result<(), Trouble> {
        let (name, version) = (self.schema.id.name, self.schema.id.version);
        let columns = match &self.schema.kind {
            ProjectionKind::ReadModel(table) => Some(column::of_table(table)),
            _ => None,
        };
        if let Some(changed) = &self.events {
            self.keep_events(parts, connection, changed).await?;
        }
        if self.new_version {
            self.make_rows(parts, connection, columns.as_deref(), now).await?;
            if let Some(columns) = &columns {
                make_table(parts, connection, name, version, columns).await?;
            }
        }
        if let Some(found) = self.shards {
            division::divide(parts, connection, self.schema, found).await?;
        }
        if !self.indexes.is_empty() {
            let stored = known.and_then(|known| known.versions.get(&version)?.columns.clone()).unwrap_or_default();
            self.make_indexes(parts, connection, stored).await?;
        }
        Ok(())
    }

    async fn make_rows(
        &self,
        parts: &Parts,
        connection: &mut PgConnection,
        columns: Option<&[KeptColumn]>,
        now: Position,
    ) -> Result<(), sqlx::Error> {
        let (name, version) = (self.schema.id.name, integer(self.schema.id.version));
        let start = match self.schema.start {
            Start::After(position) => position,
            Start::Now => now,
            // And what this crate does not know yet: so nothing is missed.
            Start::Beginning | _ => Position::START,
        };
        let sql = "insert into \"es\".projections (name, kind, active, oldest, newest) values ($1, $2, $3, $3, $3)
                   on conflict (name) do update set newest = excluded.newest";
        let query = sqlx::query(parts.statements.fill(sql)).bind(name).bind(self.schema.kind.name()).bind(version);
        query.execute(&mut *connection).await?;
        let sql = "insert into \"es\".projection_versions (name, version, columns, events, began)
                   values ($1, $2, $3, $4, $5)";
        let query =
            sqlx::query(parts.statements.fill(sql)).bind(name).bind(version).bind(columns.map(KeptColumn::to_json));
        let query = query.bind(self.event_types()).bind(signed(start.get()));
        query.execute(&mut *connection).await?;
        let sql = "insert into \"es\".projection_shards (name, version, shard, position)
                   select $1, $2, shard, $4 from generate_series(0, $3 - 1) as shard";
        let query = sqlx::query(parts.statements.fill(sql)).bind(name).bind(version);
        let query = query.bind(integer(self.schema.shards.max(1))).bind(signed(start.get()));
        query.execute(&mut *connection).await.map(drop)
    }

    fn event_types(&self) -> Vec<&'static str> {
        self.schema.events.iter().map(|event| event.name).collect()
    }

    /// Keeps which events it handles from here on, unless it has passed some of those that are other ones.
    async fn keep_events(
        &self,
        parts: &Parts,
        connection: &mut PgConnection,
        changed: &[String],
    ) -> Result<(), Trouble> {
        let (name, version) = (self.schema.id.name, integer(self.schema.id.version));
        if !changed.is_empty() {
            let passed = sqlx::query_scalar(parts.projections.statements.passed.clone()).bind(name).bind(version);
            let passed = passed.bind(changed).fetch_all(&mut *connection).await?;
            PrepareError::of_passed(self.schema, passed)?;
        }
        let sql = "update \"es\".projection_versions set events = $3 where name = $1 and version = $2";
        let query = sqlx::query(parts.statements.fill(sql)).bind(name).bind(version).bind(self.event_types());
        Ok(query.execute(connection).await.map(drop)?)
    }

    async fn make_indexes(
        &self,
        parts: &Parts,
        connection: &mut PgConnection,
        mut columns: Vec<KeptColumn>,
    ) -> Result<(), sqlx::Error> {
        let (name, version) = (self.schema.id.name, self.schema.id.version);
        for column in &self.indexes {
            let sql = table::create_index(&parts.config.read_model_schema, name, version, column);
            execute(connection, sql).await?;
        }
        for column in &mut columns {
            column.indexed |= self.indexes.iter().any(|added| added.name == column.name);
        }
        let sql = "update \"es\".projection_versions set columns = $3 where name = $1 and version = $2";
        let query = sqlx::query(parts.statements.fill(sql))
            .bind(name)
            .bind(integer(version))
            .bind(KeptColumn::to_json(&columns));
        query.execute(&mut *connection).await.map(drop)
    }
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
        execute(connection, rights::grants(schema, &[physical_name(name, version)], &[], &role)).await?;
    }
    Ok(())
}
