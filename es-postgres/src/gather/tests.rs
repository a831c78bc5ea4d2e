//! The gathering by itself: every order in which a few appends can come, be sent, settle and be taken back.

use std::collections::{BTreeMap, BTreeSet};

use es_core::recorded::StreamId;

use super::{Batch, Gather, LINKS, Limits, Link, Size};

/// Even ones expect no version.
impl Link for u32 {
    fn may_follow(&self, _: &Self) -> bool {
        self.is_multiple_of(2)
    }
}

const SMALL: Size = Size { events: 1, bytes: 10 };

fn stream(id: &str) -> StreamId {
    StreamId::new("test", id)
}

fn limits(lanes: usize) -> Limits {
    Limits { lanes, crowd: 2, appends: 3, events: 4, bytes: 100 }
}

fn names(batch: Batch<u32>) -> Vec<u32> {
    batch.requests.into_iter().map(|(_, request)| request).collect()
}

/// A world in which appends come in a fixed order and all else happens in any.
#[derive(Clone, Debug)]
struct World {
    gather: Gather<u32>,
    /// Those still to come: number and stream.
    coming: Vec<(u32, StreamId)>,
    tickets: BTreeMap<u32, (StreamId, u64)>,
    /// Lanes that were started, or have carried a batch, and have not taken the next; and of them those that have waited for a
    /// connection for long.
    free: usize,
    free_long: usize,
    /// Lanes with what is still under way of their batch, and whether it takes long.
    out: Vec<(bool, Vec<(u32, StreamId)>)>,
    /// Slow ones: under way, on no lane.
    slow: Vec<(u32, StreamId)>,
    sent: Vec<u32>,
    done: BTreeSet<u32>,
    withdrawn: BTreeSet<u32>,
}

impl World {
    fn start(&mut self, start: bool) {
        self.free += usize::from(start);
    }

    fn under_way(&self) -> impl Iterator<Item = &(u32, StreamId)> {
        self.out.iter().flat_map(|(_, batch)| batch).chain(&self.slow)
    }

    /// All that can happen next.
    fn next(&self) -> Vec<Self> {
        let mut worlds = Vec::new();
        if let Some(((number, stream), rest)) = self.coming.split_first() {
            let mut world = self.clone();
            let admitted = world.gather.admit(stream, SMALL, *number);
            world.tickets.insert(*number, (stream.clone(), admitted.ticket));
            world.start(admitted.start);
            world.coming = rest.to_vec();
            worlds.push(world);
        }
        if self.free > self.free_long {
            let mut world = self.clone();
            world.free_long += 1;
            let start = world.gather.takes_long();
            world.start(start);
            worlds.push(world);
        }
        for long in [false, true] {
            let free = if long { self.free_long } else { self.free - self.free_long };
            if free == 0 {
                continue;
            }
            let mut world = self.clone();
            world.free -= 1;
            world.free_long -= usize::from(long);
            if let Some(batch) = world.gather.take(long) {
                world.start(batch.start);
                assert!(batch.requests.is_sorted_by_key(|(stream, _)| stream), "streams in order");
                for ((one, first), (next, second)) in batch.requests.iter().zip(&batch.requests[1..]) {
                    assert!(one < next || first < second && second.may_follow(first), "no chain: {batch:?}");
                }
                for (stream, number) in &batch.requests {
                    assert!(self.under_way().all(|(_, other)| other != stream), "{number} is sent beside another");
                }
                world.sent.extend(batch.requests.iter().map(|(_, number)| *number));
                world.out.push((long, batch.requests.into_iter().map(|(stream, number)| (number, stream)).collect()));
            }
            worlds.push(world);
        }
        for lane in 0..self.out.len() {
            if !self.out[lane].0 {
                let mut world = self.clone();
                world.out[lane].0 = true;
                let start = world.gather.takes_long();
                world.start(start);
                worlds.push(world);
            }
            // One of a batch is answered, or goes to the slow lane, and the lane is free behind the last.
            for slow in [false, true] {
                let mut world = self.clone();
                let (number, stream) = world.out[lane].1.remove(0);
                if slow {
                    world.slow.push((number, stream));
                } else {
                    world.done.insert(number);
                    let start = world.gather.settle(&stream);
                    world.start(start);
                }
                if world.out[lane].1.is_empty() {
                    let (long, _) = world.out.remove(lane);
                    if !world.gather.end(long) {
                        world.free += 1;
                    }
                }
                worlds.push(world);
            }
        }
        for slow in 0..self.slow.len() {
            let mut world = self.clone();
            let (number, stream) = world.slow.remove(slow);
            world.done.insert(number);
            let start = world.gather.settle(&stream);
            world.start(start);
            worlds.push(world);
        }
        for (number, (stream, ticket)) in &self.tickets {
            let mut world = self.clone();
            let waits = !self.sent.contains(number) && !self.withdrawn.contains(number);
            let withdrawn = world.gather.withdraw(stream, *ticket);
            assert_eq!(withdrawn.is_some(), waits, "just those that wait can be taken back");
            if withdrawn.is_some() {
                world.withdrawn.insert(*number);
                worlds.push(world);
            }
        }
        worlds
    }

