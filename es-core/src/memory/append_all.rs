//! Appends to several streams, under one lock: all are looked at before the first is stored.

use super::State;
use crate::{
    recorded::StreamVersion,
    store::{Append, Appended, Conflict, HistoryDiverged, PartlyStored, StoreError},
};

impl State {
    pub(super) fn append_all(&mut self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        Append::check_all(&appends)?;
        let mut known = appends.iter().filter_map(|append| append.decided_in);
        if let Some(known) = known.find(|&known| known != self.history) {
            return Err(HistoryDiverged::new(known, self.history).into());
        }
        let standing = appends.iter().map(|append| self.standing(append)).collect();
        let streams: Vec<_> = appends.iter().map(|append| &append.stream).collect();
        if let Some(first) = PartlyStored::check(&streams, standing)? {
            return Ok(first);
        }
        let archived =
            |append: &&Append| self.streams.get(&append.stream).is_some_and(|stream| stream.archived_at.is_some());
        if let Some(append) = appends.iter().find(archived) {
            return Err(StoreError::Archived { stream: append.stream.clone() });
        }
        for append in &appends {
            let events = self.streams.get(&append.stream).map_or(0, |stream| stream.events.len());
            let actual = StreamVersion::new(events as u64);
            if !append.expected.allows(actual) {
                return Err(Conflict::new(append.stream.clone(), append.expected, actual).into());
            }
        }
        // The one thing that could still be refused is metadata that has no stored form.
        for event in appends.iter().flat_map(|append| &append.events) {
            serde_json::to_vec(&event.metadata)
                .map_err(|source| StoreError::Backend { doing: "encoding metadata", source: source.into() })?;
        }
        appends.into_iter().map(|append| self.append(append)).collect()
    }
}
