//! Rows into stored events.

use es_core::{
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{StoreError, StoredEvent},
};
use sqlx::{
    Row as _, ValueRef as _,
    postgres::{PgRow, PgValueFormat},
};

/// A column that cannot be read as what the schema says it is: the table is not ours.
pub(crate) fn unreadable(source: sqlx::Error) -> StoreError {
    StoreError::Backend { doing: "reading a row", source: source.into() }
}

/// The event whose columns begin at `first`: version, position, type, schema version, id, payload, metadata, time.
pub(crate) fn event(row: &PgRow, first: usize, stream: StreamId) -> Result<StoredEvent, sqlx::Error> {
    Ok(StoredEvent::new(
        stream,
        StreamVersion::new(unsigned(row.try_get(first)?)),
        Position::new(unsigned(row.try_get(first + 1)?)),
        row.try_get(first + 2)?,
        u32::try_from(row.try_get::<i32, _>(first + 3)?).unwrap_or(0),
        EventId::from_uuid(row.try_get(first + 4)?),
        json(row, first + 5)?.unwrap_or_default(),
        json(row, first + 6)?.unwrap_or_default(),
        row.try_get(first + 7)?,
    ))
}

/// The event of a page: as above from column 0, followed by stream type and stream id.
pub(crate) fn event_of_any_stream(row: &PgRow) -> Result<StoredEvent, sqlx::Error> {
    let stream = StreamId::new(row.try_get::<&str, _>(8)?, row.try_get::<&str, _>(9)?);
    event(row, 0, stream)
}

/// The text of a `jsonb` column, as it came over the wire.
pub(crate) fn json(row: &PgRow, column: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(None);
    }
    let bytes = value.as_bytes().map_err(sqlx::Error::Decode)?;
    // In binary format the text has one byte before it, the version of the format.
    let text = if value.format() == PgValueFormat::Binary { bytes.get(1..).unwrap_or_default() } else { bytes };
    Ok(Some(text.to_vec()))
}

/// A number that the schema keeps from being negative.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A number for a `bigint` parameter; what is beyond it is beyond every row.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
