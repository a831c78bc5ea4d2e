//! Naming streams, page by page, and taking them out of use and back.

use std::{collections::VecDeque, sync::Arc};

use es_core::{
    recorded::{Position, StreamId, StreamVersion},
    store::{ArchivedStreams, ListStreams, StoreError, StreamInfo, streams::check_stream},
};
use futures_core::Stream;
use futures_util::{TryStreamExt as _, stream};
use sqlx::{Row as _, SqlStr, postgres::PgRow};

use crate::{
    error,
    row::{unreadable, unsigned},
    store::Parts,
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
            let (infos, next) = at.read(&parts, &list).await?;
            Ok::<_, StoreError>(Some((infos, next)))
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

async fn next_type(parts: &Parts, before: &str) -> Result<Option<String>, StoreError> {
    let rows = parts
        .connections
        .fetch(|| sqlx::query(parts.statements.stream_type.clone()).bind(before))
        .await
        .map_err(|failure| error::store_error(LISTING, failure))?;
    rows.first().map(|row| row.try_get(0)).transpose().map_err(unreadable)
}

/// The next streams of a type, archived or not; where only archived ones are wanted, those.
async fn page(
    parts: &Parts,
    list: &ListStreams,
    stream_type: &str,
    after: &str,
) -> Result<VecDeque<StreamInfo>, StoreError> {
    let statement = match list.archived {
        ArchivedStreams::Only => &parts.statements.streams_archived,
        ArchivedStreams::LeftOut | ArchivedStreams::Included => &parts.statements.streams,
    };
    let rows = parts
        .connections
        .fetch(|| sqlx::query(statement.clone()).bind(stream_type).bind(&list.prefix).bind(after).bind(PAGE))
        .await
        .map_err(|failure| error::store_error(LISTING, failure))?;
    let info = |row: &PgRow| -> Result<StreamInfo, sqlx::Error> {
        let stream = StreamId::new(stream_type, row.try_get::<&str, _>(0)?);
        let (version, position) = (unsigned(row.try_get(1)?), unsigned(row.try_get(2)?));
        let (version, position) = (StreamVersion::new(version), Position::new(position));
        let info = StreamInfo::new(stream, version, position, row.try_get(3)?, row.try_get(4)?);
        Ok(info.archived_at(row.try_get(5)?))
    };
    rows.iter().map(info).collect::<Result<_, _>>().map_err(unreadable)
}

/// Takes a stream out of use.
pub(crate) async fn archive(parts: &Parts, stream: StreamId) -> Result<(), StoreError> {
    set_archived(parts, "archiving a stream", &parts.statements.archive, stream).await
}

/// Puts a stream back into use.
pub(crate) async fn restore(parts: &Parts, stream: StreamId) -> Result<(), StoreError> {
    set_archived(parts, "restoring a stream", &parts.statements.restore, stream).await
}

async fn set_archived(
    parts: &Parts,
    doing: &'static str,
    statement: &SqlStr,
    stream: StreamId,
) -> Result<(), StoreError> {
    check_stream(&stream)?;
    let rows = parts
        .connections
        .fetch(|| sqlx::query(statement.clone()).bind(stream.stream_type()).bind(stream.id()))
        .await
        .map_err(|failure| error::store_error(doing, failure))?;
    let exists = rows.first().map_or(Ok(false), |row| row.try_get(0)).map_err(unreadable)?;
    if exists { Ok(()) } else { Err(StoreError::NoSuchStream { stream }) }
}
