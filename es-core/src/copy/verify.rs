//! Reading again what was copied, on both sides.

use futures_util::future;

use super::{
    CopyStore,
    chain::{self, CopyHash},
    error::{CopyError, Difference},
    parts::{CopiedEvent, CopyProgress},
    reader::Reader,
    run::{CopyPhase, CopyStatus},
};
use crate::{
    recorded::Position,
    store::{Checkpoint, HistoryId, ReadAll, StoreError, Unavailable},
};

/// After how many events it is told how far it has come.
const STEP: u64 = 1_000;

/// What is read again.
pub(super) struct Stretch {
    /// The progress before it; `None` for all from the first event on.
    pub(super) after: Option<CopyProgress>,
    pub(super) upto: CopyProgress,
}

/// Reads a stretch on both sides, and answers how many events it has: the same in both, and those that were copied.
pub(super) async fn events<S: CopyStore, T: CopyStore>(
    source: &S,
    target: &T,
    histories: (HistoryId, HistoryId),
    stretch: &Stretch,
    observer: &mut (dyn FnMut(CopyStatus) + Send),
) -> Result<u64, CopyError> {
    let Stretch { after, upto } = stretch;
    let (before, mut hash) = after.map_or((0, CopyHash::EMPTY), |after| (after.events, after.hash));
    let from = |position: fn(&CopyProgress) -> Position| after.as_ref().map_or(Position::START, position);
    let end = upto.source.position;
    let mut there = Reader::new(source, from(|progress| progress.source.position), end, histories.0);
    let mut here = Reader::new(target, from(|progress| progress.target), upto.target, histories.1);
    let mut events = before;
    loop {
        let (one, other) = future::join(there.next(), here.next()).await;
        let (one, other) = (one.map_err(CopyError::of_source)?, other.map_err(CopyError::of_target)?);
        match (one, other) {
            (Some(one), Some(other)) => {
                let next = hash.then(&one);
                // What differs is only looked for where something does.
                if hash.then(&other) != next {
                    let field = chain::difference(&one, &other).unwrap_or("hash");
                    return Err(field_differs(&one, &other, field).into());
                }
                hash = next;
                events += 1;
                if events % STEP == 0 {
                    let position = one.event.position;
                    observer(CopyStatus { phase: CopyPhase::Verifying, events, position, end });
                }
            }
            (Some(missing), None) => {
                if let Some(held) = here.ended_early() {
                    still_held(target, upto.target, upto.source, histories.1, held).await?;
                }
                return Err(is_missing(&missing).into());
            }
            (None, Some(extra)) => return Err(is_extra(&extra).into()),
            (None, None) => break,
        }
    }
    if (events, hash) != (upto.events, upto.hash) {
        return Err(Difference::Copied { copied: upto.events, found: events }.into());
    }
    Ok(events - before)
}

/// Reads again, in a source with another history, what was copied, and accepts it only if it is the same to the last event.
pub(super) async fn prefix<S: CopyStore>(
    source: &S,
    history: HistoryId,
    copied: &CopyProgress,
    observer: &mut (dyn FnMut(CopyStatus) + Send),
) -> Result<(), CopyError> {
    let end = copied.source.position;
    let mut reader = Reader::new(source, Position::START, end, history);
    let (mut events, mut hash) = (0, CopyHash::EMPTY);
    while let Some(event) = reader.next().await.map_err(CopyError::of_source)? {
        hash = hash.then(&event);
        events += 1;
        if events % STEP == 0 {
            observer(CopyStatus { phase: CopyPhase::Proving, events, position: event.event.position, end });
        }
    }
    if (events, hash) == (copied.events, copied.hash) {
        return Ok(());
    }
    Err(CopyError::SourceDiverged { copied: copied.source })
}

/// Nothing is missing where the last event is there and only not settled yet: someone writes behind it.
async fn still_held<T: CopyStore>(
    target: &T,
    last: Position,
    copied: Checkpoint,
    history: HistoryId,
    upto: Position,
) -> Result<(), CopyError> {
    let read = ReadAll::resume(Checkpoint::new(last, copied.event_id, history)).until(last);
    if target.read_page(&read).await.is_err() {
        return Ok(());
    }
    let reason = format!("its order is settled up to position {upto} only, because somebody else writes to it");
    Err(CopyError::Target(StoreError::from(Unavailable::new(reason, format!("{last} was to be read")))))
}

fn field_differs(one: &CopiedEvent, other: &CopiedEvent, field: &'static str) -> Difference {
    let stream = one.event.stream.clone();
    let (version, position, target) = (one.event.version, one.event.position, other.event.position);
    Difference::Field { stream, version, position, target, field }
}

fn is_missing(missing: &CopiedEvent) -> Difference {
    let event = &missing.event;
    Difference::Missing { stream: event.stream.clone(), version: event.version, position: event.position }
}

fn is_extra(extra: &CopiedEvent) -> Difference {
    let event = &extra.event;
    Difference::Extra { stream: event.stream.clone(), version: event.version, position: event.position }
}
