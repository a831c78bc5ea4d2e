//! The append: one guarded statement in one round trip, and what is made of its answer.

use es_core::{
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{Append, Appended, Conflict, Expected, Placed, StoreError, Unavailable},
};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::{
    connections::Failure,
    error::{self, Verdict},
    row::{signed, unreadable, unsigned},
    store::Parts,
};

const DOING: &str = "appending events";

/// How often an append that lost a race, or its connection, is sent: each time it may meet another.
const ATTEMPTS: u32 = 64;

/// Stores the events of one request, or finds that they are stored.
pub(crate) async fn append(parts: &Parts, append: Append) -> Result<Appended, StoreError> {
    append.check()?;
    let columns = Columns::of(&append)?;
    let mut sent = false;
    let mut attempts = 0;
    loop {
        attempts += 1;
        match parts.connections.fetch_once(columns.query(parts)).await {
            Ok(rows) => return answer(parts, &append, &columns, &rows).await,
            // The same append again is safe: what was stored is found by its key or its event ids.
            Err(Failure::Lost(source)) if sent => return Err(unknown(&append, source)),
            Err(Failure::NotSent(error)) if sent => return Err(unknown(&append, error)),
            Err(Failure::Lost(_)) => sent = true,
            Err(Failure::Refused(error)) if error::judge(&error) == Verdict::Again && attempts < ATTEMPTS => {}
            Err(Failure::Refused(error)) if error::judge(&error) == Verdict::Again => {
                let reason = format!("other writers to {} came first {attempts} times in a row", append.stream);
                return Err(Unavailable::new(reason, error).into());
            }
            Err(failure) => return Err(error::store_error(DOING, failure)),
        }
    }
}

/// The request as the statement's parameters.
struct Columns<'a> {
    append: &'a Append,
    key: Option<String>,
    ids: Vec<Uuid>,
    types: Vec<&'a str>,
    schema_versions: Vec<i32>,
    payloads: Vec<&'a str>,
    metadata: Vec<String>,
}

impl<'a> Columns<'a> {
    fn of(append: &'a Append) -> Result<Self, StoreError> {
        let events = || append.events.iter();
        let metadata = events().map(|event| serde_json::to_string(&event.metadata)).collect::<Result<_, _>>();
        Ok(Self {
            append,
            key: key(append),
            ids: events().map(|event| event.metadata.event_id.as_uuid()).collect(),
            types: events().map(|event| event.schema.name).collect(),
            schema_versions: events().map(|event| i32::try_from(event.schema.version).unwrap_or(i32::MAX)).collect(),
            payloads: events().map(|event| event.payload.as_str()).collect(),
            metadata: metadata
                .map_err(|source| StoreError::Backend { doing: "encoding metadata", source: source.into() })?,
        })
    }

    fn query(&self, parts: &Parts) -> sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments> {
        let (lowest, highest) = versions(self.append.expected);
        sqlx::query(parts.statements.append.clone())
            .bind(self.append.stream.stream_type())
            .bind(self.append.stream.id())
            .bind(lowest)
            .bind(highest)
            .bind(&self.key)
            .bind(&self.ids)
            .bind(&self.types)
            .bind(&self.schema_versions)
            .bind(&self.payloads)
            .bind(&self.metadata)
    }
}

/// The name under which a repeat is found. An append that fixes no version needs one always: without it the same
/// append, sent again, would find the stream one step further and be stored twice. Its first event's id serves.
fn key(append: &Append) -> Option<String> {
    let first = append.events.first().map(|event| event.metadata.event_id);
    match (&append.idempotency_key, append.expected) {
        (Some(key), _) => Some(key.clone()),
        (None, Expected::Any | Expected::StreamExists) => first.map(|id| id.to_string()),
        (None, Expected::NoStream | Expected::Exact(_)) => None,
    }
}

/// The lowest and the highest version that is expected.
fn versions(expected: Expected) -> (i64, i64) {
    match expected {
        Expected::Any => (0, i64::MAX),
        Expected::NoStream => (0, 0),
        Expected::StreamExists => (1, i64::MAX),
        Expected::Exact(version) => (signed(version.get()), signed(version.get())),
    }
}

/// Reads the statement's answer: stored now, stored before, or a conflict.
async fn answer(parts: &Parts, append: &Append, columns: &Columns<'_>, rows: &[PgRow]) -> Result<Appended, StoreError> {
    let Some(first) = rows.first() else {
        return Err(unreadable(sqlx::Error::RowNotFound));
    };
    let inserted: Option<i64> = first.try_get(3).map_err(unreadable)?;
    if inserted.is_some() {
        return stored_now(append, rows).map_err(unreadable);
    }
    let repeat: Option<i64> = first.try_get(1).map_err(unreadable)?;
    if let Some(version) = repeat {
        let size: Option<i32> = first.try_get(2).map_err(unreadable)?;
        let last = version + i64::from(size.unwrap_or(1)) - 1;
        return Ok(Appended::new(placed(parts, &append.stream, version, last).await?, true));
    }
    let actual: i64 = first.try_get(0).map_err(unreadable)?;
    let conflict = || Conflict::new(append.stream.clone(), append.expected, StreamVersion::new(unsigned(actual)));
    // A repeat without a key stands just where it expected to, or the conflict is real.
    let (expected, _) = versions(append.expected);
    if actual <= expected {
        return Err(conflict().into());
    }
    let last = expected.saturating_add(i64::try_from(columns.ids.len()).unwrap_or(i64::MAX));
    let standing = placed(parts, &append.stream, expected + 1, last).await?;
    if standing.iter().map(|placed| placed.event_id.as_uuid()).eq(columns.ids.iter().copied()) {
        return Ok(Appended::new(standing, true));
    }
    Err(conflict().into())
}

/// Each row says where one event stands, in no promised order: they are put in order by version.
fn stored_now(append: &Append, rows: &[PgRow]) -> Result<Appended, sqlx::Error> {
    let mut placed = Vec::with_capacity(rows.len());
    for row in rows {
        let version = StreamVersion::new(unsigned(row.try_get(3)?));
        let position = Position::new(unsigned(row.try_get(4)?));
        placed.push((version, position, row.try_get(5)?));
    }
    placed.sort_unstable_by_key(|&(version, ..)| version);
    let placed = placed.into_iter().zip(&append.events).map(|((version, position, recorded_at), event)| {
        Placed::new(event.metadata.event_id, version, position, recorded_at)
    });
    Ok(Appended::new(placed.collect(), false))
}

/// Where a run of a stream's events stands.
async fn placed(parts: &Parts, stream: &StreamId, first: i64, last: i64) -> Result<Vec<Placed>, StoreError> {
    let rows = parts
        .connections
        .fetch(|| {
            sqlx::query(parts.statements.placed.clone())
                .bind(stream.stream_type())
                .bind(stream.id())
                .bind(first)
                .bind(last)
        })
        .await
        .map_err(|failure| error::store_error(DOING, failure))?;
    let placed = |row: &PgRow| -> Result<Placed, sqlx::Error> {
        let version = StreamVersion::new(unsigned(row.try_get(0)?));
        let position = Position::new(unsigned(row.try_get(1)?));
        Ok(Placed::new(EventId::from_uuid(row.try_get(3)?), version, position, row.try_get(2)?))
    };
    rows.iter().map(placed).collect::<Result<_, _>>().map_err(unreadable)
}

fn unknown(append: &Append, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    let first_event = append.events.first().map_or(EventId::from_uuid(Uuid::nil()), |event| event.metadata.event_id);
    StoreError::OutcomeUnknown { stream: append.stream.clone(), first_event, source: source.into() }
}
