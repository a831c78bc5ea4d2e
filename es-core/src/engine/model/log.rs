//! The events of the model: one log for each history of the store.

use chrono::DateTime;
use uuid::Uuid;

use super::script::{history_id, small};
use crate::{
    projection::{ProjectionId, ShardId},
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{Page, StoredEvent},
};

/// A key, by its number.
pub(super) type Key = u8;

/// The key of events that are not handled.
pub(super) const OTHERS: Key = 3;

pub(super) const PROJECTION: ProjectionId = ProjectionId { name: "lists", version: 1 };

/// An event, by its number: its position, and 10 more in each further history in which another stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Event(pub(super) u8);

impl Event {
    pub(super) fn of(stored: &StoredEvent) -> Self {
        Self(u8::try_from(stored.event_id.as_uuid().as_u128()).unwrap_or(u8::MAX))
    }
}

/// The logs of all histories.
#[derive(Debug)]
pub(super) struct Logs {
    /// Each event's key and how it is stored.
    histories: Vec<Vec<(Event, Key, StoredEvent)>>,
    shards: u32,
    /// How many events a page has.
    page: usize,
    /// The name of each key.
    names: Vec<String>,
}

impl Logs {
    /// Logs of events with these keys. Where there are several, the second history begins to differ behind `common`.
    pub(super) fn new(keys: &[&[Key]], common: u8, shards: u32, page: usize) -> Self {
        // Keys of even and of odd numbers belong to different shards, where there are two.
        let of_shard =
            |shard| (0..).map(|n| format!("k{n}")).filter(move |name| ShardId::of_key(name, shards) == shard);
        let (mut even, mut odd) = (of_shard(0), of_shard(shards - 1));
        let mut names = Vec::new();
        for key in 0..4 {
            let name = if key % 2 == 0 { even.next() } else { odd.find(|name| !names.contains(name)) };
            names.extend(name);
        }
        let log = |(history, keys): (u8, &&[Key])| {
            let event = |(position, key): (u8, &Key)| {
                let number = if position <= common { position } else { position + 10 * history };
                (Event(number), *key, stored(position, number, &names[usize::from(*key)]))
            };
            (1..).zip(*keys).map(event).collect()
        };
        let histories = (0..).zip(keys).map(log).collect();
        Self { histories, shards, page, names }
    }

    /// Whether there is more than one history.
    pub(super) fn are_several(&self) -> bool {
        self.histories.len() > 1
    }

    pub(super) fn end(&self, history: u8) -> u8 {
        small(self.histories[usize::from(history)].len() as u64)
    }

    pub(super) fn shards(&self) -> u32 {
        self.shards
    }

    /// The shard of a key.
    pub(super) fn shard_of(&self, key: Key) -> usize {
        ShardId::of_key(self.name(key), self.shards) as usize
    }

    pub(super) fn name(&self, key: Key) -> &str {
        &self.names[usize::from(key)]
    }

    pub(super) fn key(&self, name: &str) -> Key {
        small(self.names.iter().position(|known| known == name).unwrap_or_default() as u64)
    }

    /// The events of a key up to a position.
    pub(super) fn of_key(&self, history: u8, key: Key, upto: u8) -> Vec<Event> {
        let upto = self.histories[usize::from(history)].iter().take(upto.into());
        upto.filter(|(_, of, _)| *of == key).map(|(event, ..)| *event).collect()
    }

    /// What stands at a position.
    pub(super) fn at(&self, history: u8, position: u8) -> Event {
        self.histories[usize::from(history)][usize::from(position) - 1].0
    }

    pub(super) fn stored(&self, history: u8, position: u8) -> &StoredEvent {
        &self.histories[usize::from(history)][usize::from(position) - 1].2
    }

    pub(super) fn key_of(&self, event: Event) -> Key {
        let all = self.histories.iter().flatten();
        all.filter(|(known, ..)| *known == event).map(|(_, key, _)| *key).next().unwrap_or_default()
    }

    pub(super) fn page(&self, history: u8, after: u8) -> Page {
        let behind = self.histories[usize::from(history)].get(usize::from(after)..).unwrap_or_default();
        let page = behind.get(..self.page).unwrap_or(behind);
        let upto = page.last().map_or(Position::new(after.into()), |(.., last)| last.position);
        let handled = page.iter().filter(|(_, key, _)| *key != OTHERS);
        let events = handled.map(|(.., stored)| stored.clone()).collect();
        Page::new(events, upto, behind.len() > self.page, history_id(history))
    }
}

fn stored(position: u8, number: u8, key: &str) -> StoredEvent {
    StoredEvent::new(
        StreamId::new("list", key),
        StreamVersion::new(position.into()),
        Position::new(position.into()),
        "happened".to_owned(),
        1,
        EventId::from_uuid(Uuid::from_u128(number.into())),
        Vec::new(),
        Vec::new(),
        DateTime::UNIX_EPOCH,
    )
}
