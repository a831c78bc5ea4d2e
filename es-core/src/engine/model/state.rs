//! A state of the model, and what engines do in it; `calls.rs` has what their runners ask for, `surroundings.rs` the rest.

use std::fmt;

use chrono::DateTime;

use super::{
    Rules,
    database::{Database, Shard, Stored, Who},
    log::PROJECTION,
    runners::{Input, Place, Runners, Start, engine_id},
    script::Call,
};
use crate::{
    engine::assignment,
    projection::{Roster, ShardId, ShardState},
    recorded::Position,
};

/// Who did what, and what became of it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) who: Option<(u8, u8)>,
    pub(super) what: &'static str,
    pub(super) call: Option<Call>,
}

impl fmt::Debug for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.who {
            Some((engine, shard)) => write!(formatter, "engine {engine}, shard {shard}: {}", self.what)?,
            None => formatter.write_str(self.what)?,
        }
        self.call.as_ref().map_or(Ok(()), |call| write!(formatter, " {call:?}"))
    }
}

/// What a person does, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Wants parked events to be tried again.
    Redrive,
    /// Teaches the handler the event that it does not understand.
    Mend,
    /// Has shards go on that have stopped.
    Resume,
}

/// What is left of what may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    /// Calls that are not answered.
    pub(super) faults: u8,
    /// Leases that run out while their owner lives.
    pub(super) pauses: u8,
    /// Engines that die; the last one does not.
    pub(super) deaths: u8,
    /// Servers that take over.
    pub(super) failovers: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) database: Database,
    /// What another server has that would take over.
    pub(super) standby: Option<Box<Stored>>,
    pub(super) engines: Vec<Engine>,
    pub(super) left: Budget,
    /// How many of the person's deeds are done.
    pub(super) deeds: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Engine {
    lives: bool,
    /// For each shard.
    pub(super) runners: Vec<Runner>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Runner {
    /// There is none. What the feed has kept is kept.
    Absent { shelf: Vec<(u8, u8)> },
    Runs {
        place: Place,
        /// The claims that it was given.
        claims: Vec<u8>,
        told_to_end: bool,
        /// The newest wish to try parked events again that it was told of.
        told_to_redrive: Option<u8>,
        /// Only where something is wrong: what the next claim is taken to be.
        assumed: Option<u8>,
    },
    /// It has ended, and its claim is to be given back.
    Releases { claim: u8, shelf: Vec<(u8, u8)> },
}

/// What may come next.
pub(super) type Nexts = Vec<(Step, State)>;

impl State {
    pub(super) fn new(rules: &Rules) -> Self {
        let runners = vec![Runner::Absent { shelf: Vec::new() }; rules.logs.shards() as usize];
        let engines = vec![Engine { lives: true, runners }; rules.scene.engines.into()];
        Self { database: Database::new(rules), standby: None, engines, left: rules.scene.budget, deeds: 0 }
    }

    /// Everything that can happen next.
    pub(super) fn next(&self, rules: &Rules, runners: &mut Runners) -> Nexts {
        let mut nexts = Nexts::new();
        for (engine, known) in (0_u8..).zip(&self.engines) {
            self.of_engine(rules, engine, &mut nexts);
            if !known.lives {
                continue;
            }
            let wanted = assignment::wanted(engine_id(engine), &self.roster());
            for (shard, runner) in (0_u8..).zip(&known.runners) {
                let wants = wanted.iter().any(|id| id.shard == u32::from(shard));
                match runner {
                    Runner::Absent { shelf } if wants => {
                        self.claims(rules, runners, (engine, shard), shelf, &mut nexts);
                    }
                    Runner::Absent { .. } => {}
                    Runner::Releases { claim, shelf } => {
                        self.releases(Who { engine, shard, claim: *claim }, shelf, &mut nexts);
                    }
                    Runner::Runs { .. } => {
                        self.is_told(runners, (engine, shard), wants, &mut nexts);
                        self.runs(rules, runners, (engine, shard), &mut nexts);
                    }
                }
            }
        }
        self.of_server(rules, &mut nexts);
        self.of_person(rules, &mut nexts);
        for (_, next) in &mut nexts {
            next.renumber();
        }
        nexts
    }

    /// Whether nothing is left to do.
    pub(super) fn is_done(&self, rules: &Rules) -> bool {
        let stored = &self.database.stored;
        let end = rules.logs.end(stored.history);
        let idle = |engine: &Engine| {
            !engine.lives || engine.runners.iter().all(|runner| matches!(runner, Runner::Absent { .. }))
        };
        stored.shards.iter().all(|shard| shard.position == end && !shard.stopped && shard.wish().is_none())
            && stored.parked.is_empty()
            && self.database.open.is_empty()
            && self.database.late.is_empty()
            && self.engines.iter().all(idle)
    }

    /// What the store tells an engine.
    fn roster(&self) -> Roster {
        let stored = &self.database.stored;
        let present = (0_u8..).zip(&stored.present).filter(|(_, present)| **present);
        let engines = present.map(|(engine, _)| (engine_id(engine), vec![PROJECTION])).collect();
        let shards = (0..).zip(&stored.shards).map(|(shard, _)| {
            ShardState::new(ShardId { projection: PROJECTION, shard }, Position::START, DateTime::UNIX_EPOCH)
        });
        Roster::new(engines, shards.collect(), Vec::new())
    }

    pub(super) fn step(
        &self,
        who: Option<(u8, u8)>,
        what: &'static str,
        nexts: &mut Nexts,
        change: impl FnOnce(&mut Self),
    ) {
        let mut next = self.clone();
        change(&mut next);
        nexts.push((Step { who, what, call: None }, next));
    }

    pub(super) fn runner_mut(&mut self, (engine, shard): (u8, u8)) -> &mut Runner {
        &mut self.engines[usize::from(engine)].runners[usize::from(shard)]
    }

    // ── Engines ─────────────────────────────────────────────────────────────

    fn of_engine(&self, rules: &Rules, engine: u8, nexts: &mut Nexts) {
        let index = usize::from(engine);
        let lives = self.engines[index].lives;
        let owned = |shard: &Shard| shard.owner == Some(engine) && !shard.lease_is_out;
        let has_lease = self.database.stored.present[index] || self.database.stored.shards.iter().any(owned);
        for (shard, runner) in (0_u8..).zip(&self.engines[index].runners) {
            let known = self.database.shard(shard);
            let renewed = match runner {
                Runner::Absent { .. } => None,
                Runner::Runs { claims, .. } => claims.last(),
                Runner::Releases { claim, .. } => Some(claim),
            };
            if owned(known) && renewed != Some(&known.newest) {
                self.step(Some((engine, shard)), "has a lease run out that nobody renews", nexts, |next| {
                    next.database.shard_mut(shard).lease_is_out = true;
                });
            }
        }
        let may_pause = self.left.pauses > 0 && engine + 1 < rules.scene.engines;
        if has_lease && (!lives || may_pause) {
            self.step(Some((engine, 0)), "has not been heard of for longer than its lease", nexts, |next| {
                next.left.pauses -= u8::from(lives);
                next.database.stored.present[index] = false;
                for shard in &mut next.database.stored.shards {
                    shard.lease_is_out |= shard.owner == Some(engine);
                }
            });
        }
        if lives && !self.database.stored.present[index] {
            self.step(Some((engine, 0)), "says that it is alive", nexts, |next| next.keep_alive(engine));
        }
        if lives && self.left.deaths > 0 && engine + 1 < rules.scene.engines {
            self.step(Some((engine, 0)), "dies", nexts, |next| next.die(engine));
        }
    }

    fn keep_alive(&mut self, engine: u8) {
        let index = usize::from(engine);
        self.database.stored.present[index] = true;
        for (shard, runner) in (0_u8..).zip(&self.engines[index].runners) {
            let Runner::Runs { claims, .. } = runner else { continue };
            let is_open = self.database.is_open(shard);
            let known = self.database.shard_mut(shard);
            if !is_open && known.owner == Some(engine) && claims.last() == Some(&known.newest) {
                known.lease_is_out = false;
            }
        }
    }

    /// Its connections are gone; a commit may be on its way.
    fn die(&mut self, engine: u8) {
        self.left.deaths -= 1;
        for open in self.database.open.iter_mut().filter(|open| open.connected && open.who.engine == engine) {
            open.connected = false;
        }
        let known = &mut self.engines[usize::from(engine)];
        known.lives = false;
        known.runners.iter_mut().for_each(|runner| *runner = Runner::Absent { shelf: Vec::new() });
    }

    fn claims(
        &self,
        rules: &Rules,
        runners: &mut Runners,
        (engine, shard): (u8, u8),
        kept: &[(u8, u8)],
        nexts: &mut Nexts,
    ) {
        let stored = &self.database.stored;
        let known = self.database.shard(shard);
        let has_work = known.position < rules.logs.end(stored.history) || known.wish().is_some();
        let is_there = stored.present[usize::from(engine)];
        if !is_there || !has_work || known.stopped || !self.database.may_claim(rules, engine, shard) {
            return;
        }
        let mut lost = self.clone();
        let position = lost.database.claim(engine, shard);
        let claim = lost.database.shard(shard).newest;
        let start =
            Start { engine, shard, position, redrive: known.wish(), history: stored.history, shelf: kept.to_vec() };
        let place = runners.start(start);
        let (told_to_end, told_to_redrive, assumed) = (false, known.wish(), None);
        let runs = Runner::Runs { place, claims: vec![claim], told_to_end, told_to_redrive, assumed };
        lost.step(Some((engine, shard)), "claims", nexts, |next| *next.runner_mut((engine, shard)) = runs);
        if self.left.faults > 0 {
            lost.step(Some((engine, shard)), "claims, and is not told", nexts, |next| next.left.faults -= 1);
        }
    }

    fn releases(&self, who: Who, kept: &[(u8, u8)], nexts: &mut Nexts) {
        let of = (who.engine, who.shard);
        let absent = || Runner::Absent { shelf: kept.to_vec() };
        let known = self.database.shard(who.shard);
        let holds = known.owner == Some(who.engine) && known.newest == who.claim;
        if !(holds && self.database.is_open(who.shard)) {
            self.step(Some(of), "gives its claim back", nexts, |next| {
                *next.runner_mut(of) = absent();
                if holds {
                    next.database.shard_mut(who.shard).owner = None;
                }
            });
        }
        if self.left.faults > 0 {
            self.step(Some(of), "cannot give its claim back", nexts, |next| {
                next.left.faults -= 1;
                *next.runner_mut(of) = absent();
            });
        }
    }

    /// What the supervisor tells a runner.
    fn is_told(&self, runners: &mut Runners, of: (u8, u8), wanted: bool, nexts: &mut Nexts) {
        let runner = &self.engines[usize::from(of.0)].runners[usize::from(of.1)];
        let Runner::Runs { place, told_to_end, told_to_redrive, .. } = runner else { return };
        let known = self.database.shard(of.1);
        let is_present = self.database.stored.present[usize::from(of.0)];
        let is_lost = !known.lease_is_out && known.owner.is_some_and(|owner| owner != of.0);
        if is_present && !told_to_end && (!wanted || is_lost) {
            for place in runners.next(*place, &Input::ToldToEnd) {
                self.step(Some(of), "is told to end", nexts, |next| {
                    next.change_runner(of, |at, end, _| (*at, *end) = (place, true));
                });
            }
        }
        if let Some(wish) = known.wish().filter(|_| is_present && known.wish() > *told_to_redrive) {
            for place in runners.next(*place, &Input::ToldToRedrive(wish)) {
                self.step(Some(of), "is told to redrive", nexts, |next| {
                    next.change_runner(of, |at, _, redrive| (*at, *redrive) = (place, Some(wish)));
                });
            }
        }
    }

    fn change_runner(&mut self, of: (u8, u8), change: impl FnOnce(&mut Place, &mut bool, &mut Option<u8>)) {
        if let Runner::Runs { place, told_to_end, told_to_redrive, .. } = self.runner_mut(of) {
            change(place, told_to_end, told_to_redrive);
        }
    }
}
