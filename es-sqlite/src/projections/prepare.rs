//! Making projections ready: their rows, and the tables and views of read models; and removing versions that are old.
//!
//! What is there is looked at first. Only where something is missing a transaction begins, and does all of it or nothing.

use std::collections::BTreeSet;

use es_core::{
    projection::{Missing, PrepareError, ProjectionKind, ProjectionSchema, TableSchema},
    store::StoreError,
};
use sqlx::SqliteConnection;

use super::{
    column::DIALECT,
    known::{self, known},
    make::{Trouble, execute, make, make_view},
    table,
};
use crate::{connections::Writing, error, inline, store::Parts};

pub(super) const PREPARING: &str = "making projections ready";

pub(super) async fn prepare(parts: &Parts, schemas: &[ProjectionSchema]) -> Result<(), PrepareError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = schemas.iter().find(|schema| !names.insert(schema.id.name)) {
        return Err(PrepareError::NameTwice { name: twice.id.name });
    }
    let asked = Asked::of(schemas);
    // A refusal is looked at again by who has the file: another process may have been at it between the questions.
    if asked.is_ready(parts).await? {
        return Ok(());
    }
    let writing = parts.connections.pen().begin(PREPARING, "the tables of projections").await?;
    in_transaction(writing, async |connection| asked.make(parts, connection).await).await
}

/// Does something in a transaction, which it undoes where that fails.
async fn in_transaction(
    mut writing: Writing,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<(), Trouble>,
) -> Result<(), PrepareError> {
    let outcome = match writing.connection() {
        Ok(connection) => work(connection).await,
        Err(gone) => Err(gone.into()),
    };
    match outcome {
        Ok(()) => writing.commit(PREPARING).await.map_err(|uncommitted| uncommitted.error.into()),
        Err(trouble) => {
            writing.rollback().await;
            Err(trouble.into())
        }
    }
}

pub(super) async fn drop_older(parts: &Parts, name: &'static str) -> Result<(), StoreError> {
    let failed = |source| error::store_error(PREPARING, source);
    let mut reader = parts.connections.reading()?.acquire().await.map_err(failed)?;
    let known = known(&mut reader, &[name]).await.map_err(failed)?;
    drop(reader);
    let Some(projection) = known.get(name) else { return Ok(()) };
    let active = projection.active;
    if projection.versions.range(..active).next().is_none() {
        return Ok(());
    }
    // Batches of theirs end first; engines that still run them find their claims void.
    let is_older = |id: es_core::projection::ProjectionId| id.name == name && id.version < active;
    parts.projections.registry.when_ended(|claim| is_older(claim.shard.projection)).await;
    let writing = parts.connections.pen().begin(PREPARING, "the removal of older versions").await?;
    match in_transaction(writing, async |connection| remove_older(connection, name).await).await {
        Err(PrepareError::Store(error)) => Err(error),
        Err(other) => Err(StoreError::Backend { doing: PREPARING, source: other.into() }),
        Ok(()) => Ok(()),
    }
}

/// What is to be ready.
struct Asked<'s> {
    schemas: &'s [ProjectionSchema],
    names: Vec<&'s str>,
    /// Of read models: the names that their tables and views have, in lower case.
    relations: Vec<String>,
}

impl<'s> Asked<'s> {
    fn of(schemas: &'s [ProjectionSchema]) -> Self {
        let of_read_model = |schema: &ProjectionSchema| match schema.kind {
            ProjectionKind::ReadModel(table) => {
                vec![table.name.to_lowercase(), TableSchema::physical_name(table.name, table.version).to_lowercase()]
            }
            _ => Vec::new(),
        };
        let relations = schemas.iter().flat_map(of_read_model).collect();
        Self { schemas, names: schemas.iter().map(|schema| schema.id.name).collect(), relations }
    }

    /// Whether nothing is missing, by a look that changes nothing.
    async fn is_ready(&self, parts: &Parts) -> Result<bool, StoreError> {
        let failed = |source| error::store_error(PREPARING, source);
        let mut reader = parts.connections.reading()?.acquire().await.map_err(failed)?;
        let missing = self.missing(&mut reader).await;
        let older = inline::older(&mut reader, self.schemas).await.map_err(failed)?;
        Ok(missing.is_ok_and(|missing| missing.is_empty()) && older.is_empty())
    }

    async fn missing(&self, connection: &mut SqliteConnection) -> Result<Vec<Missing>, Trouble> {
        let known = known(connection, &self.names).await?;
        let relations = known::relations(connection, &self.relations).await?;
        let is_taken = |name: &str| relations.contains(&name.to_lowercase());
        let of =
            |schema: &ProjectionSchema| Missing::of(schema, known.get(schema.id.name), &DIALECT, is_taken).transpose();
        Ok(self.schemas.iter().filter_map(of).collect::<Result<_, _>>()?)
    }

    async fn make(&self, parts: &Parts, connection: &mut SqliteConnection) -> Result<(), Trouble> {
        let missing = self.missing(connection).await?;
        for missing in &missing {
            make(missing, &parts.projections.registry, connection).await?;
        }
        for missing in missing.iter().filter(|missing| missing.view) {
            make_view(connection, missing.schema.id.name).await?;
        }
        // No program that has the newer version could change the rows of the older one with its appends.
        for (name, version) in inline::older(connection, self.schemas).await? {
            inline::take_off(connection, (name, version), es_core::projection::Activity::Running).await?;
        }
        Ok(())
    }
}

/// Removes all versions that are older than the active one.
async fn remove_older(connection: &mut SqliteConnection, name: &str) -> Result<(), Trouble> {
    let known = known(connection, &[name]).await?;
    let Some(projection) = known.get(name) else { return Ok(()) };
    // Their shards go with the versions.
    for sql in [
        "delete from es_dead_letters where name = ?1 and version < ?2",
        "delete from es_inline_read_models where name = ?1 and version < ?2",
        "delete from es_projection_versions where name = ?1 and version < ?2",
    ] {
        sqlx::query(sql).bind(name.to_owned()).bind(projection.active).execute(&mut *connection).await?;
    }
    let mut tables = projection.tables();
    let kept = tables.split_off(&projection.active);
    if tables.is_empty() {
        return Ok(());
    }
    execute(connection, table::replace_view(name, projection.active, &kept)).await?;
    let drops: String = tables.keys().map(|&version| table::drop(name, version)).collect();
    Ok(execute(connection, drops).await?)
}
