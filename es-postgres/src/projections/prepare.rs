//! Making projections ready: their rows, and the tables and views of read models; and removing versions that are old.
//!
//! What is there is looked at first. Only where something is missing a transaction begins, under a lock, and does all of it
//! or nothing: so a role that may make no tables gets through where the owner has prepared.

use std::{collections::BTreeSet, sync::Arc};

use es_core::{
    projection::{Missing, PrepareError, ProjectionKind, ProjectionSchema, Start, TableSchema},
    recorded::Position,
    store::StoreError,
};
use sqlx::{Executor as _, PgConnection};

use super::{
    change::{self, PREPARING, Trouble, execute},
    column::DIALECT,
    known::{self, Known},
    make::make,
    replace::{make_view, replace_view},
    sql::{integer, literal},
    table,
    transaction::failed,
};
use crate::{frontier, row::unreadable, store::Parts};

pub(super) async fn prepare(parts: &Arc<Parts>, schemas: &[ProjectionSchema]) -> Result<(), PrepareError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = schemas.iter().find(|schema| !names.insert(schema.id.name)) {
        return Err(PrepareError::NameTwice { name: twice.id.name });
    }
    let asked = Asked::of(schemas);
    // A refusal is looked at again under the lock: another process may have been at it between the questions.
    if asked.look(parts).await.is_ok_and(|missing| missing.is_empty()) {
        return Ok(());
    }
    let begins_now = schemas.iter().any(|schema| schema.start == Start::Now);
    let now = if begins_now { frontier::advance(parts).await?.position } else { Position::START };
    change::carry_out(parts, &Work::Make(asked, now)).await
}

pub(super) async fn drop_older(parts: &Parts, name: &'static str) -> Result<(), StoreError> {
    let names = [name];
    let rows = parts.connections.fetch(|| known::ask(&parts.projections, &names)).await;
    let known = known::read(&rows.map_err(|failure| failed(PREPARING, failure))?).map_err(unreadable)?;
    let Some(projection) = known.get(name) else { return Ok(()) };
    if projection.kept.versions.range(..projection.kept.active).next().is_none() {
        return Ok(());
    }
    match change::carry_out(parts, &Work::RemoveOlder(name)).await {
        Err(PrepareError::Store(error)) => Err(error),
        Err(other) => Err(StoreError::Backend { doing: PREPARING, source: other.into() }),
        Ok(()) => Ok(()),
    }
}

/// What a transaction is to do.
pub(super) enum Work<'w> {
    /// Make what is missing; those that begin now begin there.
    Make(Asked<'w>, Position),
    /// Remove the versions of a name that are older than the active one.
    RemoveOlder(&'w str),
}

impl Work<'_> {
    pub(super) async fn carry_out(&self, parts: &Parts, connection: &mut PgConnection) -> Result<(), Trouble> {
        match self {
            Self::Make(asked, now) => asked.make(parts, connection, *now).await,
            Self::RemoveOlder(name) => remove_older(parts, connection, name).await,
        }
    }
}

/// What is to be ready.
pub(super) struct Asked<'s> {
    schemas: &'s [ProjectionSchema],
    names: Vec<&'s str>,
    /// Of read models: the names that their tables and views have.
    relations: Vec<String>,
}

impl<'s> Asked<'s> {
    fn of(schemas: &'s [ProjectionSchema]) -> Self {
        let of_read_model = |schema: &ProjectionSchema| match schema.kind {
            ProjectionKind::ReadModel(table) => {
                vec![table.name.to_owned(), TableSchema::physical_name(table.name, table.version)]
            }
            _ => Vec::new(),
        };
        let relations = schemas.iter().flat_map(of_read_model).collect();
        Self { schemas, names: schemas.iter().map(|schema| schema.id.name).collect(), relations }
    }

    /// What is missing, by a look that changes nothing.
    async fn look(&self, parts: &Parts) -> Result<Vec<Missing>, PrepareError> {
        let failed = |failure| PrepareError::from(failed(PREPARING, failure));
        let (projections, schema) = (&parts.projections, parts.config.read_model_schema.as_str());
        let known = parts.connections.fetch(|| known::ask(projections, &self.names)).await.map_err(failed)?;
        let relations = parts.connections.fetch(|| known::ask_relations(projections, schema, &self.relations)).await;
        let relations = known::read_relations(&relations.map_err(failed)?).map_err(unreadable)?;
        self.missing(&known::read(&known).map_err(unreadable)?, &relations)
    }

    fn missing(&self, known: &Known, relations: &BTreeSet<String>) -> Result<Vec<Missing>, PrepareError> {
        let of = |schema: &ProjectionSchema| {
            let known = known.get(schema.id.name).map(|known| &known.kept);
            Missing::of(schema, known, &DIALECT, |name| relations.contains(name)).transpose()
        };
        self.schemas.iter().filter_map(of).collect()
    }

    async fn make(&self, parts: &Parts, connection: &mut PgConnection, now: Position) -> Result<(), Trouble> {
        let (projections, schema) = (&parts.projections, parts.config.read_model_schema.as_str());
        let known = known::read(&known::ask(projections, &self.names).fetch_all(&mut *connection).await?)?;
        let relations = known::ask_relations(projections, schema, &self.relations).fetch_all(&mut *connection).await?;
        let missing = self.missing(&known, &known::read_relations(&relations)?)?;
        for missing in &missing {
            make(missing, parts, connection, now).await?;
        }
        // The views last: readers wait from here to the commit.
        for missing in missing.iter().filter(|missing| missing.view) {
            make_view(parts, connection, missing.schema.id.name).await?;
        }
        Ok(())
    }
}

/// Removes all versions that are older than the active one.
async fn remove_older(parts: &Parts, connection: &mut PgConnection, name: &str) -> Result<(), Trouble> {
    let known = known::read(&known::ask(&parts.projections, &[name]).fetch_all(&mut *connection).await?)?;
    let Some(projection) = known.get(name) else { return Ok(()) };
    let active = integer(projection.kept.active);
    // Waits for open batches of theirs; engines that still run them find their claims void.
    for table in ["projection_shards", "projection_versions", "dead_letters"] {
        let sql = format!("delete from \"es\".{table} where name = {} and version < {active}", literal(name));
        connection.execute(sqlx::raw_sql(parts.statements.fill(&sql))).await?;
    }
    let mut tables = projection.kept.tables();
    let kept = tables.split_off(&projection.kept.active);
    if tables.is_empty() {
        return Ok(());
    }
    replace_view(parts, connection, name, projection.oldest, &kept).await?;
    let schema = parts.config.read_model_schema.as_str();
    let drops: String = tables.keys().map(|&version| table::drop(schema, name, version)).collect();
    Ok(execute(connection, drops).await?)
}
