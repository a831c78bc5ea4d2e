//! Copying out of a store, and into one.
//!
//! What is stored is decided by functions in the database (`migrations/0007_copies.sql`), in one statement for a batch, so
//! that a role that only runs can copy and can still not choose what the server chooses.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use es_core::{
    copy::{ArchivedChange, CopiedEvent, CopyHash, CopyPage, CopyProgress, CopyStore, Import, ImportError},
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{Checkpoint, HistoryDiverged, HistoryId, ReadAll, StoreError, StoredEvent},
};
use sqlx::{
    Postgres, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use crate::{
    connections::Failure,
    error, pages,
    row::{signed, unreadable, unsigned},
    store::{Parts, PostgresStore},
};

const READING: &str = "reading events to be copied";
const IMPORTING: &str = "storing events of a copy";
const ARCHIVING: &str = "archiving the streams of a copy";

/// The name and the size of an append, at the position of its first event.
type Names = HashMap<Position, (String, Option<u32>)>;

impl CopyStore for PostgresStore {
    async fn read_copy(&self, read: &ReadAll) -> Result<CopyPage, StoreError> {
        let page = pages::read_page(&self.parts, read).await?;
        // Events never change: what is read of them later belongs to them.
        let mut names = names(&self.parts, &page.events, page.history).await?;
        Ok(CopyPage::of(page, |position| names.remove(&position)))
    }

    async fn copy_progress(&self) -> Result<Option<CopyProgress>, StoreError> {
        progress(&self.parts).await
    }

    async fn import(&self, import: Import) -> Result<CopyProgress, ImportError> {
        let (payloads, metadata) = (texts(&import, |event| &event.payload)?, texts(&import, |event| &event.metadata)?);
        let query = import_query(&self.parts, &import).bind(payloads).bind(metadata);
        let lease = self.parts.connections.lease().await?;
        // Sent once only: sent again, it could not tell its own batch from that of another copy.
        let rows = lease.fetch(query).await.map_err(|failure| failed(IMPORTING, failure))?;
        let imported = imported(rows.first()).map_err(unreadable)?;
        let position = match imported {
            Imported::At(position) => position,
            Imported::Foreign { stream, version, position } => {
                return Err(ImportError::Foreign { stream, version, position });
            }
            Imported::Moved => return Err(ImportError::Moved { found: progress(&self.parts).await? }),
        };
        self.parts.wake.appended(Some(position));
        Ok(import.progress(position))
    }

    async fn import_archived(&self, known: &CopyProgress, changes: Vec<ArchivedChange>) -> Result<(), ImportError> {
        let column = |part: fn(&StreamId) -> &str| changes.iter().map(|it| part(&it.stream)).collect::<Vec<_>>();
        let times: Vec<Option<DateTime<Utc>>> = changes.iter().map(|change| change.archived_at).collect();
        let query = || {
            sqlx::query(self.parts.statements.copy_archived.clone())
                .bind(known.source.history.as_uuid())
                .bind(signed(known.events))
                .bind(known.hash.as_bytes().to_vec())
                .bind(column(StreamId::stream_type))
                .bind(column(StreamId::id))
                .bind(times.clone())
        };
        let rows = self.parts.connections.fetch(query).await.map_err(|failure| failed(ARCHIVING, failure))?;
        let done = rows.first().map_or(Ok(false), |row| row.try_get(0)).map_err(unreadable)?;
        if done { Ok(()) } else { Err(ImportError::Moved { found: progress(&self.parts).await? }) }
    }
}

fn failed(doing: &'static str, failure: Failure) -> StoreError {
    error::store_error(doing, failure)
}

/// What the appends of these events left beside them.
async fn names(parts: &Parts, events: &[StoredEvent], history: HistoryId) -> Result<Names, StoreError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(Names::new()) };
    let (before, upto) = (signed(first.position.get()) - 1, signed(last.position.get()));
    let query = || sqlx::query(parts.statements.copy_names.clone()).bind(before).bind(upto);
    let answer = parts.connections.fetch_with_history(query).await;
    let (found, rows) = answer.map_err(|failure| failed(READING, failure))?;
    if found != history {
        return Err(HistoryDiverged::new(history, found).into());
    }
    let name = |row: &PgRow| -> Result<_, sqlx::Error> {
        let size = row.try_get::<Option<i32>, _>(2)?.and_then(|size| u32::try_from(size).ok());
        Ok((Position::new(unsigned(row.try_get(0)?)), (row.try_get(1)?, size)))
    };
    rows.iter().map(name).collect::<Result<_, _>>().map_err(unreadable)
}

