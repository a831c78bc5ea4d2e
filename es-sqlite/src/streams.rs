//! Naming streams, page by page, and taking them out of use and back.

use std::sync::Arc;

use chrono::Utc;
use es_core::{
    recorded::{Position, StreamId, StreamVersion},
    store::{
        ArchivedStreams, ListStreams, StoreError, StreamInfo,
        listing::{StreamPages, list_by_pages},
        streams::check_stream,
    },
};
use futures_core::Stream;
use sqlx::sqlite::SqliteRow;

use crate::{
    error,
    row::{self, is_null, natural, signed, text, unreadable},
    store::Parts,
    task,
};

const LISTING: &str = "listing streams";

pub(crate) const NEXT_TYPE: &str =
    "select stream_type from es_events where stream_type > ?1 order by stream_type limit 1";

/// The streams of a list.
pub(crate) fn list(
    parts: Arc<Parts>,
    list: ListStreams,
) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<> {
    list_by_pages(Listing(parts), list)
}

struct Listing(Arc<Parts>);

impl StreamPages for Listing {
    /// Each stream costs a few looks into an index.
    const PAGE: usize = 500;

    async fn next_type(&self, before: &str) -> Result<Option<String>, StoreError> {
        let (parts, before) = (Arc::clone(&self.0), before.to_owned());
        task::run(async move { next_type(&parts, &before).await }).await
    }

    async fn page(&self, list: &ListStreams, stream_type: &str, after: &str) -> Result<Vec<StreamInfo>, StoreError> {
        let (parts, list) = (Arc::clone(&self.0), list.clone());
        let (stream_type, after) = (stream_type.to_owned(), after.to_owned());
        task::run(async move { page(&parts, &list, &stream_type, &after).await }).await
    }
}

async fn next_type(parts: &Parts, before: &str) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(NEXT_TYPE)
        .bind(before)
        .fetch_optional(parts.connections.reading()?)
        .await
        .map_err(|source| error::store_error(LISTING, source))
}

/// The next streams of a type, archived or not; where only archived ones are wanted, those.
async fn page(
    parts: &Parts,
    list: &ListStreams,
    stream_type: &str,
    after: &str,
) -> Result<Vec<StreamInfo>, StoreError> {
    let statement = match list.archived {
        ArchivedStreams::Only => include_str!("sql/streams_archived.sql"),
        ArchivedStreams::LeftOut | ArchivedStreams::Included => include_str!("sql/streams.sql"),
    };
    let rows = sqlx::query(statement)
        .bind(stream_type)
        .bind(&list.prefix)
        .bind(after)
        .bind(signed(Listing::PAGE as u64))
        .fetch_all(parts.connections.reading()?)
        .await
        .map_err(|source| error::store_error(LISTING, source))?;
    let info = |row: &SqliteRow| -> Result<StreamInfo, sqlx::Error> {
        let stream = StreamId::new(stream_type, text(row, 0)?);
        let (version, position) = (StreamVersion::new(natural(row, 1)?), Position::new(natural(row, 2)?));
        let info = StreamInfo::new(stream, version, position, row::time(row, 3)?, row::time(row, 4)?);
        Ok(info.archived_at(if is_null(row, 5)? { None } else { Some(row::time(row, 5)?) }))
    };
    rows.iter().map(info).collect::<Result<_, _>>().map_err(unreadable)
}

/// Takes a stream out of use, or puts it back. Archived again, it keeps the time of the first.
pub(crate) async fn set_archived(parts: &Parts, stream: StreamId, archived: bool) -> Result<(), StoreError> {
    const DOING: &str = "archiving or restoring a stream";
    check_stream(&stream)?;
    let failed = |source| error::store_error(DOING, source);
    let mut writing = parts.connections.pen().begin(DOING, "the archiving of a stream").await?;
    let connection = writing.connection()?;
    let exists: bool =
        sqlx::query_scalar("select exists (select 1 from es_events where stream_type = ?1 and stream_id = ?2)")
            .bind(stream.stream_type())
            .bind(stream.id())
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
    if !exists {
        writing.rollback().await;
        return Err(StoreError::NoSuchStream { stream });
    }
    let change = if archived {
        "insert into es_archived_streams (stream_type, stream_id, archived_at) values (?1, ?2, ?3) on conflict do nothing"
    } else {
        "delete from es_archived_streams where stream_type = ?1 and stream_id = ?2"
    };
    let change = sqlx::query(change).bind(stream.stream_type()).bind(stream.id());
    let change = if archived { change.bind(Utc::now().timestamp_micros()) } else { change };
    change.execute(connection).await.map_err(failed)?;
    writing.commit(DOING).await.map_err(|uncommitted| uncommitted.error)
}
