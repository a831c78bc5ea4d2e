//! All events of one side of a copy, one after the other, with no more than a page in memory.

use std::vec;

use super::{CopyStore, parts::CopiedEvent};
use crate::{
    recorded::Position,
    store::{HistoryDiverged, HistoryId, ReadAll, StoreError},
};

/// The events between two positions, within one history.
pub(super) struct Reader<'a, S> {
    store: &'a S,
    next: ReadAll,
    history: HistoryId,
    events: vec::IntoIter<CopiedEvent>,
    ended: bool,
}

impl<'a, S: CopyStore> Reader<'a, S> {
    /// The events behind `after`, up to `until`, in the history that the store is to have.
    pub(super) fn new(store: &'a S, after: Position, until: Position, history: HistoryId) -> Self {
        let ended = until <= after;
        Self { store, next: ReadAll::after(after).until(until), history, events: Vec::new().into_iter(), ended }
    }

    /// The next event; none behind the last.
    pub(super) async fn next(&mut self) -> Result<Option<CopiedEvent>, StoreError> {
        loop {
            if let Some(event) = self.events.next() {
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            let page = self.store.read_copy(&self.next).await?;
            if page.history != self.history {
                return Err(HistoryDiverged::new(self.history, page.history).into());
            }
            self.ended = !page.more;
            self.next = self.next.clone().go_on(page.upto);
            self.events = page.events.into_iter();
        }
    }

    /// Where it has come to its end, and whether that is before where it was to.
    pub(super) fn ended_early(&self) -> Option<Position> {
        let upto = self.next.after;
        self.next.until.filter(|until| upto < *until).map(|_| upto)
    }
}
