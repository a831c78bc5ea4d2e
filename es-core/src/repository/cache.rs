//! Recent states, in bounded number, so that a command upon one of them needs no load.
//!
//! A state in here was true at its version; other writers may have gone on since. So it may be decided upon, because the
//! append that follows names its version, but nothing is told by it alone.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::rehydrate::Hydrated;
use crate::recorded::{StreamId, StreamVersion};

/// Into how many parts the cache is divided, so that callers on different streams seldom wait for one another.
const SHARDS: usize = 16;

/// The states of one kind of aggregate. Clones share them.
pub(super) struct StateCache<A> {
    shards: Arc<[Mutex<Shard<A>>]>,
    hasher: RandomState,
    copy: fn(&A) -> A,
}

/// One part. A state that was asked for since the hand last passed stays, another makes room.
struct Shard<A> {
    capacity: usize,
    places: HashMap<StreamId, usize>,
    slots: Vec<Slot<A>>,
    hand: usize,
}

struct Slot<A> {
    stream: StreamId,
    kept: Arc<Hydrated<A>>,
    used: bool,
}

impl<A: Clone> StateCache<A> {
    /// Room for at most `states`; `None` where that is none.
    pub(super) fn new(states: usize) -> Option<Self> {
        let count = SHARDS.min(states);
        // The first shards take what cannot be divided, so that the sum is the bound.
        let shards =
            (0..count).map(|shard| Mutex::new(Shard::new(states / count + usize::from(shard < states % count))));
        (count > 0).then(|| Self { shards: shards.collect(), hasher: RandomState::new(), copy: A::clone })
    }
}

impl<A> StateCache<A> {
    /// What makes a second state of one.
    pub(super) fn copier(&self) -> fn(&A) -> A {
        self.copy
    }

    pub(super) fn get(&self, stream: &StreamId) -> Option<Arc<Hydrated<A>>> {
        self.shard(stream).get(stream)
    }

    /// Keeps a state, unless the one that is there is as new. An empty stream has none.
    pub(super) fn put(&self, stream: &StreamId, state: Hydrated<A>) {
        if state.version > StreamVersion::EMPTY {
            let state = Arc::new(state);
            // What makes room is dropped when the lock is free again: a state may be large.
            let made_room = self.shard(stream).put(stream, state);
            drop(made_room);
        }
    }

    /// Drops the state of a stream, unless it is known to be good.
    pub(super) fn forget_unless(&self, stream: &StreamId, is_good: impl FnOnce(&Hydrated<A>) -> bool) {
        let forgotten = self.shard(stream).forget_unless(stream, is_good);
        drop(forgotten);
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).slots.len()).sum()
    }

    fn shard(&self, stream: &StreamId) -> MutexGuard<'_, Shard<A>> {
        let count = self.shards.len() as u64;
        let shard = usize::try_from(self.hasher.hash_one(stream) % count).unwrap_or(0);
        lock(&self.shards[shard])
    }
}

/// Nothing panics half-way through a change of a shard, so what a panicking thread left behind is whole.
fn lock<A>(shard: &Mutex<Shard<A>>) -> MutexGuard<'_, Shard<A>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<A> Shard<A> {
    fn new(capacity: usize) -> Self {
        Self { capacity, places: HashMap::new(), slots: Vec::new(), hand: 0 }
    }

    fn get(&mut self, stream: &StreamId) -> Option<Arc<Hydrated<A>>> {
        let slot = &mut self.slots[*self.places.get(stream)?];
        slot.used = true;
        Some(Arc::clone(&slot.kept))
    }

    /// Gives back what need not be kept.
    fn put(&mut self, stream: &StreamId, state: Arc<Hydrated<A>>) -> Option<Arc<Hydrated<A>>> {
        if let Some(&place) = self.places.get(stream) {
            let kept = &mut self.slots[place].kept;
            return Some(if state.replaces(kept) { std::mem::replace(kept, state) } else { state });
        }
        let slot = Slot { stream: stream.clone(), kept: state, used: false };
        if self.slots.len() < self.capacity {
            self.places.insert(stream.clone(), self.slots.len());
            self.slots.push(slot);
            return None;
        }
        let place = self.longest_unused();
        self.places.insert(stream.clone(), place);
        let made_room = std::mem::replace(&mut self.slots[place], slot);
        self.places.remove(&made_room.stream);
        Some(made_room.kept)
    }

    /// The next place under the hand that was not used since the hand came by; all that it passes must prove themselves.
    fn longest_unused(&mut self) -> usize {
        loop {
            self.hand = (self.hand + 1) % self.slots.len();
            if !std::mem::take(&mut self.slots[self.hand].used) {
                return self.hand;
            }
        }
    }

    fn forget_unless(
        &mut self,
        stream: &StreamId,
        is_good: impl FnOnce(&Hydrated<A>) -> bool,
    ) -> Option<Arc<Hydrated<A>>> {
        let place = *self.places.get(stream)?;
        if is_good(&self.slots[place].kept) {
            return None;
        }
        self.places.remove(stream);
        let forgotten = self.slots.swap_remove(place);
        if let Some(moved) = self.slots.get(place) {
            self.places.insert(moved.stream.clone(), place);
        }
        Some(forgotten.kept)
    }
}

