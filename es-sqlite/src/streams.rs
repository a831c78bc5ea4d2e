//! Naming streams, page by page, and taking them out of use and back.

use std::{collections::VecDeque, sync::Arc};

use chrono::Utc;
use es_core::{
    recorded::{Position, StreamId, StreamVersion},
    store::{ArchivedStreams, ListStreams, StoreError, StreamInfo, streams::check_stream},
};
use futures_core::Stream;
use futures_util::{TryStreamExt as _, stream};
use sqlx::sqlite::SqliteRow;

use crate::{
    error,
    row::{self, is_null, natural, text, unreadable},
    store::Parts,
    task,
};

/// How many streams are looked at in one statement. Each costs a few looks into an index.
const PAGE: i64 = 500;

const LISTING: &str = "listing streams";

/// The streams of a list, type by type, and each type page by page.
pub(crate) fn list(
    parts: Arc<Parts>,
    list: ListStreams,
) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<> {
    let pages = stream::try_unfold(Some(At::start(&list)), move |at| {
        let (parts, list) = (Arc::clone(&parts), list.clone());
        async move {
            list.check()?;
            let Some(at) = at else { return Ok(None) };
            task::run(async move { at.read(&parts, &list).await }).await.map(Some)
        }
    });
    pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
}

/// Where a list goes on.
enum At {
    /// At the first type behind this one.
    NextType(String),
    /// Within a type, behind this id.
    Within(String, String),
}

impl At {
    fn start(list: &ListStreams) -> Self {
        let after = list.after.as_ref();
        match (&list.stream_type, after) {
            (None, None) => Self::NextType(String::new()),
            (None, Some(after)) => Self::Within(after.stream_type().to_owned(), after.id().to_owned()),
            (Some(wanted), Some(after)) if wanted == after.stream_type() => {
                Self::Within(wanted.clone(), after.id().to_owned())
            }
            // Behind this stream are only types that come later.
            (Some(wanted), Some(after)) if wanted.as_str() < after.stream_type() => {
                Self::NextType(after.stream_type().to_owned())
            }
            (Some(wanted), _) => Self::Within(wanted.clone(), String::new()),
        }
    }

    /// One statement's worth, and where it goes on; nothing behind the last.
    async fn read(self, parts: &Parts, list: &ListStreams) -> Result<(VecDeque<StreamInfo>, Option<Self>), StoreError> {
        match self {
            Self::NextType(_) if list.stream_type.is_some() => Ok((VecDeque::new(), None)),
            Self::NextType(before) => {
                let following = next_type(parts, &before).await?;
                Ok((VecDeque::new(), following.map(|following| Self::Within(following, String::new()))))
            }
            Self::Within(stream_type, after) => {
                let looked_at = page(parts, list, &stream_type, &after).await?;
                // A page that is not full is the last of its type.
                let full = i64::try_from(looked_at.len()) == Ok(PAGE);
                let next = match looked_at.back() {
                    Some(end) if full => Self::Within(stream_type, end.stream.id().to_owned()),
                    _ => Self::NextType(stream_type),
                };
                let listed = looked_at.into_iter().filter(|info| list.archived.lists(info.archived_at.is_some()));
                Ok((listed.collect(), Some(next)))
            }
        }
    }
}

pub(crate) const NEXT_TYPE: &str =
    "select stream_type from es_events where stream_type > ?1 order by stream_type limit 1";

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
) -> Result<VecDeque<StreamInfo>, StoreError> {
    let statement = match list.archived {
        ArchivedStreams::Only => include_str!("sql/streams_archived.sql"),
        ArchivedStreams::LeftOut | ArchivedStreams::Included => include_str!("sql/streams.sql"),
    };
    let rows = sqlx::query(statement)
        .bind(stream_type)
        .bind(&list.prefix)
        .bind(after)
        .bind(PAGE)
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
