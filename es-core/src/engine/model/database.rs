//! The database of the model: what the contract of `ProjectionStore` says, and what an open transaction is.

use std::collections::BTreeSet;

use super::{
    Mutation, Rules,
    log::{Event, Key, OTHERS},
    script::{Answer, Call, Changes, Move},
};

/// What is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stored {
    pub(super) history: u8,
    pub(super) shards: Vec<Shard>,
    /// What handlers have made of the events: for each key a list of them.
    pub(super) lists: Vec<Vec<Event>>,
    /// Keys and positions.
    pub(super) parked: BTreeSet<(Key, u8)>,
    /// Which engines have lately said that they are alive.
    pub(super) present: Vec<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shard {
    pub(super) position: u8,
    /// The newest of all claims.
    pub(super) newest: u8,
    pub(super) owner: Option<u8>,
    pub(super) lease_is_out: bool,
    pub(super) stopped: bool,
    /// How often somebody wanted parked events to be tried again, and the last of these wishes that was seen to.
    pub(super) wishes: u8,
    pub(super) redriven: u8,
}

impl Shard {
    /// The newest wish to try parked events again that nobody has seen to.
    pub(super) fn wish(&self) -> Option<u8> {
        (self.wishes > self.redriven).then_some(self.wishes)
    }
}

/// A transaction that is open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Open {
    pub(super) who: Who,
    pub(super) movement: Move,
    /// Whether its engine can still reach it; otherwise its connection is gone.
    pub(super) connected: bool,
    /// What it changes, where its commit is on its way and nobody waits for the answer.
    pub(super) commit: Option<Changes>,
}

/// Who asks: an engine, for a shard, under a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Who {
    pub(super) engine: u8,
    pub(super) shard: u8,
    pub(super) claim: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Database {
    pub(super) stored: Stored,
    pub(super) open: Vec<Open>,
    /// What was asked on connections that are gone, and may still be done.
    pub(super) late: Vec<(Who, Call)>,
    /// Whether handlers understand all events by now.
    pub(super) mended: bool,
    /// What should never have happened.
    pub(super) fault: Option<&'static str>,
}

impl Database {
    pub(super) fn new(rules: &Rules) -> Self {
        let shard =
            Shard { position: 0, newest: 0, owner: None, lease_is_out: false, stopped: false, wishes: 0, redriven: 0 };
        let stored = Stored {
            history: 0,
            shards: vec![shard; rules.logs.shards() as usize],
            lists: (0..OTHERS).map(|_| Vec::new()).collect(),
            parked: BTreeSet::new(),
            present: vec![true; rules.scene.engines.into()],
        };
        Self { stored, open: Vec::new(), late: Vec::new(), mended: false, fault: None }
    }

    pub(super) fn shard(&self, shard: u8) -> &Shard {
        &self.stored.shards[usize::from(shard)]
    }

    pub(super) fn shard_mut(&mut self, shard: u8) -> &mut Shard {
        &mut self.stored.shards[usize::from(shard)]
    }

    pub(super) fn is_open(&self, shard: u8) -> bool {
        self.open.iter().any(|open| open.who.shard == shard)
    }

    /// Whether an engine may claim a shard.
    pub(super) fn may_claim(&self, rules: &Rules, engine: u8, shard: u8) -> bool {
        let known = self.shard(shard);
        let is_free = known.lease_is_out || known.owner.is_none_or(|owner| owner == engine);
        is_free && (!self.is_open(shard) || rules.is(Mutation::LeaseAloneCounts))
    }

    /// The position, under a new claim.
    pub(super) fn claim(&mut self, engine: u8, shard: u8) -> u8 {
        let known = self.shard_mut(shard);
        (known.owner, known.lease_is_out) = (Some(engine), false);
        known.newest += 1;
        known.position
    }

    /// Does what is asked; `None` where it has to wait.
    pub(super) fn execute(&mut self, rules: &Rules, who: Who, call: &Call) -> Option<Answer> {
        Some(match call {
            Call::Claim if self.may_claim(rules, who.engine, who.shard) => {
                Answer::Claimed(self.claim(who.engine, who.shard))
            }
            Call::Claim => Answer::No,
            Call::ParkedKeys if rules.is(Mutation::ParkedKeysForgotten) => Answer::Keys(Vec::new()),
            Call::ParkedKeys => {
                let ours = |key: &Key| rules.logs.shard_of(*key) == usize::from(who.shard);
                let mut keys: Vec<Key> = self.stored.parked.iter().map(|(key, _)| *key).filter(ours).collect();
                keys.dedup();
                Answer::Keys(keys)
            }
            // One by one, so that many transactions are needed.
            Call::ParkedEvents(key) => {
                let parked = self.stored.parked.iter().filter(|(of, _)| of == key);
                Answer::Events(parked.map(|(_, position)| *position).take(1).collect())
            }
            Call::History => Answer::History(self.stored.history),
            Call::Read => Answer::Yes,
            Call::Begin(movement) => return self.begin(rules, who, *movement),
            Call::Handle(event) => self.handle(rules, who, *event),
            Call::Commit(changes) => match self.own(who) {
                Some(index) => self.commit(rules, index, changes),
                None => Answer::Lost,
            },
            Call::Rollback => {
                if let Some(index) = self.own(who) {
                    self.open.remove(index);
                }
                Answer::Yes
            }
            Call::Advance(movement) | Call::Stop(movement) => {
                let stops = matches!(call, Call::Stop(_));
                let movement = if stops { Move { history: self.stored.history, ..*movement } } else { *movement };
                if self.holds(rules, who) && self.is_open(who.shard) {
                    return None;
                }
                if !self.passes(rules, who, movement) {
                    return Some(Answer::No);
                }
                self.must_be_rightful(who);
                let shard = self.shard_mut(who.shard);
                (shard.position, shard.lease_is_out, shard.stopped) = (movement.to, false, stops);
                if stops && !rules.is(Mutation::StopKeepsTheClaim) {
                    shard.owner = None;
                }
                Answer::Yes
            }
        })
    }

