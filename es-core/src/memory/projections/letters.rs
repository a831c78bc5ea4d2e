//! Events that were set aside.

use std::collections::BTreeMap;

use crate::{
    memory::{State, index},
    projection::{DeadLetter, ProjectionId, ShardId},
    recorded::Position,
    store::StoredEvent,
};

/// The events that a version has set aside, by position, shard and key: an event with several keys may wait for one of
/// them and not for another.
#[derive(Clone, Debug, Default)]
pub(super) struct Letters(BTreeMap<(Position, u32, String), DeadLetter>);

impl Letters {
    /// One that is there already is left as it is.
    pub(super) fn keep(&mut self, letter: &DeadLetter) {
        let place = (letter.position, letter.shard.shard, letter.key.clone());
        self.0.entry(place).or_insert_with(|| letter.clone());
    }

    /// Those that wait for a key, by position.
    pub(super) fn parked<'a>(&'a self, shard: u32, key: &'a str) -> impl Iterator<Item = &'a DeadLetter> {
        self.of_shard(shard).filter(move |letter| !letter.skipped && letter.key == key)
    }

    /// Removes those that wait for a key, up to a position; whether none is left.
    pub(super) fn unpark(&mut self, shard: u32, key: &str, upto: Position) -> bool {
        self.0.retain(|(position, of, _), letter| {
            *position > upto || *of != shard || letter.skipped || letter.key != key
        });
        self.parked(shard, key).next().is_none()
    }

    /// How many of a shard are parked, and how many were skipped.
    pub(super) fn count(&self, shard: u32) -> (u64, u64) {
        self.of_shard(shard).fold(
            (0, 0),
            |(parked, skipped), letter| {
                if letter.skipped { (parked, skipped + 1) } else { (parked + 1, skipped) }
            },
        )
    }

    /// Puts each into the shard to which its key belongs from now on.
    pub(super) fn divide(&mut self, shard_of: impl Fn(&str) -> u32) {
        for (_, mut letter) in std::mem::take(&mut self.0) {
            letter.shard.shard = shard_of(&letter.key);
            self.keep(&letter);
        }
    }

    fn of_shard(&self, shard: u32) -> impl Iterator<Item = &DeadLetter> {
        self.0.values().filter(move |letter| letter.shard.shard == shard)
    }
}

impl State {
    pub(super) fn parked_keys(&self, shard: ShardId) -> Vec<String> {
        let letters = self.projections.version(shard.projection).map(|version| &version.letters);
        let parked = letters.into_iter().flat_map(|letters| letters.of_shard(shard.shard)).filter(|it| !it.skipped);
        let mut keys: Vec<_> = parked.map(|letter| letter.key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    pub(super) fn dead_letters(&self, projection: ProjectionId, limit: u32) -> Vec<(DeadLetter, StoredEvent)> {
        let letters = self.projections.version(projection).into_iter().flat_map(|version| version.letters.0.values());
        let with_events = letters.filter_map(|letter| Some((letter.clone(), self.event(letter.position)?.clone())));
        with_events.take(limit as usize).collect()
    }

    pub(super) fn parked_events(&self, shard: ShardId, key: &str, limit: u32) -> Vec<StoredEvent> {
        let letters = self.projections.version(shard.projection).map(|version| &version.letters);
        let parked = letters.into_iter().flat_map(|letters| letters.parked(shard.shard, key));
        parked.filter_map(|letter| self.event(letter.position).cloned()).take(limit as usize).collect()
    }

    fn event(&self, position: Position) -> Option<&StoredEvent> {
        self.log.get(index(position.get()).checked_sub(1)?)
    }
}

impl State {
    pub(super) fn redrive(&mut self, projection: ProjectionId) {
        let shards = self.projections.version_mut(projection).into_iter().flat_map(|version| &mut version.shards);
        shards.for_each(|shard| shard.wishes += 1);
    }
}