    fn check(&self, lanes: usize) {
        assert!(self.out.len() + self.free <= lanes, "more batches than lanes: {self:?}");
        assert_eq!(self.gather.room.lanes, self.out.len() + self.free, "lanes are counted: {self:?}");
        for (stream, line) in &self.gather.streams {
            let links = self.under_way().filter(|(_, other)| other == stream).count();
            assert_eq!((line.links, line.turn.is_none()), (links, links > 0), "links are counted: {self:?}");
        }
        let long = self.out.iter().filter(|(long, _)| *long).count() + self.free_long;
        assert_eq!(self.gather.room.long, long, "those that take long are counted: {self:?}");
        assert!(self.out.iter().all(|(_, batch)| batch.len() <= 3), "a batch is bounded: {self:?}");
        // Nobody waits for a batch that takes long, as long as there may be a further one.
        let in_time = self.gather.room.lanes > long || self.gather.room.lanes == lanes;
        assert!(in_time || self.gather.ready.is_empty(), "they wait for a lock or a disk: {self:?}");
        // Someone who waits and could be sent is never forgotten.
        let waiting = self.tickets.iter().filter(|(n, _)| !self.sent.contains(n) && !self.withdrawn.contains(n));
        for (number, (stream, _)) in waiting {
            let held = self.under_way().any(|(_, other)| other == stream);
            assert!(held || self.gather.room.lanes > 0, "{number} is forgotten: {self:?}");
        }
    }

    /// Nothing more can happen: all were sent or taken back, in order within each stream, and nothing is left.
    fn check_end(&self, all: &[(u32, StreamId)]) {
        let ended: BTreeSet<u32> = self.done.union(&self.withdrawn).copied().collect();
        assert_eq!(ended, all.iter().map(|(number, _)| *number).collect(), "{self:?}");
        assert!(self.done.is_disjoint(&self.withdrawn));
        for (_, stream) in all {
            let of_stream = |number: &&u32| all.iter().any(|(other, of)| other == *number && of == stream);
            assert!(self.sent.iter().filter(of_stream).is_sorted(), "order within {stream}: {self:?}");
        }
        let Gather { room, streams, ready, .. } = &self.gather;
        assert!(room.lanes == 0 && streams.is_empty() && ready.is_empty(), "something is left: {self:?}");
    }
}

fn explore(all: &[(u32, StreamId)], lanes: usize) -> usize {
    let world = World {
        gather: Gather::new(limits(lanes)),
        coming: all.to_vec(),
        tickets: BTreeMap::new(),
        free: 0,
        free_long: 0,
        out: Vec::new(),
        slow: Vec::new(),
        sent: Vec::new(),
        done: BTreeSet::new(),
        withdrawn: BTreeSet::new(),
    };
    let (mut open, mut seen) = (vec![world], BTreeSet::new());
    while let Some(world) = open.pop() {
        world.check(lanes);
        let next = world.next();
        if next.is_empty() {
            world.check_end(all);
        }
        for world in next {
            // The counter differs by the way that led here, and the order of turns is all that matters of it.
            let turns: Vec<_> = world.gather.ready.values().collect();
            let waiting: BTreeMap<_, Vec<_>> =
                world.gather.streams.iter().map(|(s, l)| (s, l.waiting.values().collect())).collect();
            let World { coming, free, free_long, out, slow, sent, done, withdrawn, .. } = &world;
            if seen.insert(format!(
                "{turns:?}{waiting:?}{coming:?}{free}{free_long}{out:?}{slow:?}{sent:?}{done:?}{withdrawn:?}"
            )) {
                open.push(world);
            }
        }
    }
    seen.len()
}

#[test]
fn every_order_of_events_keeps_the_rules() {
    let all = |streams: &[&str]| (1..).zip(streams.iter().map(|id| stream(id))).collect::<Vec<_>>();
    let mut worlds = 0;
    for streams in [
        &["a", "a", "a"][..],
        &["a", "a", "a", "a"],
        &["b", "a", "b"],
        &["c", "b", "a"],
        &["b", "a", "a", "b"],
        &["c", "a", "b", "a"],
    ] {
        for lanes in 1..=3 {
            worlds += explore(&all(streams), lanes);
        }
    }
    assert!(worlds > 4_000, "only {worlds} states were seen");
}

