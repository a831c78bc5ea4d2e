//! Rows into stored events.

use chrono::{DateTime, Utc};
use es_core::{
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{StoreError, StoredEvent},
};
use futures_core::Stream;
use futures_util::TryStreamExt as _;
use sqlx::{Row as _, ValueRef as _, sqlite::SqliteRow};
use uuid::Uuid;

use crate::error;

/// How many bytes of payload and metadata a page holds, but for its last event: so memory stays flat, whatever events are like.
const PAGE_BYTES: usize = 4 * 1_024 * 1_024;

/// The events of a page, and whether it is full: with so many events, or with [`PAGE_BYTES`].
pub(crate) async fn page(
    mut rows: impl Stream<Item = Result<SqliteRow, sqlx::Error>> + Unpin,
    most: i64,
    doing: &'static str,
) -> Result<(Vec<StoredEvent>, bool), StoreError> {
    let (mut events, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await.map_err(|source| error::store_error(doing, source))? {
        let event = event(&row).map_err(unreadable)?;
        bytes += event.payload.len() + event.metadata.len();
        events.push(event);
        if bytes >= PAGE_BYTES {
            return Ok((events, true));
        }
    }
    let full = i64::try_from(events.len()).is_ok_and(|found| found >= most);
    Ok((events, full))
}

/// A column that cannot be read as what the schema says it is: the table is not ours.
pub(crate) fn unreadable(source: sqlx::Error) -> StoreError {
    StoreError::Backend { doing: "reading a row", source: source.into() }
}

/// What a statement selects of an event, in this order.
macro_rules! event_columns {
    () => {
        "version, position, event_type, schema_version, event_id, payload, metadata, recorded_at, stream_type, stream_id"
    };
}
pub(crate) use event_columns;

/// The event of a row that begins with the `event_columns`.
pub(crate) fn event(row: &SqliteRow) -> Result<StoredEvent, sqlx::Error> {
    let stream = StreamId::new(text(row, 8)?, text(row, 9)?);
    event_of(row, 0, stream)
}

/// The event of a known stream, whose columns but for the stream begin at `first`.
pub(crate) fn event_of(row: &SqliteRow, first: usize, stream: StreamId) -> Result<StoredEvent, sqlx::Error> {
    let schema_version = u32::try_from(integer(row, first + 3)?);
    let schema_version = schema_version.map_err(|source| sqlx::Error::Decode(source.into()))?;
    let id: &[u8] = row.try_get_unchecked(first + 4)?;
    let id = Uuid::from_slice(id).map_err(|source| sqlx::Error::Decode(source.into()))?;
    Ok(StoredEvent::new(
        stream,
        StreamVersion::new(natural(row, first)?),
        Position::new(natural(row, first + 1)?),
        text(row, first + 2)?.to_owned(),
        schema_version,
        EventId::from_uuid(id),
        text(row, first + 5)?.as_bytes().to_vec(),
        text(row, first + 6)?.as_bytes().to_vec(),
        time(row, first + 7)?,
    ))
}

pub(crate) fn text(row: &SqliteRow, column: usize) -> Result<&str, sqlx::Error> {
    row.try_get_unchecked(column)
}

pub(crate) fn integer(row: &SqliteRow, column: usize) -> Result<i64, sqlx::Error> {
    row.try_get_unchecked(column)
}

/// A number that the schema keeps from being negative.
pub(crate) fn natural(row: &SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    Ok(unsigned(integer(row, column)?))
}

/// Microseconds since 1970 as a time.
pub(crate) fn time(row: &SqliteRow, column: usize) -> Result<DateTime<Utc>, sqlx::Error> {
    DateTime::from_timestamp_micros(integer(row, column)?)
        .ok_or_else(|| sqlx::Error::Decode("a time that no calendar of ours has".into()))
}

/// Whether there is nothing in a column.
pub(crate) fn is_null(row: &SqliteRow, column: usize) -> Result<bool, sqlx::Error> {
    Ok(row.try_get_raw(column)?.is_null())
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A number for a parameter; what is beyond it is beyond every row.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
