//! Copying out of a file, and into one.
//!
//! A batch is stored in one transaction together with how far the copy has come with it. Nobody else writes meanwhile: what is
//! seen in its beginning is all there is.

use std::collections::HashMap;

use es_core::{
    copy::{ArchivedChange, CopiedEvent, CopyHash, CopyPage, CopyProgress, CopyStore, Import, ImportError},
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{Checkpoint, HistoryDiverged, HistoryId, ReadAll, StoreError, StoredEvent},
};
use sqlx::{Row as _, SqliteConnection, SqliteExecutor, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    append::history,
    connections::Writing,
    error,
    inline::InEffect,
    insert::{self, NewRow},
    pages,
    projections::finish,
    row::{is_null, natural, signed, text, unreadable},
    store::{Parts, SqliteStore},
};

const READING: &str = "reading events to be copied";
const IMPORTING: &str = "storing events of a copy";
const ARCHIVING: &str = "archiving the streams of a copy";

/// The names and sizes of appends, in one view with the history; one row without a position where there are none.
/// ?1 and ?2: behind which position, and up to which. Index: the primary key of events.
pub(crate) const NAMES: &str = "
    select id, position, idempotency_key, append_size
    from es_history left join es_events on position > ?1 and position <= ?2 and idempotency_key is not null";

/// How far the copy has come.
const PROGRESS: &str = "select source_history, source_position, event_id, target_position, events, hash from es_copies";

/// The first event behind ?1, a position. Index: the primary key of events.
pub(crate) const BEHIND: &str =
    "select stream_type, stream_id, version, position from es_events where position > ?1 order by position limit 1";

/// The values are those of `PROGRESS`, in its order.
const COME_SO_FAR: &str = "
    insert or replace into es_copies
        (only_one, source_history, source_position, event_id, target_position, events, hash)
    values (1, ?1, ?2, ?3, ?4, ?5, ?6)";

/// ?1 stream type, ?2 stream id, ?3 since when.
const ARCHIVE: &str =
    "insert or replace into es_archived_streams (stream_type, stream_id, archived_at) values (?1, ?2, ?3)";

/// ?1 stream type, ?2 stream id.
const RESTORE: &str = "delete from es_archived_streams where stream_type = ?1 and stream_id = ?2";

impl CopyStore for SqliteStore {
    async fn read_copy(&self, read: &ReadAll) -> Result<CopyPage, StoreError> {
        let page = pages::read_page(&self.parts, read).await?;
        // Events never change: what is read of them later belongs to them.
        let mut names = names(&self.parts, &page.events, page.history).await?;
        Ok(CopyPage::of(page, |position| names.remove(&position)))
    }

    async fn copy_progress(&self) -> Result<Option<CopyProgress>, StoreError> {
        progress(self.parts.connections.reading()?).await.map_err(|source| failed(READING, source))
    }

    async fn import(&self, import: Import) -> Result<CopyProgress, ImportError> {
        let mut writing = self.parts.connections.pen().begin(IMPORTING, "a batch of a copy").await?;
        let outcome = match writing.connection() {
            Ok(connection) => take_in(connection, &import).await,
            Err(gone) => Err(gone.into()),
        };
        let progress = end(writing, outcome, IMPORTING).await?;
        self.parts.wake.raise(progress.target);
        Ok(progress)
    }

    async fn import_archived(&self, known: &CopyProgress, changes: Vec<ArchivedChange>) -> Result<(), ImportError> {
        let mut writing = self.parts.connections.pen().begin(ARCHIVING, "the archiving of a copy's streams").await?;
        let outcome = match writing.connection() {
            Ok(connection) => archive(connection, known, &changes).await,
            Err(gone) => Err(gone.into()),
        };
        end(writing, outcome, ARCHIVING).await
    }
}

/// Commits what went well, and undoes what was refused. Where the answer to a commit is lost nothing is sent again: the next
/// copy sees how far this one has come.
async fn end<T>(writing: Writing, outcome: Result<T, ImportError>, doing: &'static str) -> Result<T, ImportError> {
    match outcome {
        Ok(done) => Ok(finish(writing, Ok(done), doing).await?),
        Err(refused) => {
            writing.rollback().await;
            Err(refused)
        }
    }
}

fn failed(doing: &'static str, source: sqlx::Error) -> StoreError {
    error::store_error(doing, source)
}

/// The name and the size of an append.
type Name = (String, Option<u32>);
/// Those of appends, at the positions of their first events.
type Names = HashMap<Position, Name>;

/// What the appends of these events left beside them.
async fn names(parts: &Parts, events: &[StoredEvent], known: HistoryId) -> Result<Names, StoreError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(Names::new()) };
    let rows = sqlx::query(NAMES)
        .bind(signed(first.position.get()) - 1)
        .bind(signed(last.position.get()))
        .fetch_all(parts.connections.reading()?)
        .await
        .map_err(|source| failed(READING, source))?;
    let mut names = Names::with_capacity(rows.len());
    for row in &rows {
        let found = history(text(row, 0).map_err(unreadable)?).map_err(unreadable)?;
        if found != known {
            return Err(HistoryDiverged::new(known, found).into());
        }
        names.extend(name(row).map_err(unreadable)?);
    }
    Ok(names)
}

