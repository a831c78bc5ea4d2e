//! All streams, page by page.
//!
//! Positions rise as transactions commit, because there is one writer at a time: whatever is seen is settled, and nothing
//! comes in behind it.

use es_core::{
    recorded::{Position, StreamId},
    store::{Checkpoint, HistoryDiverged, HistoryId, Page, ReadAll, StoreError, StoredEvent},
};
use sqlx::{
    Sqlite, SqliteExecutor,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};
use uuid::Uuid;

use crate::{
    append::history,
    error,
    row::{self, event_columns, natural, signed, text, unreadable},
    store::Parts,
};

/// How many positions a filtered page looks at.
const SPAN: u64 = 100_000;
/// Up to how many streams are read by their index, and not by looking at every event.
const FEW_STREAMS: usize = 64;
/// How many events a page holds at the most.
const MOST: i64 = 4_096;

const READING: &str = "reading all streams";

/// How far everything goes that is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    pub(crate) position: Position,
    pub(crate) history: HistoryId,
}

pub(crate) const SETTLED: &str =
    "select coalesce((select position from es_events order by position desc limit 1), 0), id from es_history";

/// The last position, in one view with the history.
pub(crate) async fn settled(parts: &Parts) -> Result<Settled, StoreError> {
    settled_on(parts.connections.reading()?).await
}

/// The same, asked on a connection of one's own.
pub(crate) async fn settled_on(connection: impl SqliteExecutor<'_>) -> Result<Settled, StoreError> {
    let row = sqlx::query(SETTLED)
        .fetch_one(connection)
        .await
        .map_err(|source| error::store_error("asking how far the events go", source))?;
    let settled =
        |row: &SqliteRow| Ok(Settled { position: Position::new(natural(row, 0)?), history: history(text(row, 1)?)? });
    settled(&row).map_err(unreadable)
}

/// The next part of the order over all streams.
pub(crate) async fn read_page(parts: &Parts, read: &ReadAll) -> Result<Page, StoreError> {
    read.check()?;
    let settled = settled(parts).await?;
    if let Some(checkpoint) = read.resume {
        check(parts, settled, checkpoint).await?;
    }
    let until = read.until.unwrap_or(Position::new(u64::MAX));
    let end = settled.position.min(until);
    let (events, upto) = if end <= read.after {
        (Vec::new(), read.after)
    } else if read.filter.is_none() {
        (Vec::new(), end)
    } else {
        events(parts, read, end).await?
    };
    let more = upto > read.after && upto < end;
    Ok(Page::new(events, upto, more, settled.history))
}

/// Whether this is still the history in which a reader came so far, and the event is there behind which it goes on.
async fn check(parts: &Parts, settled: Settled, checkpoint: Checkpoint) -> Result<(), StoreError> {
    if checkpoint.history != settled.history {
        return Err(HistoryDiverged::new(checkpoint.history, settled.history).into());
    }
    let stands: Option<Uuid> = sqlx::query_scalar("select event_id from es_events where position = ?1")
        .bind(signed(checkpoint.position.get()))
        .fetch_optional(parts.connections.reading()?)
        .await
        .map_err(|source| error::store_error(READING, source))?;
    if stands == Some(checkpoint.event_id.as_uuid()) {
        return Ok(());
    }
    Err(HistoryDiverged::without(checkpoint, settled.history).into())
}

pub(crate) const ALL: &str = concat!(
    "select ",
    event_columns!(),
    " from es_events where position > ?1 and position <= ?2 order by position limit ?3"
);

/// `?4` and `?5`: JSON arrays of event types and stream types, or null; `?6` one of pairs, or null.
pub(crate) const FILTERED: &str = concat!(
    "select ",
    event_columns!(),
    " from es_events
     where position > ?1 and position <= ?2
       and (?4 is null or event_type in (select value from json_each(?4)))
       and (?5 is null or stream_type in (select value from json_each(?5)))
       and (?6 is null or (stream_type, stream_id) in (select value ->> 0, value ->> 1 from json_each(?6)))
     order by position limit ?3"
);

/// By the index of the streams: `+` keeps the planner from looking at all positions instead. What is sorted are positions
/// alone: payloads are read of those events only that the page has.
pub(crate) const OF_STREAMS: &str = concat!(
    "select ",
    event_columns!(),
    " from es_events where position in (
         select wanted.position
         from json_each(?6) as asked
         cross join es_events as wanted
             on wanted.stream_type = asked.value ->> 0 and wanted.stream_id = asked.value ->> 1
         where +wanted.position > ?1 and +wanted.position <= ?2
           and (?4 is null or wanted.event_type in (select value from json_each(?4)))
           and (?5 is null or wanted.stream_type in (select value from json_each(?5)))
         order by wanted.position limit ?3
     ) order by position"
);

/// The events that were asked for, up to `end` or to where the page is full, and where that is.
async fn events(parts: &Parts, read: &ReadAll, end: Position) -> Result<(Vec<StoredEvent>, Position), StoreError> {
    let filter = &read.filter;
    let few_streams = filter.streams.as_ref().is_some_and(|streams| streams.len() <= FEW_STREAMS);
    let (statement, end) = if filter.is_all() {
        (ALL, end)
    } else if few_streams {
        (OF_STREAMS, end)
    } else {
        (FILTERED, end.min(Position::new(read.after.get().saturating_add(SPAN))))
    };
    let rows = bound(statement, read, end).fetch(parts.connections.reading()?);
    let (events, full) = row::page(rows, MOST, READING).await?;
    let upto = events.last().filter(|_| full).map_or(end, |last| last.position);
    Ok((events, upto))
}

fn bound<'q>(statement: &'static str, read: &ReadAll, end: Position) -> Query<'q, Sqlite, SqliteArguments> {
    let query = sqlx::query(statement).bind(signed(read.after.get())).bind(signed(end.get())).bind(MOST);
    if read.filter.is_all() {
        return query;
    }
    let names = |names: &Option<Vec<String>>| names.as_ref().map(|names| serde_json::json!(names).to_string());
    let pair = |stream: &StreamId| serde_json::json!([stream.stream_type(), stream.id()]);
    let streams = read.filter.streams.as_ref().map(|streams| streams.iter().map(pair).collect::<serde_json::Value>());
    query
        .bind(names(&read.filter.event_types))
        .bind(names(&read.filter.stream_types))
        .bind(streams.map(|streams| streams.to_string()))
}
