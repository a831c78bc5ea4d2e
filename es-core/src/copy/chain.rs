//! The hash over all events that were copied, one after the other.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{canonical::canonical, parts::CopiedEvent};

/// What tells whether two stores have the same events in the same order: a SHA-256 over all of them.
///
/// It is over what travels, with payload and metadata in a form that does not depend on how a store spells JSON. Positions
/// are not in it: each store gives out its own.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CopyHash([u8; 32]);

impl CopyHash {
    /// The hash of no events.
    pub const EMPTY: Self = Self([0; 32]);

    /// A hash from its bytes, for stores.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for stores.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of these events and one more.
    #[must_use]
    pub(super) fn then(self, event: &CopiedEvent) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        let mut form = Vec::new();
        for (_, part) in PARTS {
            form.clear();
            part(event, &mut form);
            // With its length before it, no part can run into the next.
            hash.update((form.len() as u64).to_be_bytes());
            hash.update(&form);
        }
        Self(hash.finalize().into())
    }

    /// The hash of these bytes and more.
    #[must_use]
    pub(super) fn then_bytes(self, bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(bytes);
        Self(hash.finalize().into())
    }
}

impl fmt::Display for CopyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for CopyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CopyHash({self})")
    }
}

/// Writes one part of an event in the form in which it is compared.
type Part = fn(&CopiedEvent, &mut Vec<u8>);

/// All that travels with an event, and what it is called where it differs.
const PARTS: [(&str, Part); 11] = [
    ("stream type", |event, into| into.extend(event.event.stream.stream_type().bytes())),
    ("stream id", |event, into| into.extend(event.event.stream.id().bytes())),
    ("version", |event, into| into.extend(event.event.version.get().to_be_bytes())),
    ("event id", |event, into| into.extend(event.event.event_id.as_uuid().as_bytes())),
    ("event type", |event, into| into.extend(event.event.event_type.bytes())),
    ("schema version", |event, into| into.extend(event.event.schema_version.to_be_bytes())),
    ("time of recording", |event, into| into.extend(event.event.recorded_at.timestamp_micros().to_be_bytes())),
    ("idempotency key", |event, into| {
        if let Some(key) = &event.idempotency_key {
            into.push(1);
            into.extend(key.bytes());
        }
    }),
    ("size of the append", |event, into| into.extend(event.append_size.iter().flat_map(|size| size.to_be_bytes()))),
    ("payload", |event, into| canonical(&event.event.payload, into)),
    ("metadata", |event, into| canonical(&event.event.metadata, into)),
];

/// The first part in which two events differ.
pub(super) fn difference(one: &CopiedEvent, other: &CopiedEvent) -> Option<&'static str> {
    let form = |event, part: Part| {
        let mut form = Vec::new();
        part(event, &mut form);
        form
    };
    PARTS.iter().find(|(_, part)| form(one, *part) != form(other, *part)).map(|&(name, _)| name)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{
        recorded::{EventId, Position, StreamId},
        store::StoredEvent,
    };

    fn event() -> CopiedEvent {
        let (payload, metadata) = (br#"{"a":1.0}"#.to_vec(), br#"{"b":"c"}"#.to_vec());
        let (stream, at) = (StreamId::new("lamp", "hall"), DateTime::UNIX_EPOCH);
        let id = EventId::from_uuid(uuid::Uuid::from_u128(7));
        let event = StoredEvent::new(stream, 1.into(), 1.into(), "Lit".to_owned(), 1, id, payload, metadata, at);
        CopiedEvent::new(event, Some("key".to_owned()), Some(1))
    }

    type Change = fn(&mut CopiedEvent);

    #[test]
    fn every_part_is_compared_and_in_the_hash() {
        let all: [(&str, Change); 11] = [
            ("stream type", |it| it.event.stream = StreamId::new("lam", "phall")),
            ("stream id", |it| it.event.stream = StreamId::new("lamp", "stairs")),
            ("version", |it| it.event.version = 2.into()),
            ("event id", |it| it.event.event_id = EventId::from_uuid(uuid::Uuid::from_u128(8))),
            ("event type", |it| it.event.event_type = "Out".to_owned()),
            ("schema version", |it| it.event.schema_version = 2),
            ("time of recording", |it| it.event.recorded_at += chrono::TimeDelta::microseconds(1)),
            ("idempotency key", |it| it.idempotency_key = None),
            ("size of the append", |it| it.append_size = Some(2)),
            ("payload", |it| it.event.payload = br#"{"a":1.1}"#.to_vec()),
            ("metadata", |it| it.event.metadata = br#"{"b":"d"}"#.to_vec()),
        ];
        for (name, change) in all {
            let mut changed = event();
            change(&mut changed);
            assert_eq!(difference(&event(), &changed), Some(name));
            assert_ne!(CopyHash::EMPTY.then(&event()), CopyHash::EMPTY.then(&changed), "{name}");
        }
    }

    #[test]
    fn what_does_not_travel_is_not_in_the_hash() {
        let mut other = event();
        other.event.position = Position::new(900);
        other.event.payload = br#"{ "a" : 1 }"#.to_vec();
        assert_eq!(difference(&event(), &other), None);
        assert_eq!(CopyHash::EMPTY.then(&event()), CopyHash::EMPTY.then(&other));
    }

    #[test]
    fn an_empty_key_is_another_than_none() {
        let (mut empty, mut none) = (event(), event());
        (empty.idempotency_key, none.idempotency_key) = (Some(String::new()), None);
        assert_ne!(CopyHash::EMPTY.then(&empty), CopyHash::EMPTY.then(&none));
    }

    #[test]
    fn the_order_of_events_is_in_the_hash() {
        let mut second = event();
        second.event.version = 2.into();
        let hash = |one: &CopiedEvent, other: &CopiedEvent| CopyHash::EMPTY.then(one).then(other);
        assert_ne!(hash(&event(), &second), hash(&second, &event()));
    }
}
