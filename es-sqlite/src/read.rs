//! Reading: one aggregate in one statement, one stream page by page.

use std::sync::Arc;

use es_core::{
    recorded::{Position, StreamVersion},
    store::{KeyedAppend, Load, LoadedStream, ReadStream, StoreError, StoredEvent, StoredSnapshot, Until},
};
use futures_core::Stream;
use futures_util::{TryStreamExt as _, stream};
use sqlx::sqlite::SqliteRow;

use crate::{
    append::history,
    error,
    row::{self, event_columns, is_null, natural, signed, text, unreadable},
    store::Parts,
    task,
};

/// How many events a page holds.
const PAGE: i64 = 1_000;

const LOADING: &str = "loading a stream";

/// What is needed to build up one aggregate.
pub(crate) async fn load(parts: &Parts, load: &Load) -> Result<LoadedStream, StoreError> {
    load.check()?;
    let (version, time, position) = match load.until {
        Until::Latest => (i64::MAX, None, None),
        Until::Version(version) => (signed(version.get()), None, None),
        Until::RecordedAt(time) => (i64::MAX, Some(time.timestamp_micros()), None),
        Until::Position(position) => (i64::MAX, None, Some(signed(position.get()))),
    };
    let rows = sqlx::query(include_str!("sql/load.sql"))
        .bind(load.stream.stream_type())
        .bind(load.stream.id())
        .bind(load.fingerprint)
        .bind(load.snapshot_at_most.map_or(i64::MAX, |version| signed(version.get())))
        .bind(&load.idempotency_key)
        .bind(load.metadata)
        .bind(version)
        .bind(time)
        .bind(position)
        .fetch_all(parts.connections.reading()?)
        .await
        .map_err(|source| error::store_error(LOADING, source))?;
    loaded(load, &rows).map_err(unreadable)
}

/// What stands on each row alike, but for the snapshot's state, which stands on the first; and the events.
fn loaded(load: &Load, rows: &[SqliteRow]) -> Result<LoadedStream, sqlx::Error> {
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let history = history(text(first, 0)?)?;
    let snapshot = if is_null(first, 1)? {
        None
    } else {
        let with_state = rows.iter().find(|row| is_null(row, 3).is_ok_and(|null| !null)).unwrap_or(first);
        let (version, position) = (StreamVersion::new(natural(first, 1)?), Position::new(natural(first, 2)?));
        Some(StoredSnapshot::new(version, position, text(with_state, 3)?.as_bytes().to_vec()))
    };
    let keyed = if is_null(first, 4)? {
        None
    } else {
        let size = if is_null(first, 5)? { 1 } else { natural(first, 5)? };
        Some(KeyedAppend::new(StreamVersion::new(natural(first, 4)?), size))
    };
    let archived_at = if is_null(first, 6)? { None } else { Some(row::time(first, 6)?) };
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        if !is_null(row, 7)? {
            events.push(row::event_of(row, 7, load.stream.clone())?);
        }
    }
    // That is how they come; but no statement has said so.
    if !events.is_sorted_by_key(|event| event.version) {
        events.sort_by_key(|event| event.version);
    }
    Ok(LoadedStream::new(history, snapshot, events, keyed).archived_at(archived_at))
}

pub(crate) const FORWARDS: &str = concat!(
    "select ",
    event_columns!(),
    " from es_events
     where stream_type = ?1 and stream_id = ?2 and version > ?3 and version < ?4 order by version limit ?5"
);

pub(crate) const BACKWARDS: &str = concat!(
    "select ",
    event_columns!(),
    " from es_events
     where stream_type = ?1 and stream_id = ?2 and version > ?3 and version < ?4 order by version desc limit ?5"
);

/// The events of one stream, page by page, in either direction.
pub(crate) fn read_stream(
    parts: Arc<Parts>,
    read: ReadStream,
) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
    let pages = stream::try_unfold(Some(read), move |left| {
        let parts = Arc::clone(&parts);
        async move {
            let Some(read) = left else { return Ok(None) };
            task::run(page(parts, read)).await.map(Some)
        }
    });
    pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
}

/// A page of a stream, and what is left behind it.
async fn page(parts: Arc<Parts>, mut read: ReadStream) -> Result<(Vec<StoredEvent>, Option<ReadStream>), StoreError> {
    read.check()?;
    let rows = sqlx::query(if read.backwards { BACKWARDS } else { FORWARDS })
        .bind(read.stream.stream_type())
        .bind(read.stream.id())
        .bind(signed(read.after.get()))
        .bind(read.before.map_or(i64::MAX, |version| signed(version.get())))
        .bind(PAGE)
        .fetch(parts.connections.reading()?);
    let (events, full) = row::page(rows, PAGE, "reading a stream").await?;
    // A page that is not full is the last: what was appended meanwhile is behind the end of this read.
    let Some(last) = events.last().filter(|_| full).map(|event| event.version) else {
        return Ok((events, None));
    };
    read = if read.backwards { read.before(last) } else { read.after(last) };
    Ok((events, Some(read)))
}
