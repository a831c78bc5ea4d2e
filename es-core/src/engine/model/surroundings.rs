//! The server with its connections, another that takes over, a person; and how claims are numbered.

use super::{
    Rules,
    database::{Open, Who},
    state::{Deed, Nexts, Runner, State, Step},
};

impl State {
    pub(super) fn of_server(&self, rules: &Rules, nexts: &mut Nexts) {
        for (index, open) in self.database.open.iter().enumerate() {
            if open.connected && !self.database.shard(open.who.shard).lease_is_out {
                continue;
            }
            let of = Some((open.who.engine, open.who.shard));
            self.step(of, "has its transaction ended by the server", nexts, |next| {
                next.database.open.remove(index);
            });
            if let Open { commit: Some(changes), .. } = open {
                self.step(of, "has its commit arrive", nexts, |next| {
                    next.database.commit(rules, index, changes);
                });
            }
        }
        for (index, (who, call)) in self.database.late.iter().enumerate() {
            let of = Some((who.engine, who.shard));
            self.step(of, "has a call that never arrives", nexts, |next| drop(next.database.late.remove(index)));
            let mut next = self.clone();
            next.database.late.remove(index);
            if next.database.execute(rules, *who, call).is_some() {
                nexts.push((Step { who: of, what: "has a call arrive", call: Some(call.clone()) }, next));
            }
        }
        if self.left.failovers == 0 {
            return;
        }
        let stored = &self.database.stored;
        if self.standby.is_none() && stored.shards.iter().all(|shard| shard.position <= rules.scene.common) {
            self.step(None, "the standby falls behind", nexts, |next| next.standby = Some(Box::new(stored.clone())));
        }
        if let Some(standby) = &self.standby {
            self.step(None, "the standby takes over", nexts, |next| {
                next.left.failovers -= 1;
                next.standby = None;
                next.database.fail_over(standby.as_ref().clone());
            });
        }
    }

    pub(super) fn of_person(&self, rules: &Rules, nexts: &mut Nexts) {
        let last = rules.scene.deeds.len().saturating_sub(1);
        let all_done = usize::from(self.deeds) > last;
        let deed = usize::from(self.deeds).min(last);
        let done = u8::try_from(deed + 1).unwrap_or(u8::MAX);
        let Some(deed) = rules.scene.deeds.get(deed) else { return };
        // Each is done once, and has to help; what was wanted last is wanted again where a server has taken over that may
        // not know of it.
        let has_failed_over = self.left.failovers < rules.scene.budget.failovers;
        if all_done && !has_failed_over {
            return;
        }
        let shards = 0..u8::try_from(self.database.stored.shards.len()).unwrap_or(u8::MAX);
        // A transaction that is open is waited for.
        let mut waits_for = shards.filter(|shard| self.database.is_open(*shard));
        let waits = waits_for.next().is_some();
        let is_parked = !self.database.stored.parked.is_empty();
        match deed {
            Deed::Mend => self.step(None, "the handler is mended", nexts, |next| {
                (next.database.mended, next.deeds) = (true, done);
            }),
            Deed::Redrive
                if is_parked
                    && !(all_done && self.database.stored.shards.iter().all(|shard| shard.wish().is_some())) =>
            {
                self.step(None, "somebody wants parked events to be tried again", nexts, |next| {
                    next.deeds = done;
                    next.database.stored.shards.iter_mut().for_each(|shard| shard.wishes += 1);
                });
            }
            Deed::Resume if !waits && self.database.stored.shards.iter().any(|shard| shard.stopped) => {
                self.step(None, "somebody has it go on", nexts, |next| {
                    next.deeds = done;
                    next.database.stored.shards.iter_mut().for_each(|shard| shard.stopped = false);
                });
            }
            Deed::Redrive | Deed::Resume => {}
        }
    }

    /// Only which claim is newer than which counts: with small numbers the states are finite.
    pub(super) fn renumber(&mut self) {
        for shard in 0..self.database.stored.shards.len() {
            let mut used = Vec::new();
            self.each_claim(shard, |claim| used.push(*claim));
            used.sort_unstable();
            used.dedup();
            self.each_claim(shard, |claim| {
                *claim = u8::try_from(used.partition_point(|known| known < claim)).unwrap_or(u8::MAX);
            });
        }
    }

    fn each_claim(&mut self, shard: usize, mut visit: impl FnMut(&mut u8)) {
        visit(&mut self.database.stored.shards[shard].newest);
        if let Some(standby) = &mut self.standby {
            visit(&mut standby.shards[shard].newest);
        }
        for engine in &mut self.engines {
            match &mut engine.runners[shard] {
                Runner::Absent { .. } => {}
                Runner::Runs { claims, .. } => claims.iter_mut().for_each(&mut visit),
                Runner::Releases { claim, .. } => visit(claim),
            }
        }
        let of_shard = |who: &Who| usize::from(who.shard) == shard;
        let open = self.database.open.iter_mut().map(|open| &mut open.who);
        let late = self.database.late.iter_mut().map(|(who, _)| who);
        open.chain(late).filter(|who| of_shard(who)).for_each(|who| visit(&mut who.claim));
    }
}
