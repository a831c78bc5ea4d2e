//! What is known outside of the server: what it promised, and what readers saw.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    fmt::Display,
    mem,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use es_core::recorded::EventId;

/// Where an event stands, as an answer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) token: u64,
    pub(crate) account: u32,
    pub(crate) version: u64,
    pub(crate) position: u64,
    pub(crate) event_id: EventId,
}

/// Remembers everything, over all rounds.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    memory: Mutex<Memory>,
    accusation: OnceLock<String>,
    pub(crate) counts: Counts,
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// What was acknowledged, by token.
    pub(crate) places: HashMap<u64, Place>,
    /// The tokens among these that no audit has looked for yet.
    pub(crate) fresh: Vec<u64>,
    /// The event of each position that was acknowledged or yielded.
    pub(crate) owners: HashMap<u64, EventId>,
    /// What was committed past the store, so that no place was told.
    pub(crate) committed: Vec<u64>,
    /// What was refused or rolled back.
    pub(crate) never: HashSet<u64>,
    /// Tokens that stand together or not at all.
    pub(crate) together: Vec<Vec<u64>>,
}

/// How often things happened; for the tables.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: AtomicU64,
    pub(crate) unavailable: AtomicU64,
    pub(crate) unknown: AtomicU64,
    pub(crate) conflicts: AtomicU64,
    pub(crate) rolled_back: AtomicU64,
    pub(crate) prepared: AtomicU64,
}

impl Counts {
    /// Adds what was counted elsewhere.
    pub(crate) fn add(&self, other: &Self) {
        let all = |counts: &Self| {
            let Self { acknowledged, unavailable, unknown, conflicts, rolled_back, prepared } = counts;
            [acknowledged, unavailable, unknown, conflicts, rolled_back, prepared].map(count)
        };
        let Self { acknowledged, unavailable, unknown, conflicts, rolled_back, prepared } = self;
        let sums = [acknowledged, unavailable, unknown, conflicts, rolled_back, prepared];
        for (sum, more) in sums.into_iter().zip(all(other)) {
            sum.fetch_add(more, Ordering::Relaxed);
        }
    }
}

pub(crate) fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Witness {
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that must never happen has. The first accusation is kept, and ends everything at the next
    /// [`check`](Self::check).
    pub(crate) fn accuse(&self, what: impl Display) {
        if self.accusation.set(what.to_string()).is_ok() {
            eprintln!("FAILURE: {what}");
        }
    }

    pub(crate) fn accusation(&self) -> Option<&str> {
        self.accusation.get().map(String::as_str)
    }

    /// # Panics
    /// When somebody was accused.
    pub(crate) fn check(&self) {
        if let Some(accusation) = self.accusation() {
            panic!("{accusation}");
        }
    }

    /// An answer said that these are stored.
    pub(crate) fn acknowledged(&self, places: &[Place]) {
        self.counts.acknowledged.fetch_add(u64::try_from(places.len()).unwrap_or(0), Ordering::Relaxed);
        let mut memory = self.memory();
        for place in places {
            if let Some(before) = memory.places.insert(place.token, *place) {
                if before != *place {
                    self.accuse(format_args!("told two places of one event: {before:?} and {place:?}"));
                }
                continue;
            }
            memory.fresh.push(place.token);
            self.owns(&mut memory, place.position, place.event_id);
        }
    }

    /// A reader was given this event.
    pub(crate) fn yielded(&self, position: u64, event_id: EventId) {
        self.owns(&mut self.memory(), position, event_id);
    }

    fn owns(&self, memory: &mut Memory, position: u64, event_id: EventId) {
        match memory.owners.entry(position) {
            Entry::Vacant(entry) => {
                entry.insert(event_id);
            }
            Entry::Occupied(entry) if *entry.get() == event_id => {}
            Entry::Occupied(entry) => {
                self.accuse(format_args!("position {position} had event {}, and has {event_id}", entry.get()));
            }
        }
    }

    /// The server said that these are committed.
    pub(crate) fn committed(&self, tokens: Vec<u64>) {
        self.counts.acknowledged.fetch_add(u64::try_from(tokens.len()).unwrap_or(0), Ordering::Relaxed);
        self.memory().committed.extend(tokens);
    }

    /// These are not stored, and never will be.
    pub(crate) fn refused(&self, tokens: impl IntoIterator<Item = u64>) {
        self.memory().never.extend(tokens);
    }

    /// Nobody knows whether these are stored; but if one is, all are.
    pub(crate) fn together(&self, tokens: Vec<u64>) {
        self.memory().together.push(tokens);
    }
}

impl Memory {
    /// What was acknowledged since the last audit.
    pub(crate) fn take_fresh(&mut self) -> Vec<Place> {
        mem::take(&mut self.fresh).iter().filter_map(|token| self.places.get(token).copied()).collect()
    }
}
