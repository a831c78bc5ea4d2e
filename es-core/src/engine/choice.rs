//! Which of the events a shard takes in, and which of them have to wait.

use std::collections::HashSet;

use crate::{
    projection::{DeadLetter, Failure, ShardId},
    store::StoredEvent,
};

/// What a shard takes in.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    shard: ShardId,
    /// How many shards there are.
    shards: u32,
    /// The keys whose events wait behind one that is parked.
    parked: HashSet<String>,
    /// Only this key, which is being redriven.
    only: Option<String>,
}

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// It is taken in.
    Taken,
    /// It waits behind one that is parked.
    Waits(DeadLetter),
    /// It belongs to another shard.
    Elsewhere,
}

impl Choice {
    pub(super) fn new(shard: ShardId, shards: u32, parked: impl IntoIterator<Item = String>) -> Self {
        Self { shard, shards, parked: parked.into_iter().collect(), only: None }
    }

    /// The same shard, for events of one key that were parked.
    pub(super) fn only(&self, key: &str) -> Self {
        Self { parked: HashSet::new(), only: Some(key.to_owned()), ..self.clone() }
    }

    pub(super) fn shard(&self) -> ShardId {
        self.shard
    }

    pub(super) fn parked(&self) -> impl Iterator<Item = &String> {
        self.parked.iter()
    }

    /// Events of this key wait from here on.
    pub(super) fn park(&mut self, key: String) {
        self.parked.insert(key);
    }

    /// Whether it takes in every event, whatever its key: then nobody needs to know the key.
    pub(super) fn is_everything(&self) -> bool {
        self.shards < 2 && self.parked.is_empty() && self.only.is_none()
    }

    /// Whether a key belongs to the shard, or is the one that is being redriven.
    pub(super) fn has(&self, key: &str) -> bool {
        match &self.only {
            Some(only) => only == key,
            None => ShardId::of_key(key, self.shards) == self.shard.shard,
        }
    }

    /// What becomes of an event with this key.
    pub(super) fn of(&self, key: &str, stored: &StoredEvent) -> Chosen {
        if !self.has(key) {
            Chosen::Elsewhere
        } else if self.parked.contains(key) {
            let why = format!("it waits behind an earlier event of `{key}` that is parked");
            let failure = Failure::new(stored.position, stored.event_type.clone(), why, 0);
            Chosen::Waits(DeadLetter::parked(self.shard, key.to_owned(), stored.position, failure))
        } else {
            Chosen::Taken
        }
    }
}
