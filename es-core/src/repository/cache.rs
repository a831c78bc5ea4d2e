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
use crate::{
    recorded::{StreamId, StreamVersion},
    store::{HistoryId, Turn, TurnEnd},
};

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
    /// Nothing where it was dropped; the place and the doubt stay.
    kept: Option<Arc<Hydrated<A>>>,
    used: bool,
    doubt: Doubt,
    /// The end of the last turn. Once it has come, whoever had the turn is to say what it led to; until then the state may be
    /// old.
    turn: Option<TurnEnd>,
}

/// What there is for a command.
pub(super) enum Found<A> {
    /// A state, and the turn to decide upon it.
    State(Arc<Hydrated<A>>, Turn),
    /// Another command decides upon it, or what it decided is being stored.
    UnderWay(TurnEnd),
    /// Another command's turn has ended, and it has not said yet what came of it.
    Unsaid,
    Nothing,
}

/// How often in a row the state of a stream turned out old, and how many commands leave it aside because of that: where others
/// write all the time, a try upon a remembered state costs more than it saves.
#[derive(Clone, Copy, Default)]
struct Doubt {
    times: u32,
    leave_aside: u32,
}

impl Doubt {
    /// Once is no habit; after that twice as many commands each time, up to 15.
    fn grown(self) -> Self {
        Self { times: (self.times + 1).min(4), leave_aside: 2_u32.pow(self.times) - 1 }
    }

    /// Whether the next command is to try.
    fn is_over(&mut self) -> bool {
        let over = self.leave_aside == 0;
        self.leave_aside = self.leave_aside.saturating_sub(1);
        over
    }
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

    /// Looks for a state, and takes the turn to decide upon it. However that turn ends, one of the methods below has to be
    /// called behind it.
    pub(super) fn get(&self, stream: &StreamId) -> Found<A> {
        self.shard(stream).get(stream)
    }

