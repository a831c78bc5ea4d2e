//! Naming streams, page by page, and taking them out of use and back.

use std::sync::Arc;

use es_core::{
    recorded::{Position, StreamId, StreamVersion},
    store::{
        ArchivedStreams, ListStreams, StoreError, StreamInfo,
        listing::{StreamPages, list_by_pages},
        streams::check_stream,
    },
};
use futures_core::Stream;
use sqlx::{Row as _, SqlStr, postgres::PgRow};

use crate::{
    error,
    row::{signed, unreadable, unsigned},
    store::Parts,
};

const LISTING: &str = "listing streams";

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
        let parts = &self.0;
        let rows = parts
            .connections
            .fetch(|| sqlx::query(parts.statements.stream_type.clone()).bind(before))
            .await
            .map_err(|failure| error::store_error(LISTING, failure))?;
        rows.first().map(|row| row.try_get(0)).transpose().map_err(unreadable)
    }

    async fn page(&self, list: &ListStreams, stream_type: &str, after: &str) -> Result<Vec<StreamInfo>, StoreError> {
        let parts = &self.0;
        let statement = match list.archived {
            ArchivedStreams::Only => &parts.statements.streams_archived,
            ArchivedStreams::LeftOut | ArchivedStreams::Included => &parts.statements.streams,
        };
        let size = signed(Self::PAGE as u64);
        let rows = parts
            .connections
            .fetch(|| sqlx::query(statement.clone()).bind(stream_type).bind(&list.prefix).bind(after).bind(size))
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
