//! Reading: one aggregate in one statement, one stream or all of them page by page.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use es_core::{
    recorded::{Position, StreamVersion},
    store::{HistoryId, KeyedAppend, Load, LoadedStream, ReadStream, StoreError, StoredEvent, StoredSnapshot, Until},
};
use futures_core::Stream;
use futures_util::stream;
use sqlx::{Row as _, postgres::PgRow};

use crate::{
    connections::Answer,
    error,
    row::{self, Events, signed, unsigned},
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
    let query = || {
        if load.until == Until::Latest {
            return sqlx::query(parts.statements.load_latest.clone())
                .bind(load.stream.stream_type())
                .bind(load.stream.id())
                .bind(load.fingerprint)
                .bind(snapshot_at_most)
                .bind(&load.idempotency_key)
                .bind(load.metadata)
                .bind(i64::MAX);
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
            .bind(i64::MAX)
    };
    let answer = parts.connections.fetch_as(query, || Loading::of(load, 0)).await;
    let (history, loading) = answer.map_err(|failure| error::store_error(LOADING, failure))?;
    Ok(loading.into_loaded(history))
}

/// What is known of a stream by the rows that have come.
pub(crate) struct Loading<'a> {
    load: &'a Load,
    /// Where the columns of `load.sql` begin.
    first: usize,
    begun: bool,
    snapshot: Option<StoredSnapshot>,
    keyed: Option<KeyedAppend>,
    archived_at: Option<DateTime<Utc>>,
    events: Events,
}

impl<'a> Loading<'a> {
    pub(crate) fn of(load: &'a Load, first: usize) -> Self {
        let events = Events::default();
        Self { load, first, begun: false, snapshot: None, keyed: None, archived_at: None, events }
    }

    pub(crate) fn events(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn into_loaded(self, history: HistoryId) -> LoadedStream {
        let events = self.events.by(|event| event.version);
        LoadedStream::new(history, self.snapshot, events, self.keyed).archived_at(self.archived_at)
    }

    /// What stands on each row alike, but for the snapshot's state, which stands on one.
    fn head(&mut self, row: &PgRow) -> Result<(), sqlx::Error> {
        let first = self.first;
        if let Some(version) = row.try_get::<Option<i64>, _>(first + 3)? {
            let size: Option<i32> = row.try_get(first + 4)?;
            let size = unsigned(i64::from(size.unwrap_or(1)));
            self.keyed = Some(KeyedAppend::new(StreamVersion::new(unsigned(version)), size));
        }
        self.archived_at = row.try_get(first + 13)?;
        self.begun = true;
        Ok(())
    }
}

impl Answer for Loading<'_> {
    fn row(&mut self, row: PgRow) -> Result<(), sqlx::Error> {
        let first = self.first;
        if !self.begun {
            self.head(&row)?;
        }
        if self.snapshot.is_none()
            && let Some(state) = row::json(&row, first + 2)?
        {
            let (version, position) = (unsigned(row.try_get(first)?), unsigned(row.try_get(first + 1)?));
            self.snapshot = Some(StoredSnapshot::new(StreamVersion::new(version), Position::new(position), state));
        }
        if row::is_null(&row, first + 5)? {
            return Ok(());
        }
        self.events.add_of(&row, first + 5, self.load.stream.clone())
    }
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
            let query = || {
                sqlx::query(statement.clone())
                    .bind(read.stream.stream_type())
                    .bind(read.stream.id())
                    .bind(signed(read.after.get()))
                    .bind(read.before.map_or(i64::MAX, |version| signed(version.get())))
                    .bind(PAGE)
            };
            let answer = parts.connections.fetch_as(query, Events::default).await;
            let (_, events) = answer.map_err(|failure| error::store_error("reading a stream", failure))?;
            let events = events.in_order();
            // A page that is not full is the last: what was appended meanwhile is behind the end of this read.
            let full = i64::try_from(events.len()) == Ok(PAGE);
            let Some(last) = events.last().filter(|_| full).map(|event| event.version) else {
                return Ok(Some((events, None)));
            };
            read = if read.backwards { read.before(last) } else { read.after(last) };
            Ok(Some((events, Some(read))))
        }
    });
    flatten(pages)
}

fn flatten(
    pages: impl Stream<Item = Result<Vec<StoredEvent>, StoreError>> + Send,
) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send {
    use futures_util::TryStreamExt as _;

    pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
}