    /// The turn has ended, and led to nothing.
    pub(super) fn pass_on(&self, stream: &StreamId) {
        self.change(stream, |_| None);
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

    /// Drops the state of a stream, of which nothing is known any more.
    pub(super) fn forget(&self, stream: &StreamId) {
        self.change(stream, |slot| slot.kept.take());
    }

    /// Drops the state of a stream upon which something was stored, so that nobody holds it but who stored. One that is as new
    /// as what was stored stays.
    pub(super) fn outgrown(&self, stream: &StreamId, version: StreamVersion, history: HistoryId) {
        let old = |kept: &mut Arc<Hydrated<A>>| kept.version < version || kept.history != history;
        // What stands behind is not known yet, so the turn is not over.
        let dropped = self.shard(stream).slot(stream).and_then(|slot| slot.kept.take_if(old));
        drop(dropped);
    }

    /// Drops the state of a stream, unless it is at the version that stands.
    pub(super) fn forget_old(&self, stream: &StreamId, actual: StreamVersion) {
        self.change(stream, |slot| slot.kept.take_if(|kept| kept.version != actual));
    }

    /// Counts that the remembered state of a stream was good, or that it was old.
    pub(super) fn count(&self, stream: &StreamId, was_good: bool) {
        self.change(stream, |slot| {
            slot.doubt = if was_good { Doubt::default() } else { slot.doubt.grown() };
            None
        });
    }

    /// Changes the place of a stream, and drops what it gives back when the lock is free again.
    fn change(&self, stream: &StreamId, change: impl FnOnce(&mut Slot<A>) -> Option<Arc<Hydrated<A>>>) {
        let dropped = self.shard(stream).slot(stream).and_then(|slot| {
            slot.turn_is_over();
            change(slot)
        });
        drop(dropped);
    }

    pub(super) fn len(&self) -> usize {
        let kept = |shard: &Mutex<Shard<A>>| lock(shard).slots.iter().filter(|slot| slot.kept.is_some()).count();
        self.shards.iter().map(kept).sum()
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

impl<A> Slot<A> {
    /// Where the turn has ended, it is known now what came of it. A turn that has begun since then goes on.
    fn turn_is_over(&mut self) {
        self.turn.take_if(|end| end.has_come());
    }
}

impl<A> Shard<A> {
    fn new(capacity: usize) -> Self {
        Self { capacity, places: HashMap::new(), slots: Vec::new(), hand: 0 }
    }

    fn slot(&mut self, stream: &StreamId) -> Option<&mut Slot<A>> {
        self.places.get(stream).map(|&place| &mut self.slots[place])
    }

    fn get(&mut self, stream: &StreamId) -> Found<A> {
        let Some(slot) = self.slot(stream) else { return Found::Nothing };
        slot.used = true;
        match &slot.turn {
            Some(end) if end.has_come() => return Found::Unsaid,
            Some(end) => return Found::UnderWay(end.clone()),
            None => {}
        }
        let Some(kept) = slot.kept.clone().filter(|_| slot.doubt.is_over()) else { return Found::Nothing };
        let (turn, end) = Turn::begin();
        slot.turn = Some(end);
        Found::State(kept, turn)
    }

    /// Gives back what need not be kept.
    fn put(&mut self, stream: &StreamId, state: Arc<Hydrated<A>>) -> Option<Arc<Hydrated<A>>> {
        if let Some(slot) = self.slot(stream) {
            slot.turn_is_over();
            let is_better = slot.kept.as_ref().is_none_or(|kept| state.replaces(kept));
            return if is_better { slot.kept.replace(state) } else { Some(state) };
        }
        let slot = Slot { stream: stream.clone(), kept: Some(state), used: false, doubt: Doubt::default(), turn: None };
        if self.slots.len() < self.capacity {
            self.places.insert(stream.clone(), self.slots.len());
            self.slots.push(slot);
            return None;
        }
        let place = self.longest_unused();
        self.places.insert(stream.clone(), place);
        let made_room = std::mem::replace(&mut self.slots[place], slot);
        self.places.remove(&made_room.stream);
        made_room.kept
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
}

impl<A> Clone for StateCache<A> {
    fn clone(&self) -> Self {
        Self { shards: Arc::clone(&self.shards), hasher: self.hasher.clone(), copy: self.copy }
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Hydrated, StateCache};
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
        let Found::State(kept, turn) = cache.get(&stream(number)) else { return None };
        drop(turn);
        cache.pass_on(&stream(number));
        Some(kept.version.get())
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
    }

    #[test]
    fn a_state_is_dropped_when_it_is_old_or_doubtful() {
        let (cache, history) = (cache(10), HistoryId::new());
        let kept = |version: u64, change: &dyn Fn()| {
            cache.forget(&stream(1));
            cache.put(&stream(1), state(version, history));
            change();
            cache.len() == 1
        };
        let (at, other) = (StreamVersion::new, HistoryId::new());
        assert!(!kept(3, &|| cache.forget(&stream(1))));
        assert!(!kept(3, &|| cache.outgrown(&stream(1), at(4), history)));
        assert!(kept(4, &|| cache.outgrown(&stream(1), at(4), history)));
        assert!(!kept(4, &|| cache.outgrown(&stream(1), at(4), other)));
        assert!(kept(3, &|| cache.forget_old(&stream(1), at(3))));
        assert!(!kept(3, &|| cache.forget_old(&stream(1), at(4))));
        assert!(!kept(4, &|| cache.forget_old(&stream(1), at(3))), "of another history, whatever it says");
        assert!(kept(4, &|| cache.forget(&stream(2))));
    }

    #[test]
    fn one_has_the_turn_until_it_ends_and_says_what_came_of_it() {
        let (cache, history) = (cache(10), HistoryId::new());
        cache.put(&stream(1), state(3, history));
        let Found::State(_, turn) = cache.get(&stream(1)) else { panic!("it is there") };
        let changes: [&dyn Fn(); 3] =
            [&|| (), &|| cache.count(&stream(1), true), &|| cache.put(&stream(1), state(3, history))];
        for change in changes {
            change();
            assert!(matches!(cache.get(&stream(1)), Found::UnderWay(end) if !end.has_come()), "it has not ended");
        }
        drop(turn);
        cache.outgrown(&stream(1), StreamVersion::new(4), history);
        assert!(matches!(cache.get(&stream(1)), Found::Unsaid));
        cache.put(&stream(1), state(4, history));
        let Found::State(kept, turn) = cache.get(&stream(1)) else { panic!("it is there") };
        assert_eq!(kept.version, 4);
        drop(turn);
        cache.forget(&stream(1));
        assert!(matches!(cache.get(&stream(1)), Found::Nothing));
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
    fn every_stream_has_its_own_state() {
        let (cache, history) = (cache(40), HistoryId::new());
        for round in 1..50 {
            for number in 0..50 {
                cache.put(&stream(number), state(round * 100 + number as u64, history));
            }
            for number in (0..50).filter(|number| (number + usize::try_from(round).unwrap_or(0)) % 3 == 0) {
                cache.forget(&stream(number));
            }
            for number in 0..50 {
                let found = version(&cache, number);
                assert!(found.is_none_or(|found| found % 100 == number as u64), "{number}: {found:?}");
            }
        }
    }
}
