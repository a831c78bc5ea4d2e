//! Reading: one aggregate in one statement, one stream or all of them page by page.

use std::{collections::VecDeque, sync::Arc};

use es_core::{
    recorded::{Position, StreamVersion},
    store::{HistoryId, KeyedAppend, Load, LoadedStream, ReadStream, StoreError, StoredEvent, StoredSnapshot, Until},
};
use futures_core::Stream;
use futures_util::stream;
use sqlx::{Row as _, postgres::PgRow};

use crate::{
    error,
    row::{self, signed, unreadable, unsigned},
    store::Parts,
};

/// How many events a page holds: enough to make the round trip cheap, few enough to keep memory flat.
pub(crate) const PAGE: i64 = 1_000;

pub(crate) const LOADING: &str = "loading a stream";

/// What is needed to build up one aggregate.
pub(crate) async fn load(parts: &Parts, load: &Load) -> Result<LoadedStream, StoreError> {
    let (version, time, position) = match load.until {
        Until::Latest => (i64::MAX, None, None),
        Until::Version(version) => (signed(version.get()), None, None),
        Until::RecordedAt(time) => (i64::MAX, Some(time), None),
        Until::Position(position) => (i64::MAX, None, Some(signed(position.get()))),
    };
    let snapshot_at_most = load.snapshot_at_most.map_or(i64::MAX, |version| signed(version.get()));
    let (history, rows) = parts
        .connections
        .fetch_with_history(|| {
            if load.until == Until::Latest {
                return sqlx::query(parts.statements.load_latest.clone())
                    .bind(load.stream.stream_type())
                    .bind(load.stream.id())
                    .bind(load.fingerprint)
                    .bind(snapshot_at_most)
                    .bind(&load.idempotency_key)
                    .bind(load.metadata);
            }
            sqlx::query(parts.statements.load.clone())
                .bind(load.stream.stream_type())
                .bind(load.stream.id())
                .bind(load.fingerprint)
                .bind(version)
                .bind(time)
                .bind(snapshot_at_most)
                .bind(&load.idempotency_key)
                .bind(load.metadata)
                .bind(position)
        })
        .await
        .map_err(|failure| error::store_error(LOADING, failure))?;
    loaded(history, load, &rows, 0).map_err(unreadable)
}

/// What the rows say whose columns of `load.sql` begin at `first`.
pub(crate) fn loaded<'a>(
    history: HistoryId,
    load: &Load,
    rows: impl IntoIterator<Item = &'a PgRow>,
    first: usize,
) -> Result<LoadedStream, sqlx::Error> {
    let mut snapshot = None;
    let mut keyed = None;
    let mut archived_at = None;
    let rows = rows.into_iter();
    let mut events = Vec::with_capacity(rows.size_hint().0);
    for row in rows {
        if let (Some(version), Some(state)) = (row.try_get::<Option<i64>, _>(first)?, row::json(row, first + 2)?) {
            let (version, position) =
                (StreamVersion::new(unsigned(version)), Position::new(unsigned(row.try_get(first + 1)?)));
            snapshot = Some(StoredSnapshot::new(version, position, state));
        }
        if let Some(version) = row.try_get::<Option<i64>, _>(first + 3)? {
            let size: Option<i32> = row.try_get(first + 4)?;
            keyed =
                Some(KeyedAppend::new(StreamVersion::new(unsigned(version)), unsigned(i64::from(size.unwrap_or(1)))));
        }
        if row.try_get::<Option<i64>, _>(first + 5)?.is_some() {
            events.push(row::event(row, first + 5, load.stream.clone())?);
        }
        archived_at = row.try_get(first + 13)?;
    }
    // A single left join keeps the order of its inner side today; nothing promises that it always will.
    if !events.is_sorted_by_key(|event: &StoredEvent| event.version) {
        events.sort_unstable_by_key(|event| event.version);
    }
    Ok(LoadedStream::new(history, snapshot, events, keyed).archived_at(archived_at))
}

/// The events of one stream, page by page, in either direction.
pub(crate) fn read_stream(
    parts: Arc<Parts>,
    read: ReadStream,
) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
    let pages = stream::try_unfold(Some(read), move |left| {
        let parts = Arc::clone(&parts);
        async move {
            let Some(mut read) = left else { return Ok(None) };
            read.check()?;
            let statements = &parts.statements;
            let statement = if read.backwards { &statements.read_stream_backwards } else { &statements.read_stream };
            let rows = parts
                .connections
                .fetch(|| {
                    sqlx::query(statement.clone())
                        .bind(read.stream.stream_type())
                        .bind(read.stream.id())
                        .bind(signed(read.after.get()))
                        .bind(read.before.map_or(i64::MAX, |version| signed(version.get())))
                        .bind(PAGE)
                })
                .await
                .map_err(|failure| error::store_error("reading a stream", failure))?;
            let events = events(&rows)?;
            // A page that is not full is the last: what was appended meanwhile is behind the end of this read.
            let full = i64::try_from(rows.len()) == Ok(PAGE);
            let Some(last) = events.back().filter(|_| full).map(|event| event.version) else {
                return Ok(Some((events, None)));
            };
            read = if read.backwards { read.before(last) } else { read.after(last) };
            Ok(Some((events, Some(read))))
        }
    });
    flatten(pages)
}

/// The stored events of a page.
pub(crate) fn events(rows: &[PgRow]) -> Result<VecDeque<StoredEvent>, StoreError> {
    rows.iter().map(row::event_of_any_stream).collect::<Result<_, _>>().map_err(unreadable)
}

fn flatten(
    pages: impl Stream<Item = Result<VecDeque<StoredEvent>, StoreError>> + Send,
) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send {
    use futures_util::TryStreamExt as _;

    pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
}
