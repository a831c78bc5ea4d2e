//! Who waits to be stored, and who is sent next: the part of the group commit that knows neither time nor database.
//!
//! Appends wait in a line of their stream, in the order in which they came. A stream whose line has someone and of which
//! nothing is under way is *ready*, and streams are served in the order in which they became so. A *lane* carries one
//! batch at a time: it takes the first of as many ready lines as fit, and while it is under way these streams are not
//! ready. Behind the first of a line it takes those along that may follow it, in their order: a *chain*. So two appends of
//! one stream are never under way together but as links of one chain, in one batch.
//!
//! Lanes exist only while there is something to carry. An append that finds a stream that is ready and a lane that is
//! free is told to start the lane; it does not wait for company. Company comes while all lanes are out. Few lanes make
//! large batches; how many there are, `room.rs` says.

use std::collections::{BTreeMap, HashMap};

use es_core::recorded::StreamId;

use crate::room::Room;

/// How much may be under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Batches at a time.
    pub(crate) lanes: usize,
    /// How many streams must be ready for a further batch beside those that are under way, so that it is a large one.
    pub(crate) crowd: usize,
    /// Appends in a batch.
    pub(crate) appends: usize,
    /// Events in a batch, unless a single append has more.
    pub(crate) events: usize,
    /// Bytes in a batch, unless a single append has more.
    pub(crate) bytes: usize,
}

/// The most appends of one stream in a batch: others shall travel as well.
const LINKS: usize = 64;

/// What may travel behind what.
pub(crate) trait Link {
    /// Whether this one can be stored behind `before`, an earlier one of the same stream, by one statement.
    fn may_follow(&self, before: &Self) -> bool;
}

/// How large an append is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

/// All that wait, and which streams have something under way.
#[derive(Clone, Debug)]
pub(crate) struct Gather<R> {
    limits: Limits,
    /// The lanes that are out; it is streams that wait for them.
    room: Room,
    streams: HashMap<StreamId, Line<R>>,
    /// The streams that are ready, in the order of their turn.
    ready: BTreeMap<u64, StreamId>,
    /// Counts admissions and turns.
    next: u64,
    /// Whether more than one went together the last time.
    company: bool,
}

/// Those who wait for one stream. A stream without anyone waiting has a line only while something is under way.
#[derive(Clone, Debug)]
struct Line<R> {
    waiting: BTreeMap<u64, (Size, R)>,
    /// Its turn among the ready streams; `None` while something is under way.
    turn: Option<u64>,
    /// How many are under way.
    links: usize,
}

/// What an append is told when it is let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    /// Its place in line, to take it back.
    pub(crate) ticket: u64,
    /// Whether a lane is free, and so must be started by whoever is told.
    pub(crate) start: bool,
    /// Whether that lane is for it alone: nothing of its stream is under way, and no one is before it.
    pub(crate) next: bool,
    /// Whether besides nobody is likely to come along.
    pub(crate) lone: bool,
}

/// What goes together: an append or a chain for each of its streams, in the order of the streams' names.
#[derive(Clone, Debug)]
pub(crate) struct Batch<R> {
    pub(crate) requests: Vec<(StreamId, R)>,
    /// Whether more is ready than fits and another lane is free, and so must be started by whoever is told.
    pub(crate) start: bool,
}

impl<R: Link> Gather<R> {
    pub(crate) fn new(limits: Limits) -> Self {
        let room = Room::new(limits.lanes, limits.crowd);
        Self { limits, room, streams: HashMap::new(), ready: BTreeMap::new(), next: 0, company: false }
    }

    /// Lets an append in, at the end of its stream's line.
    pub(crate) fn admit(&mut self, stream: &StreamId, size: Size, request: R) -> Admitted {
        let ticket = self.count();
        let known = self.streams.get_mut(stream);
        let alone = known.is_none() && self.ready.is_empty();
        if let Some(line) = known {
            line.waiting.insert(ticket, (size, request));
        } else {
            let line = Line { waiting: BTreeMap::from([(ticket, (size, request))]), turn: Some(ticket), links: 0 };
            self.streams.insert(stream.clone(), line);
            self.ready.insert(ticket, stream.clone());
        }
        let start = self.start();
        let next = start && alone;
        Admitted { ticket, start, next, lone: next && !self.company }
    }

