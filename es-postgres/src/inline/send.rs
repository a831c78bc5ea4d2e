//! An append that changes rows: a transaction of its own, on a connection of the store.
//!
//! The rows are locked before the events draw their positions, so that each row sees its events in the order of their
//! positions, as a fold from zero would. Who waits for a row holds no stream, and who waits for a stream holds his rows
//! already; rows are locked in one order: so nobody waits for one that waits for him.

use std::sync::Arc;

use chrono::Utc;
use es_core::{
    projection::InlineReadModel,
    recorded::{Position, StreamVersion},
    store::{Append, StoreError, StoredEvent},
};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};

use super::{guarded_name, rows};
use crate::{append::Outcome, connections::Failure, error, projections::literal, row, store::Parts, together::Group};

/// How long the server lets us keep silent: we only fold in between. Rows and streams of a process that has frozen are free
/// after that.
const SILENCE: &str = "10s";

/// Stores a group, and changes the rows of those of these read models that are in effect; or stores nothing.
pub(crate) async fn send(
    parts: &Parts,
    group: &Group,
    concerned: &[Arc<dyn InlineReadModel>],
    patience: &str,
) -> Result<Vec<Outcome>, Failure> {
    let mut kept = parts.connections.lease().await.map_err(Failure::NotSent)?.keep();
    group.check_history(kept.history()).map_err(Failure::NotSent)?;
    // Dropped before its end, the connection closes, and with it the transaction.
    let stored = in_transaction(parts, kept.connection(), group, concerned, patience);
    let outcome = parts.connections.answer(stored).await;
    match &outcome {
        Ok(_) => parts.connections.take_back(kept),
        Err(Failure::Lost(_)) => parts.connections.distrust(),
        Err(_) => {
            if parts.connections.answer(kept.connection().execute("rollback")).await.is_ok() {
                parts.connections.take_back(kept);
            }
        }
    }
    outcome
}

async fn in_transaction(
    parts: &Parts,
    connection: &mut PgConnection,
    group: &Group,
    concerned: &[Arc<dyn InlineReadModel>],
    patience: &str,
) -> Result<Vec<Outcome>, Failure> {
    execute(connection, opening(parts, concerned, patience)).await?;
    let in_effect = in_effect(parts, connection, concerned).await?;
    let expected = group.appends().flat_map(foreseen).collect::<Result<Vec<_>, _>>().map_err(Failure::NotSent)?;
    let mut keys = Vec::with_capacity(in_effect.len());
    for read_model in in_effect {
        keys.push((&**read_model, rows::keys(&**read_model, &expected)?));
    }
    rows::lock(parts, connection, &keys).await?;
    let columns = group.columns();
    let stored = columns.query_all(&parts.statements, Some(patience)).fetch_all(&mut *connection).await;
    // An answer that makes no sense is as good as none.
    let outcomes = group.outcomes(&stored.map_err(error::failure)?).map_err(Failure::Lost)?;
    let Some(positions) = positions(&outcomes) else {
        execute(connection, "rollback".to_owned()).await?;
        return Ok(outcomes);
    };
    let asked = sqlx::query(parts.inline.statements.stored.clone()).bind(positions).fetch_all(&mut *connection).await;
    let events = row::events(&asked.map_err(error::failure)?).map_err(Failure::NotSent)?;
    for (read_model, locked) in keys {
        if rows::keys(read_model, &events)? != locked {
            return Err(rows::unsteady(read_model));
        }
        rows::fold(parts, connection, read_model, locked, &events).await?;
    }
    execute(connection, "commit".to_owned()).await?;
    Ok(outcomes)
}

/// An insert of nothing takes the lock that any append holds, and draws no position: what is in effect stays so until the
/// end. A role that may insert into some columns only may not ask for the lock by its name.
fn opening(parts: &Parts, concerned: &[Arc<dyn InlineReadModel>], patience: &str) -> String {
    let names: Vec<_> = concerned.iter().map(|read_model| guarded_name(read_model.schema().id)).collect();
    format!(
        "begin isolation level read committed; {}; set local lock_timeout = {}; \
         set local idle_in_transaction_session_timeout = '{SILENCE}'; set local es.inline = {}",
        parts.inline.statements.lock_appends.as_str(),
        literal(patience),
        literal(&names.join(","))
    )
}

async fn execute(connection: &mut PgConnection, sql: String) -> Result<(), Failure> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop).map_err(error::failure)
}

/// Those of them whose rows change with appends now.
async fn in_effect<'c>(
    parts: &Parts,
    connection: &mut PgConnection,
    concerned: &'c [Arc<dyn InlineReadModel>],
) -> Result<Vec<&'c Arc<dyn InlineReadModel>>, Failure> {
    let asked = sqlx::query(parts.inline.statements.active.clone()).fetch_all(connection).await;
    let listed = |row: &sqlx::postgres::PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
    let listed = asked.and_then(|rows| rows.iter().map(listed).collect::<Result<Vec<(String, i32)>, _>>());
    let listed = listed.map_err(error::failure)?;
    let is_listed = |read_model: &&Arc<dyn InlineReadModel>| {
        let id = read_model.schema().id;
        listed.iter().any(|(name, version)| name == id.name && u32::try_from(*version) == Ok(id.version))
    };
    Ok(concerned.iter().filter(is_listed).collect())
}

/// The events as they will be stored, but for what is only known then: version, position and time.
fn foreseen(append: &Append) -> impl Iterator<Item = Result<StoredEvent, StoreError>> {
    append.events.iter().map(|event| {
        let metadata = serde_json::to_vec(&event.metadata)
            .map_err(|source| StoreError::Backend { doing: "encoding metadata", source: source.into() })?;
        Ok(StoredEvent::new(
            append.stream.clone(),
            StreamVersion::EMPTY,
            Position::START,
            event.schema.name.to_owned(),
            event.schema.version,
            event.metadata.event_id,
            event.payload.clone().into_bytes(),
            metadata,
            Utc::now(),
        ))
    })
}

/// Where the events stand, if all were stored.
fn positions(outcomes: &[Outcome]) -> Option<Vec<i64>> {
    let mut positions = Vec::new();
    for outcome in outcomes {
        let Outcome::Stored(places) = outcome else { return None };
        positions.extend(places.iter().map(|(_, position, _)| *position));
    }
    Some(positions)
}
