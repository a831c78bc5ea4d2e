//! Which streams are archived: the target's list is made that of the source.

use std::{cmp::Ordering, pin::pin};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{
    CopyStore,
    chain::CopyHash,
    error::{CopyError, Difference},
    parts::{ArchivedChange, CopyProgress},
};
use crate::{
    recorded::StreamId,
    store::{ListStreams, StreamInfo},
};

/// How many streams are changed in one transaction.
const BATCH: usize = 1_000;

/// A list of streams and times, of which only the number and a hash are kept.
#[derive(Default, PartialEq, Eq)]
struct Listed {
    streams: u64,
    hash: CopyHash,
}

impl Listed {
    fn add(&mut self, info: &StreamInfo) {
        let at = micros(info.archived_at).unwrap_or_default();
        let (stream_type, id) = (info.stream.stream_type(), info.stream.id());
        let name = format!("{}/{stream_type}/{id}/{at}", stream_type.len());
        self.hash = self.hash.then_bytes(name.as_bytes());
        self.streams += 1;
    }
}

/// Archives in the target what is archived in the source, and puts back into use what is not; answers how many are archived.
///
/// Streams that have events behind what was copied are left for the next run: here they are not what they are there.
pub(super) async fn copy<S: CopyStore, T: CopyStore>(
    source: &S,
    target: &T,
    progress: &CopyProgress,
) -> Result<u64, CopyError> {
    let list = || ListStreams::all().only_archived();
    let mut there = pin!(source.streams(list()).fuse());
    let mut here = pin!(target.streams(list()).fuse());
    let mut listed = Listed::default();
    let mut changes = Vec::new();
    let mut other = here.try_next().await.map_err(CopyError::Target)?;
    loop {
        let one = loop {
            let one = there.try_next().await.map_err(CopyError::Source)?;
            if one.as_ref().is_none_or(|info| info.position <= progress.source.position) {
                break one;
            }
        };
        // Those that come before are archived here only.
        while let Some(info) = other.take_if(|info| compare(&info.stream, one.as_ref()) == Ordering::Less) {
            changes.push(ArchivedChange::new(info.stream, None));
            other = here.try_next().await.map_err(CopyError::Target)?;
            send(target, progress, &mut changes, BATCH).await?;
        }
        let Some(one) = one else { break };
        listed.add(&one);
        let same = other.take_if(|info| info.stream == one.stream);
        if same.is_none_or(|info| micros(info.archived_at) != micros(one.archived_at)) {
            changes.push(ArchivedChange::new(one.stream.clone(), one.archived_at));
        }
        if other.is_none() {
            other = here.try_next().await.map_err(CopyError::Target)?;
        }
        send(target, progress, &mut changes, BATCH).await?;
    }
    send(target, progress, &mut changes, 1).await?;
    let mut found = Listed::default();
    let mut here = pin!(target.streams(list()));
    while let Some(info) = here.try_next().await.map_err(CopyError::Target)? {
        found.add(&info);
    }
    if found == listed { Ok(found.streams) } else { Err(Difference::Archived.into()) }
}

/// The order of the lists; behind the end of the source's, everything of the target's comes first.
fn compare(here: &StreamId, there: Option<&StreamInfo>) -> Ordering {
    there.map_or(Ordering::Less, |there| here.cmp(&there.stream))
}

/// Stores the changes, if there are so many.
async fn send<T: CopyStore>(
    target: &T,
    progress: &CopyProgress,
    changes: &mut Vec<ArchivedChange>,
    least: usize,
) -> Result<(), CopyError> {
    if changes.len() < least {
        return Ok(());
    }
    let changes = std::mem::take(changes);
    target.import_archived(progress, changes).await.map_err(|error| CopyError::of_import(error, true))
}

fn micros(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp_micros())
}
