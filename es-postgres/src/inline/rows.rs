//! What an append does to the rows of a read model: locked, loaded, folded, written.

use std::collections::BTreeSet;

use es_core::{
    projection::{HandlerError, InlineError, InlineReadModel, ProjectionError},
    store::{StoreError, StoredEvent},
};
use sqlx::{PgConnection, error::DatabaseError};

use super::guarded_name;
use crate::{batch::Trouble, connections::Failure, error, projections, store::Parts};

/// Locks the rows of these keys of each read model, whether they are there or not.
pub(super) async fn lock(
    parts: &Parts,
    connection: &mut PgConnection,
    keys: &[(&dyn InlineReadModel, BTreeSet<String>)],
) -> Result<(), Failure> {
    let names = keys.iter().flat_map(|(read_model, keys)| {
        let (schema, read_model) = (parts.statements.schema(), guarded_name(read_model.schema().id));
        keys.iter().map(move |key| format!("{schema}.{read_model}/{key}"))
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        return Ok(());
    }
    let locks = sqlx::query(parts.inline.statements.lock_keys.clone()).bind(names);
    locks.execute(connection).await.map(drop).map_err(error::failure)
}

/// Folds events into the rows of these keys.
pub(super) async fn fold(
    parts: &Parts,
    connection: &mut PgConnection,
    read_model: &dyn InlineReadModel,
    keys: BTreeSet<String>,
    events: &[StoredEvent],
) -> Result<(), Failure> {
    if keys.is_empty() {
        return Ok(());
    }
    let (table, keys) = (read_model.table(), Vec::from_iter(keys));
    let rows = projections::load_rows_on(parts, connection, &table, &keys).await;
    let rows = rows.map_err(|source| about_rows(read_model, source))?;
    let changes = read_model.fold(events, &rows).map_err(|source| failed(read_model, source))?;
    let written = projections::write_rows_on(parts, connection, &table, &changes).await;
    written.map_err(|source| about_rows(read_model, source))
}

/// The keys of events, as the read model's failure.
pub(super) fn keys(read_model: &dyn InlineReadModel, events: &[StoredEvent]) -> Result<BTreeSet<String>, Failure> {
    read_model.keys(events).map_err(|source| failed(read_model, source))
}

/// The keys of events changed when these were stored: then the rows are not those that were locked.
pub(super) fn unsteady(read_model: &dyn InlineReadModel) -> Failure {
    let why = "its keys depend on where an event is stored; make them of the event alone";
    let source = HandlerError::new(why).into_inner();
    failed(read_model, StoreError::Backend { doing: "finding the keys of a row", source }.into())
}

fn failed(read_model: &dyn InlineReadModel, source: ProjectionError) -> Failure {
    Failure::NotSent(Box::new(InlineError::Failed { read_model: read_model.schema().id, source }).into())
}

/// What the database says of the rows: what is about others, or about the connection, is about the append as a whole.
fn about_rows(read_model: &dyn InlineReadModel, source: sqlx::Error) -> Failure {
    let failure = error::failure(source);
    match (error::trouble(&failure), failure) {
        (Trouble::Refused, Failure::Refused(source)) if !out_of_resources(&source) => {
            failed(read_model, StoreError::Backend { doing: "changing the rows", source: source.into() }.into())
        }
        (_, failure) => failure,
    }
}

fn out_of_resources(source: &sqlx::Error) -> bool {
    source.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code.starts_with("53"))
}
