//! Copying out of a store in memory, and into one.

use super::{MemoryStore, State, index};
use crate::{
    copy::{ArchivedChange, CopiedEvent, CopyPage, CopyProgress, CopyStore, Import, ImportError},
    recorded::{Position, StreamVersion},
    store::{Conflict, Expected, KeyedAppend, ReadAll, StoreError},
};

impl State {
    fn read_copy(&self, read: &ReadAll) -> Result<CopyPage, StoreError> {
        let page = self.page(read)?;
        let name = |(name, size): &(String, u32)| (name.clone(), Some(*size));
        Ok(CopyPage::of(page, |position| self.names.get(&position).map(name)))
    }

    fn check_known(&self, known: Option<&CopyProgress>) -> Result<(), ImportError> {
        if self.copied.as_ref() == known { Ok(()) } else { Err(ImportError::Moved { found: self.copied }) }
    }

    fn import(&mut self, import: Import) -> Result<CopyProgress, ImportError> {
        self.check_known(import.known.as_ref())?;
        let behind = import.known.map_or(0, |known| index(known.target.get()));
        if let Some(event) = self.log.get(behind) {
            let (stream, version, position) = (event.stream.clone(), event.version, event.position);
            return Err(ImportError::Foreign { stream, version, position });
        }
        let progress = import.progress(Position::new((self.log.len() + import.events.len()) as u64));
        // All are looked at before the first is stored: the versions of each stream go on where the stream ends.
        let mut versions = std::collections::HashMap::new();
        for CopiedEvent { event, .. } in &import.events {
            let stands = self.streams.get(&event.stream).map_or(0, |stream| stream.events.len() as u64);
            let version = versions.entry(&event.stream).or_insert(stands);
            if event.version != *version + 1 {
                let (expected, actual) = (event.version.get().saturating_sub(1), StreamVersion::new(*version));
                let expected = Expected::Exact(StreamVersion::new(expected));
                return Err(StoreError::from(Conflict::new(event.stream.clone(), expected, actual)).into());
            }
            *version += 1;
        }
        for copied in import.events {
            self.take_in(copied);
        }
        self.copied = Some(progress);
        Ok(progress)
    }

    fn take_in(&mut self, copied: CopiedEvent) {
        let CopiedEvent { mut event, idempotency_key, append_size } = copied;
        event.position = Position::new(self.log.len() as u64 + 1);
        let stream = self.streams.entry(event.stream.clone()).or_default();
        if let Some(key) = idempotency_key {
            let size = append_size.unwrap_or(1);
            let keyed = KeyedAppend::new(event.version, u64::from(size));
            stream.keys.insert(event.event_id.to_string(), keyed);
            stream.keys.insert(key.clone(), keyed);
            self.names.insert(event.position, (key, size));
        } else {
            stream.unnamed.insert(event.event_id, event.version);
        }
        stream.events.push(self.log.len());
        self.log.push(event);
    }

    fn import_archived(&mut self, known: &CopyProgress, changes: Vec<ArchivedChange>) -> Result<(), ImportError> {
        self.check_known(Some(known))?;
        for change in changes {
            if let Some(stream) = self.streams.get_mut(&change.stream) {
                stream.archived_at = change.archived_at;
            }
        }
        Ok(())
    }
}

impl CopyStore for MemoryStore {
    async fn read_copy(&self, read: &ReadAll) -> Result<CopyPage, StoreError> {
        read.check()?;
        self.state().read_copy(read)
    }

    async fn copy_progress(&self) -> Result<Option<CopyProgress>, StoreError> {
        Ok(self.state().copied)
    }

    async fn import(&self, import: Import) -> Result<CopyProgress, ImportError> {
        let progress = self.state().import(import)?;
        self.grew(progress.target);
        Ok(progress)
    }

    async fn import_archived(&self, known: &CopyProgress, changes: Vec<ArchivedChange>) -> Result<(), ImportError> {
        self.state().import_archived(known, changes)
    }
}