async fn progress(parts: &Parts) -> Result<Option<CopyProgress>, StoreError> {
    let rows = parts.connections.fetch(|| sqlx::query(parts.statements.copy_progress.clone())).await;
    let rows = rows.map_err(|failure| failed(READING, failure))?;
    let progress = |row: &PgRow| -> Result<CopyProgress, sqlx::Error> {
        let position = |column| Ok::<_, sqlx::Error>(Position::new(unsigned(row.try_get(column)?)));
        let (history, event_id): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(2)?);
        let history = HistoryId::from_uuid(history);
        let hash: Vec<u8> = row.try_get(5)?;
        let hash = <[u8; 32]>::try_from(hash).map_err(|_| sqlx::Error::Decode("a hash of another length".into()))?;
        Ok(CopyProgress::new(
            Checkpoint::new(position(1)?, EventId::from_uuid(event_id), history),
            position(3)?,
            unsigned(row.try_get(4)?),
            CopyHash::from_bytes(hash),
        ))
    };
    rows.first().map(progress).transpose().map_err(unreadable)
}

/// All of a batch but the two columns of JSON, which come last.
fn import_query<'q>(parts: &Parts, import: &Import) -> Query<'q, Postgres, PgArguments> {
    let known = import.known.as_ref();
    let names = |part: fn(&StoredEvent) -> String| column(import, part);
    sqlx::query(parts.statements.copy_import.clone())
        .bind(known.map(|known| known.source.history.as_uuid()))
        .bind(known.map(|known| signed(known.events)))
        .bind(known.map(|known| known.hash.as_bytes().to_vec()))
        .bind(import.source.history.as_uuid())
        .bind(signed(import.source.position.get()))
        .bind(signed(import.total))
        .bind(import.hash.as_bytes().to_vec())
        .bind(names(|event| event.stream.stream_type().to_owned()))
        .bind(names(|event| event.stream.id().to_owned()))
        .bind(column(import, |event| signed(event.version.get())))
        .bind(names(|event| event.event_type.clone()))
        .bind(column(import, |event| i32::try_from(event.schema_version).unwrap_or(i32::MAX)))
        .bind(column(import, |event| event.event_id.as_uuid()))
        .bind(column(import, |event| event.recorded_at))
        .bind(import.events.iter().map(|copied| copied.idempotency_key.clone()).collect::<Vec<_>>())
        .bind(import.events.iter().map(|it| it.append_size.map(u32::cast_signed)).collect::<Vec<Option<i32>>>())
}

/// A column of JSON.
fn texts<'a>(import: &'a Import, part: fn(&StoredEvent) -> &Vec<u8>) -> Result<Vec<&'a str>, StoreError> {
    let text = |copied: &'a CopiedEvent| str::from_utf8(part(&copied.event));
    let texts: Result<Vec<_>, _> = import.events.iter().map(text).collect();
    texts.map_err(|source| StoreError::Backend { doing: IMPORTING, source: source.into() })
}

fn column<V>(import: &Import, value: impl Fn(&StoredEvent) -> V) -> Vec<V> {
    import.events.iter().map(|copied| value(&copied.event)).collect()
}

/// What became of a batch.
enum Imported {
    At(Position),
    Moved,
    Foreign { stream: StreamId, version: StreamVersion, position: Position },
}

fn imported(row: Option<&PgRow>) -> Result<Imported, sqlx::Error> {
    let row = row.ok_or(sqlx::Error::RowNotFound)?;
    if row.try_get::<bool, _>(1)? {
        return Ok(Imported::Moved);
    }
    if let Some(stream_type) = row.try_get::<Option<&str>, _>(2)? {
        let stream = StreamId::new(stream_type, row.try_get::<&str, _>(3)?);
        let (version, position) = (unsigned(row.try_get(4)?), unsigned(row.try_get(5)?));
        let (version, position) = (StreamVersion::new(version), Position::new(position));
        return Ok(Imported::Foreign { stream, version, position });
    }
    Ok(Imported::At(Position::new(unsigned(row.try_get(0)?))))
}
