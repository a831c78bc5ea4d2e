//! Naming streams, and taking them out of use and back.

use super::State;
use crate::{
    recorded::{StreamId, StreamVersion},
    store::{ListStreams, StoreError, StreamInfo},
};

impl State {
    /// The streams of a list as they are now.
    pub(super) fn list(&self, request: &ListStreams) -> Vec<StreamInfo> {
        let listed = self.streams.iter().filter(|(stream, state)| {
            request.stream_type.as_ref().is_none_or(|wanted| wanted == stream.stream_type())
                && stream.id().starts_with(&request.prefix)
                && request.after.as_ref().is_none_or(|after| *stream > after)
                && request.archived.lists(state.archived_at.is_some())
        });
        let mut infos: Vec<_> = listed
            .filter_map(|(stream, state)| {
                let (first, last) = (&self.log[*state.events.first()?], &self.log[*state.events.last()?]);
                let version = StreamVersion::new(state.events.len() as u64);
                let info = StreamInfo::new(stream.clone(), version, last.position, first.recorded_at, last.recorded_at);
                Some(info.archived_at(state.archived_at))
            })
            .collect();
        infos.sort_unstable_by(|one, other| one.stream.cmp(&other.stream));
        infos
    }

    /// Archives a stream, or restores it.
    pub(super) fn set_archived(&mut self, stream: StreamId, archived: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        match self.streams.get_mut(&stream) {
            Some(state) if !state.events.is_empty() => {
                // Archived again, it keeps the time of the first.
                state.archived_at = archived.then(|| state.archived_at.unwrap_or(now));
                Ok(())
            }
            _ => Err(StoreError::NoSuchStream { stream }),
        }
    }
}