#[test]
fn an_append_that_finds_a_free_lane_goes_alone_and_those_that_come_meanwhile_together() {
    let mut gather = Gather::new(limits(1));
    assert!(gather.admit(&stream("m"), SMALL, 1).start);
    assert_eq!(names(gather.take(false).expect("a batch")), [1]);
    for (number, id) in [(2, "z"), (3, "a"), (4, "m")] {
        assert!(!gather.admit(&stream(id), SMALL, number).start, "the lane is out");
    }
    gather.settle(&stream("m"));
    assert_eq!(names(gather.take(false).expect("a batch")), [3, 4, 2], "in the order of the streams' names");
}

#[test]
fn further_lanes_are_for_a_crowd_and_go_with_it() {
    let mut gather = Gather::new(limits(2));
    assert!(gather.admit(&stream("a"), SMALL, 1).start, "nobody waits for company");
    assert_eq!(names(gather.take(false).expect("a batch")), [1]);
    assert!(!gather.admit(&stream("b"), SMALL, 2).start, "one is no crowd");
    assert!(gather.admit(&stream("c"), SMALL, 3).start, "two are");
    assert_eq!(names(gather.take(false).expect("a batch")), [2, 3]);
    assert!(!gather.admit(&stream("b"), SMALL, 5).start, "it waits for its stream");
    assert!(!gather.settle(&stream("b")), "one is no crowd");
    assert!(gather.end(false), "what is left is for the first lane");
    assert!(!gather.end(false), "which goes on");
    assert_eq!(names(gather.take(false).expect("a batch")), [5]);
}

#[test]
fn those_that_may_follow_travel_along_in_their_order() {
    let mut gather = Gather::new(Limits { appends: 200, events: 200, bytes: 10_000, ..limits(1) });
    gather.admit(&stream("m"), SMALL, 0);
    gather.take(false);
    // Of b the first may be of any kind, of a none may follow.
    let mut tickets = Vec::new();
    for number in 1..100 {
        let of_b = if number == 1 { 1 } else { 2 * number };
        tickets.push(gather.admit(&stream("b"), SMALL, of_b).ticket);
        gather.admit(&stream("a"), SMALL, 2 * number + 1);
    }
    assert_eq!(gather.withdraw(&stream("b"), tickets[1]), Some(4), "one of them goes away");
    gather.settle(&stream("m"));
    let batch = names(gather.take(false).expect("a batch"));
    assert_eq!(batch[..4], [3, 1, 6, 8]);
    assert!(batch.len() == LINKS + 1 && batch[1..].is_sorted(), "one of a, and as many of b as may go: {batch:?}");
    for _ in 1..LINKS {
        gather.settle(&stream("b"));
        assert!(gather.ready.is_empty(), "the chain is not done");
    }
    gather.settle(&stream("b"));
    assert!(gather.ready.values().eq([&stream("b")]));
}

#[test]
fn a_batch_is_bounded_but_takes_one_append_of_any_size() {
    let mut gather = Gather::new(limits(1));
    let sizes = [(9, 10), (1, 1_000), (2, 40), (2, 40), (1, 40), (1, 90), (1, 1), (1, 1), (1, 1), (1, 1)];
    for ((events, bytes), number) in sizes.into_iter().zip(0..) {
        gather.admit(&stream(&format!("{number}")), Size { events, bytes }, number);
    }
    let mut batches = Vec::new();
    while let Some(batch) = gather.take(false) {
        for (stream, _) in &batch.requests {
            gather.settle(stream);
        }
        batches.push(names(batch));
    }
    assert_eq!(batches, [vec![0], vec![1], vec![2, 3], vec![4], vec![5, 6, 7], vec![8, 9]]);
}

#[test]
fn more_than_fits_into_one_batch_starts_further_lanes() {
    let mut gather = Gather::new(limits(3));
    gather.admit(&stream("m"), SMALL, 0);
    gather.take(false);
    for number in 1..=4 {
        gather.admit(&stream("m"), SMALL, number);
    }
    // While nothing can be sent no lane is started, and what becomes ready starts as many as there is work for.
    assert_eq!(gather.room.lanes, 1);
    for number in 5..=9 {
        gather.admit(&stream(&number.to_string()), SMALL, number);
    }
    assert_eq!(gather.room.lanes, 3);
    let batch = gather.take(false).expect("a batch");
    assert_eq!((batch.requests.len(), batch.start), (3, false), "all lanes are out");
}

#[test]
fn when_the_last_lane_is_lost_all_that_wait_for_one_are_given_back() {
    let mut gather = Gather::new(limits(2));
    for (number, id) in [(1, "a"), (2, "a"), (3, "b")] {
        gather.admit(&stream(id), SMALL, number);
    }
    assert_eq!(gather.lose_lane(false), [0_u32; 0], "another lane is there");
    assert_eq!(gather.lose_lane(false), [1, 2, 3]);
    assert!(gather.admit(&stream("a"), SMALL, 4).start, "it goes on");
}
