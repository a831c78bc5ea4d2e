//! Naming streams page by page, for stores that look them up in an index by type and id.

use std::future::Future;

use futures_core::Stream;
use futures_util::{TryStreamExt as _, stream};

use super::{ListStreams, StoreError, StreamInfo};

/// What a store is asked for to list its streams. Each call is one statement.
pub trait StreamPages: Send + Sync + 'static {
    /// How many streams a page has; only the last of a type has less.
    const PAGE: usize;

    /// The stream type that follows this one, in the order of their bytes; behind the empty one the first of all.
    fn next_type(&self, before: &str) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// The next streams of a type whose ids begin with the list's prefix, behind an id, in the order of their bytes. Archived or
    /// not; where the list wants archived ones only, those.
    fn page(
        &self,
        list: &ListStreams,
        stream_type: &str,
        after: &str,
    ) -> impl Future<Output = Result<Vec<StreamInfo>, StoreError>> + Send;
}

/// The streams of a list, type by type, and each type page by page. For stores.
pub fn list_by_pages<P: StreamPages>(
    pages: P,
    list: ListStreams,
) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<P> {
    let start = At::start(&list);
    let read = stream::try_unfold((pages, list, Some(start)), |(pages, list, at)| async move {
        list.check()?;
        let Some(at) = at else { return Ok(None) };
        let (infos, next) = at.read(&pages, &list).await?;
        Ok::<_, StoreError>(Some((infos, (pages, list, next))))
    });
    read.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
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
    async fn read<P: StreamPages>(
        self,
        pages: &P,
        list: &ListStreams,
    ) -> Result<(Vec<StreamInfo>, Option<Self>), StoreError> {
        match self {
            Self::NextType(_) if list.stream_type.is_some() => Ok((Vec::new(), None)),
            Self::NextType(before) => {
                let following = pages.next_type(&before).await?;
                Ok((Vec::new(), following.map(|following| Self::Within(following, String::new()))))
            }
            Self::Within(stream_type, after) => {
                let mut infos = pages.page(list, &stream_type, &after).await?;
                let next = match infos.last() {
                    Some(end) if infos.len() == P::PAGE => Self::Within(stream_type, end.stream.id().to_owned()),
                    _ => Self::NextType(stream_type),
                };
                infos.retain(|info| list.archived.lists(info.archived_at.is_some()));
                Ok((infos, Some(next)))
            }
        }
    }
}