impl<A> Clone for StateCache<A> {
    fn clone(&self) -> Self {
        Self { shards: Arc::clone(&self.shards), hasher: self.hasher.clone(), copy: self.copy }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hydrated, StateCache};
    use crate::{
        recorded::{Position, StreamId, StreamVersion},
        store::HistoryId,
    };

    fn stream(number: usize) -> StreamId {
        StreamId::new("test", number.to_string())
    }

    fn state(version: u64, history: HistoryId) -> Hydrated<&'static str> {
        let (version, position) = (StreamVersion::new(version), Position::new(version));
        Hydrated { state: "", version, position, snapshot: StreamVersion::EMPTY, history }
    }

    fn cache(states: usize) -> StateCache<&'static str> {
        StateCache::new(states).expect("there is room")
    }

    fn version(cache: &StateCache<&'static str>, number: usize) -> Option<u64> {
        cache.get(&stream(number)).map(|kept| kept.version.get())
    }

    #[test]
    fn a_state_is_replaced_by_a_later_one_or_one_of_another_history() {
        let (cache, history) = (cache(10), HistoryId::new());
        for (put, kept) in [(3, 3), (2, 3), (4, 4), (4, 4), (0, 4)] {
            cache.put(&stream(1), state(put, history));
            assert_eq!(version(&cache, 1), Some(kept));
        }
        cache.put(&stream(1), state(2, HistoryId::new()));
        assert_eq!(version(&cache, 1), Some(2));
        cache.put(&stream(2), state(0, history));
        assert_eq!(version(&cache, 2), None, "an empty stream has no state");
        cache.forget_unless(&stream(1), |kept| kept.version == 2);
        assert_eq!(version(&cache, 1), Some(2));
        cache.forget_unless(&stream(1), |kept| kept.version == 3);
        assert_eq!((version(&cache, 1), cache.len()), (None, 0));
    }

    #[test]
    fn those_in_use_stay() {
        let (cache, history) = (cache(160), HistoryId::new());
        for number in 0..10_000 {
            cache.put(&stream(number), state(1, history));
            assert!(cache.len() <= 160);
            if number >= 5 {
                assert!((0..5).all(|hot| version(&cache, hot).is_some()), "used since the hand came by");
            }
        }
        assert_eq!(cache.len(), 160);
        assert!(version(&cache, 9_999).is_some() && version(&cache, 1_000).is_none());
    }

    #[test]
    fn what_is_forgotten_leaves_the_others_in_their_places() {
        let (cache, history) = (cache(100), HistoryId::new());
        for round in 1..50 {
            for number in 0..50 {
                cache.put(&stream(number), state(round * 100 + number as u64, history));
            }
            for number in (0..50).filter(|number| (number + usize::try_from(round).unwrap_or(0)) % 3 == 0) {
                cache.forget_unless(&stream(number), |_| false);
            }
            for number in 0..50 {
                let found = version(&cache, number);
                assert!(found.is_none_or(|found| found % 100 == number as u64), "{number}: {found:?}");
            }
        }
    }
}