    /// Whether who asks holds the claim, as the fence sees it.
    fn holds(&self, rules: &Rules, who: Who) -> bool {
        let shard = self.shard(who.shard);
        let same_epoch = rules.is(Mutation::EpochNotCompared) || shard.newest == who.claim;
        rules.is(Mutation::ClaimNotCompared) || (shard.owner == Some(who.engine) && same_epoch)
    }

    /// The fence.
    fn passes(&self, rules: &Rules, who: Who, movement: Move) -> bool {
        let shard = self.shard(who.shard);
        self.holds(rules, who)
            && !shard.stopped
            && (shard.position == movement.from || rules.is(Mutation::PositionNotCompared))
            && (self.stored.history == movement.history || rules.is(Mutation::HistoryNotCompared))
    }

    fn begin(&mut self, rules: &Rules, who: Who, movement: Move) -> Option<Answer> {
        let is_redrive = movement.from == movement.to;
        let unfenced = rules.is(Mutation::FenceLast) || (is_redrive && rules.is(Mutation::RedriveUnfenced));
        if !unfenced {
            if self.holds(rules, who) && self.is_open(who.shard) && !rules.is(Mutation::LeaseAloneCounts) {
                return None;
            }
            if !self.passes(rules, who, movement) {
                return Some(Answer::No);
            }
            let shard = self.shard_mut(who.shard);
            shard.lease_is_out = false;
            if rules.is(Mutation::CheckpointOutside) {
                shard.position = movement.to;
            }
        }
        self.open.push(Open { who, movement, connected: true, commit: None });
        if self.open.iter().filter(|open| open.who.shard == who.shard).count() > 1 {
            self.fault = Some("two transactions of one shard are open");
        }
        Some(Answer::Yes)
    }

    fn handle(&mut self, rules: &Rules, who: Who, event: Event) -> Answer {
        if self.own(who).is_none() {
            return Answer::Lost;
        }
        if rules.scene.poison == Some(event) && !self.mended {
            return Answer::Refused;
        }
        let list = &self.stored.lists[usize::from(rules.logs.key_of(event))];
        if list.contains(&event) {
            self.fault = Some("a handler is given an event that is applied already");
        }
        Answer::Yes
    }

    /// Makes visible what a transaction has changed.
    pub(super) fn commit(&mut self, rules: &Rules, index: usize, changes: &Changes) -> Answer {
        let Open { who, movement, .. } = self.open.remove(index);
        if rules.is(Mutation::FenceLast) && !self.passes(rules, who, movement) {
            return Answer::Lost;
        }
        self.must_be_rightful(who);
        let shard = self.shard_mut(who.shard);
        shard.position = movement.to;
        if let Some(wish) = changes.redriven {
            shard.redriven = if rules.is(Mutation::WishIsAFlag) { shard.wishes } else { shard.redriven.max(wish) };
        }
        for event in &changes.applied {
            self.stored.lists[usize::from(rules.logs.key_of(*event))].push(*event);
        }
        self.stored.parked.extend(&changes.parked);
        for (key, upto) in &changes.unparked {
            self.stored.parked.retain(|(of, position)| of != key || position > upto);
        }
        Answer::Yes
    }

    /// The transaction of who asks, where its connection is there still.
    fn own(&self, who: Who) -> Option<usize> {
        let is_own = |open: &Open| open.connected && open.who.engine == who.engine && open.who.shard == who.shard;
        self.open.iter().position(is_own)
    }

    /// Of whom nobody waits for an answer any more.
    pub(super) fn disconnect(&mut self, who: Who, commit: Option<&Changes>) {
        if let Some(index) = self.own(who) {
            (self.open[index].connected, self.open[index].commit) = (false, commit.cloned());
        }
    }

    fn must_be_rightful(&mut self, who: Who) {
        let shard = self.shard(who.shard);
        if shard.owner != Some(who.engine) || shard.newest != who.claim {
            self.fault = Some("somebody whose claim is void has changed something");
        }
    }

    /// Another server goes on from what it has, and the connections to this one are gone.
    pub(super) fn fail_over(&mut self, standby: Stored) {
        self.stored = Stored { history: self.stored.history + 1, ..standby };
        self.open.clear();
        self.late.clear();
    }
}