    /// Takes an append back that still waits; `None` when it is under way or done.
    pub(crate) fn withdraw(&mut self, stream: &StreamId, ticket: u64) -> Option<R> {
        let line = self.streams.get_mut(stream)?;
        let (_, request) = line.waiting.remove(&ticket)?;
        if let (true, Some(turn)) = (line.waiting.is_empty(), line.turn) {
            self.ready.remove(&turn);
            self.streams.remove(stream);
        }
        Some(request)
    }

    /// The next batch for a lane, which is out for long already or not; `None` ends the lane.
    pub(crate) fn take(&mut self, long: bool) -> Option<Batch<R>> {
        let mut requests: Vec<(StreamId, R)> = Vec::new();
        let mut taken = Size::default();
        while let Some(first) = self.ready.first_entry() {
            let Some(line) = self.streams.get_mut(first.get()) else { break };
            let begin = requests.len();
            while let Some(head) = line.waiting.first_entry() {
                let (size, request) = head.get();
                let all = Size { events: taken.events + size.events, bytes: taken.bytes + size.bytes };
                let fits = requests.len() < self.limits.appends
                    && all.events <= self.limits.events
                    && all.bytes <= self.limits.bytes;
                let chain = &requests[begin..];
                let follows = chain.len() < LINKS && chain.iter().all(|(_, before)| request.may_follow(before));
                if !(requests.is_empty() || fits && follows) {
                    break;
                }
                taken = all;
                requests.push((first.get().clone(), head.remove().1));
            }
            line.links = requests.len() - begin;
            if line.links == 0 {
                break;
            }
            line.turn = None;
            first.remove();
        }
        if requests.is_empty() {
            self.room.lose(long);
            return None;
        }
        self.company = requests.len() > 1;
        // Two batches that both write to two streams do so in the same order, or they would wait for each other. The
        // order of the bytes is that of COLLATE "C". A chain keeps its order.
        requests.sort_by(|(one, _), (other, _)| one.cmp(other));
        Some(Batch { requests, start: self.start() })
    }

    /// A lane is out for long. Whether another must be started, by whoever says so.
    pub(crate) fn takes_long(&mut self) -> bool {
        self.room.takes_long(self.ready.len())
    }

    /// Whether a lane that has carried its batch, which took long or not, ends.
    pub(crate) fn end(&mut self, long: bool) -> bool {
        self.room.end(self.ready.len(), long)
    }

    /// An append of this stream that was under way is done. With the last of its chain the stream is free. Whether a lane
    /// must be started, by whoever asks.
    pub(crate) fn settle(&mut self, stream: &StreamId) -> bool {
        let turn = self.count();
        if let Some(line) = self.streams.get_mut(stream) {
            line.links = line.links.saturating_sub(1);
            if line.links > 0 {
                return false;
            }
            if line.waiting.is_empty() {
                self.streams.remove(stream);
            } else {
                line.turn = Some(turn);
                self.ready.insert(turn, stream.clone());
            }
        }
        self.start()
    }

    /// A lane ended without having been told to. With none left, all that are ready are given back: there is nobody to
    /// carry them.
    pub(crate) fn lose_lane(&mut self, long: bool) -> Vec<R> {
        let mut given_back = Vec::new();
        if self.room.lose(long) {
            for stream in std::mem::take(&mut self.ready).into_values() {
                let line = self.streams.remove(&stream);
                given_back
                    .extend(line.into_iter().flat_map(|line| line.waiting.into_values()).map(|(_, request)| request));
            }
        }
        given_back
    }

    fn start(&mut self) -> bool {
        self.room.start(self.ready.len())
    }

    fn count(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

#[cfg(test)]
#[path = "gather/tests.rs"]
mod tests;
