//! What people do with projections: pause and resume them, switch to a new version, look how far behind they are.

use std::time::Duration;

use es_core::{
    projection::{Activity, Lag, ProjectionId, ProjectionSchema},
    recorded::Position,
    store::StoreError,
};
use sqlx::{Row as _, SqlStr};

use super::{
    sql::{inlined, integer, literal},
    transaction::failed,
};
use crate::{
    connections::Failure,
    error, inline,
    row::{signed, unreadable, unsigned},
    store::Parts,
};

const SWITCHING: &str = "switching a projection";

pub(super) async fn set_activity(
    parts: &Parts,
    projection: ProjectionId,
    activity: Activity,
) -> Result<(), StoreError> {
    let query = || {
        sqlx::query(parts.projections.statements.set_activity.clone())
            .bind(projection.name)
            .bind(integer(projection.version))
            .bind(activity.name())
    };
    let paused = parts.connections.fetch_within(behind_a_batch(parts), query).await;
    paused.map_err(|failure| failed("pausing or resuming", failure))?;
    // In this order: one that was running cannot come to change with the appends in between.
    if activity == Activity::Paused {
        inline::take_off(parts, (projection.name, integer(projection.version)), activity).await?;
    }
    Ok(())
}

pub(super) async fn redrive(parts: &Parts, projection: ProjectionId) -> Result<(), StoreError> {
    let query = || {
        sqlx::query(parts.projections.statements.redrive.clone())
            .bind(projection.name)
            .bind(integer(projection.version))
    };
    let asked = parts.connections.fetch_within(behind_a_batch(parts), query).await;
    asked.map(drop).map_err(|failure| failed("asking for a redrive", failure))
}

/// How long the server may be silent to somebody who waits for a batch, as long as these statements say.
fn behind_a_batch(parts: &Parts) -> Duration {
    Duration::from_mins(1).saturating_add(parts.config.answer_timeout)
}

/// Where the version that readers see is held by a long batch, it is said not to have come so far: a caller asks again.
pub(super) async fn switch(parts: &Parts, projection: ProjectionId, upto: Position) -> Result<bool, StoreError> {
    let values = [literal(projection.name), projection.version.to_string(), signed(upto.get()).to_string()];
    let sql = inlined(parts.projections.statements.switch.as_str(), &values);
    // Done twice it is done once.
    let answer = match send(parts, sql.clone()).await {
        Err(Failure::Lost(_)) => send(parts, sql).await,
        answer => answer,
    };
    match answer {
        Err(Failure::Refused(source)) if error::is_held(&source) => Ok(false),
        answer => answer.map_err(|failure| failed(SWITCHING, failure)),
    }
}

/// Sends several statements in one message; what the last row of the answer says.
async fn send(parts: &Parts, sql: SqlStr) -> Result<bool, Failure> {
    let mut kept = parts.connections.lease().await.map_err(Failure::NotSent)?.keep();
    match parts.connections.answer(sqlx::raw_sql(sql).fetch_all(kept.connection())).await {
        Ok(rows) => {
            parts.connections.take_back(kept);
            rows.last().map_or(Ok(false), |row| row.try_get(0)).map_err(Failure::Refused)
        }
        Err(source) => {
            let failure = error::failure(source);
            match failure {
                Failure::Lost(_) => parts.connections.distrust(),
                // The message was one transaction, which has ended.
                _ => parts.connections.take_back(kept),
            }
            Err(failure)
        }
    }
}

pub(super) async fn lag(parts: &Parts, projection: &ProjectionSchema, after: Position) -> Result<Lag, StoreError> {
    let events: Vec<_> = projection.events.iter().map(|event| event.name).collect();
    let query = || {
        sqlx::query(parts.projections.statements.lag.clone())
            .bind(signed(after.get()))
            .bind(&events)
            .bind(signed(Lag::MOST))
    };
    let counted = parts.connections.fetch_within(parts.connections.long_silence(), query).await;
    let rows = counted.map_err(|failure| failed("counting what is to come", failure))?;
    let Some(row) = rows.first() else { return Ok(Lag::default()) };
    let count = unsigned(row.try_get(0).map_err(unreadable)?);
    let age: Option<i64> = row.try_get(1).map_err(unreadable)?;
    Ok(Lag::new(count, Duration::from_micros(age.map_or(0, unsigned))))
}