fn name(row: &SqliteRow) -> Result<Option<(Position, Name)>, sqlx::Error> {
    if is_null(row, 1)? {
        return Ok(None);
    }
    let size = if is_null(row, 3)? { None } else { u32::try_from(natural(row, 3)?).ok() };
    Ok(Some((Position::new(natural(row, 1)?), (text(row, 2)?.to_owned(), size))))
}

async fn progress(connection: impl SqliteExecutor<'_>) -> Result<Option<CopyProgress>, sqlx::Error> {
    let Some(row) = sqlx::query(PROGRESS).fetch_optional(connection).await? else { return Ok(None) };
    let id: &[u8] = row.try_get_unchecked(2)?;
    let id = Uuid::from_slice(id).map_err(|source| sqlx::Error::Decode(source.into()))?;
    let position = |column| Ok::<_, sqlx::Error>(Position::new(natural(&row, column)?));
    let source = Checkpoint::new(position(1)?, EventId::from_uuid(id), history(text(&row, 0)?)?);
    let hash: &[u8] = row.try_get_unchecked(5)?;
    let hash =
        CopyHash::from_bytes(hash.try_into().map_err(|_| sqlx::Error::Decode("a hash of another length".into()))?);
    Ok(Some(CopyProgress::new(source, position(3)?, natural(&row, 4)?, hash)))
}

/// Refuses a copy that has not come where it is known to be.
async fn check_known(
    connection: &mut SqliteConnection,
    known: Option<&CopyProgress>,
    doing: &'static str,
) -> Result<(), ImportError> {
    let found = progress(connection).await.map_err(|source| failed(doing, source))?;
    if found.as_ref() == known { Ok(()) } else { Err(ImportError::Moved { found }) }
}

/// Refuses a copy that has events behind those that were copied.
async fn check_end(connection: &mut SqliteConnection, end: Position) -> Result<(), ImportError> {
    let row = sqlx::query(BEHIND).bind(signed(end.get())).fetch_optional(connection).await;
    let Some(row) = row.map_err(|source| failed(IMPORTING, source))? else { return Ok(()) };
    let foreign = || {
        let stream = StreamId::new(text(&row, 0)?, text(&row, 1)?);
        let (version, position) = (StreamVersion::new(natural(&row, 2)?), Position::new(natural(&row, 3)?));
        Ok(ImportError::Foreign { stream, version, position })
    };
    Err(foreign().map_err(unreadable)?)
}

/// Stores a batch, and that the copy has come so far.
async fn take_in(connection: &mut SqliteConnection, import: &Import) -> Result<CopyProgress, ImportError> {
    check_known(connection, import.known.as_ref(), IMPORTING).await?;
    let end = import.known.map_or(Position::START, |known| known.target);
    check_end(connection, end).await?;
    let event_types = import.events.iter().map(|copied| copied.event.event_type.as_str());
    // Their rows would be left behind.
    InEffect::ask(connection).await?.check_copy(event_types)?;
    let rows = (end.get() + 1..).zip(&import.events).map(|(position, copied)| row(position, copied));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    insert::events(connection, &rows).await.map_err(|source| failed(IMPORTING, source))?;
    let progress = import.progress(Position::new(end.get() + import.events.len() as u64));
    let come_so_far = sqlx::query(COME_SO_FAR)
        .bind(progress.source.history.to_string())
        .bind(signed(progress.source.position.get()))
        .bind(progress.source.event_id.as_uuid())
        .bind(signed(progress.target.get()))
        .bind(signed(progress.events))
        .bind(&progress.hash.as_bytes()[..]);
    come_so_far.execute(connection).await.map_err(|source| failed(IMPORTING, source))?;
    Ok(progress)
}

/// An event at a position of this file, and else as it is.
fn row(position: u64, copied: &CopiedEvent) -> Result<NewRow<'_>, StoreError> {
    let event = &copied.event;
    let text =
        |bytes| str::from_utf8(bytes).map_err(|source| StoreError::Backend { doing: IMPORTING, source: source.into() });
    Ok(NewRow {
        position: signed(position),
        stream: &event.stream,
        version: signed(event.version.get()),
        event_type: &event.event_type,
        schema_version: event.schema_version,
        event_id: event.event_id.as_uuid(),
        payload: text(&event.payload)?,
        metadata: text(&event.metadata)?,
        recorded_at: event.recorded_at.timestamp_micros(),
        key: copied.idempotency_key.as_deref(),
        append_size: copied.append_size.map(i64::from),
    })
}

async fn archive(
    connection: &mut SqliteConnection,
    known: &CopyProgress,
    changes: &[ArchivedChange],
) -> Result<(), ImportError> {
    check_known(connection, Some(known), ARCHIVING).await?;
    for ArchivedChange { stream, archived_at, .. } in changes {
        let about = |sql| sqlx::query(sql).bind(stream.stream_type()).bind(stream.id());
        let change = match archived_at {
            Some(time) => about(ARCHIVE).bind(time.timestamp_micros()),
            None => about(RESTORE),
        };
        change.execute(&mut *connection).await.map_err(|source| failed(ARCHIVING, source))?;
    }
    Ok(())
}
