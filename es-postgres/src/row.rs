//! Rows into stored events.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use es_core::{
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{StoreError, StoredEvent},
};
use sqlx::{
    Column as _, Postgres, Row as _, Type, ValueRef as _,
    postgres::{PgRow, PgTypeInfo, PgValueFormat},
    types::Json,
};
use uuid::Uuid;

use crate::connections::Answer;

/// An answer of nothing but events, each with its stream.
impl Answer for Events {
    fn row(&mut self, row: PgRow) -> Result<(), sqlx::Error> {
        self.add(&row)
    }
}

/// A column that cannot be read as what the schema says it is: the table is not ours.
pub(crate) fn unreadable(source: sqlx::Error) -> StoreError {
    StoreError::Backend { doing: "reading a row", source: source.into() }
}

/// The events of an answer, added as their rows come.
#[derive(Debug, Default)]
pub(crate) struct Events {
    found: Vec<StoredEvent>,
    /// The names of the last event: those of the next are often the same, and need not be made again.
    stream_type: Arc<str>,
    stream: Option<StreamId>,
}

impl Events {
    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// How many bytes their payloads and metadata have.
    pub(crate) fn bytes(&self) -> usize {
        self.found.iter().map(|event| event.payload.len() + event.metadata.len()).sum()
    }

    /// All of them, as they came.
    pub(crate) fn in_order(self) -> Vec<StoredEvent> {
        self.found
    }

    /// None yet, with room for as many as are expected.
    pub(crate) fn expecting(events: usize) -> Self {
        Self { found: Vec::with_capacity(events), ..Self::default() }
    }

    /// Adds the event of a stream that the row names: its columns from 0 on, and behind them stream type and stream id.
    pub(crate) fn add(&mut self, row: &PgRow) -> Result<(), sqlx::Error> {
        let (stream_type, id) = (text(row, 8)?, text(row, 9)?);
        let stream = match self.stream.take() {
            Some(last) if last.id() == id && last.stream_type() == stream_type => last,
            _ => {
                if *self.stream_type != *stream_type {
                    self.stream_type = stream_type.into();
                }
                StreamId::new(Arc::clone(&self.stream_type), id)
            }
        };
        self.stream = Some(stream.clone());
        self.add_of(row, 0, stream)
    }

    /// Adds the event of this stream whose columns begin at `first`: version, position, type, schema version, id, payload,
    /// metadata, time.
    pub(crate) fn add_of(&mut self, row: &PgRow, first: usize, stream: StreamId) -> Result<(), sqlx::Error> {
        if self.found.is_empty() {
            check_event(row, first)?;
        }
        self.found.push(StoredEvent::new(
            stream,
            StreamVersion::new(unsigned(number(row, first)?)),
            Position::new(unsigned(number(row, first + 1)?)),
            text(row, first + 2)?.to_owned(),
            u32::try_from(i32::from_be_bytes(sized(row, first + 3)?)).unwrap_or(0),
            EventId::from_uuid(Uuid::from_bytes(sized(row, first + 4)?)),
            json(row, first + 5)?.unwrap_or_default(),
            json(row, first + 6)?.unwrap_or_default(),
            time(row, first + 7)?,
        ));
        Ok(())
    }

    /// All of them, sorted by what rises. They come so today, but neither a join nor a union promises that.
    pub(crate) fn by<K: Ord>(mut self, rising: impl Fn(&StoredEvent) -> K) -> Vec<StoredEvent> {
        if !self.found.is_sorted_by_key(&rising) {
            self.found.sort_unstable_by_key(rising);
        }
        self.found
    }
}

/// The events of an answer that has come as a whole, each with its stream.
pub(crate) fn events(rows: &[PgRow]) -> Result<Vec<StoredEvent>, StoreError> {
    let mut events = Events::expecting(rows.len());
    rows.iter().try_for_each(|row| events.add(row)).map_err(unreadable)?;
    Ok(events.in_order())
}

/// The event of a single row, with its stream.
pub(crate) fn event_of_any_stream(row: &PgRow) -> Result<StoredEvent, sqlx::Error> {
    let mut events = Events::default();
    events.add(row)?;
    events.in_order().pop().ok_or(sqlx::Error::RowNotFound)
}

/// Whether the columns of an event are what the schema says. What sqlx would look up for each value of each row is looked up
/// once for an answer.
fn check_event(row: &PgRow, first: usize) -> Result<(), sqlx::Error> {
    let is: [fn(&PgTypeInfo) -> bool; 8] = [
        <i64 as Type<Postgres>>::compatible,
        <i64 as Type<Postgres>>::compatible,
        <str as Type<Postgres>>::compatible,
        <i32 as Type<Postgres>>::compatible,
        <Uuid as Type<Postgres>>::compatible,
        <Json<()> as Type<Postgres>>::compatible,
        <Json<()> as Type<Postgres>>::compatible,
        <DateTime<Utc> as Type<Postgres>>::compatible,
    ];
    for (column, is) in (first..).zip(is) {
        let binary = row.try_get_raw(column)?.format() == PgValueFormat::Binary;
        let column = row.try_column(column)?;
        if !binary || !is(column.type_info()) {
            let source = format!("it is of the type {}", column.type_info()).into();
            return Err(sqlx::Error::ColumnDecode { index: column.name().to_owned(), source });
        }
    }
    Ok(())
}

/// The bytes of a column that is not null. Numbers, ids and times have them in the order of the network.
fn bytes(row: &PgRow, column: usize) -> Result<&[u8], sqlx::Error> {
    row.try_get_raw(column)?.as_bytes().map_err(sqlx::Error::Decode)
}

fn sized<const SIZE: usize>(row: &PgRow, column: usize) -> Result<[u8; SIZE], sqlx::Error> {
    bytes(row, column)?.try_into().map_err(|wrong| sqlx::Error::Decode(Box::new(wrong)))
}

fn number(row: &PgRow, column: usize) -> Result<i64, sqlx::Error> {
    Ok(i64::from_be_bytes(sized(row, column)?))
}

fn text(row: &PgRow, column: usize) -> Result<&str, sqlx::Error> {
    str::from_utf8(bytes(row, column)?).map_err(|wrong| sqlx::Error::Decode(wrong.into()))
}

/// A time comes as microseconds from the beginning of the year 2000.
fn time(row: &PgRow, column: usize) -> Result<DateTime<Utc>, sqlx::Error> {
    const YEAR_2000: i64 = 946_684_800_000_000;
    let time = number(row, column)?.checked_add(YEAR_2000).and_then(DateTime::from_timestamp_micros);
    time.ok_or_else(|| sqlx::Error::Decode("a time that no calendar of ours has".into()))
}

/// Whether there is nothing in a column.
pub(crate) fn is_null(row: &PgRow, column: usize) -> Result<bool, sqlx::Error> {
    Ok(row.try_get_raw(column)?.is_null())
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
