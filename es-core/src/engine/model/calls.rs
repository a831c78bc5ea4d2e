//! What a runner asks for is done, or not, and answered, or not.

use super::{
    Mutation, Rules,
    database::Who,
    runners::{At, Input, Runners},
    script::{Answer, Call},
    state::{Nexts, Runner, State, Step},
};

impl State {
    /// What a runner asks for is done, or not, and answered, or not.
    pub(super) fn runs(&self, rules: &Rules, runners: &mut Runners, of: (u8, u8), nexts: &mut Nexts) {
        let Runner::Runs { place, claims, .. } = &self.engines[usize::from(of.0)].runners[usize::from(of.1)] else {
            return;
        };
        let At::Calls(call) = runners.at(*place).clone() else { return };
        let newest = claims.last().copied().unwrap_or_default();
        let claim = match &call {
            Call::Begin(movement) | Call::Advance(movement) | Call::Stop(movement) => {
                claims.get(usize::from(movement.claim)).copied().unwrap_or(newest)
            }
            _ => newest,
        };
        let who = Who { engine: of.0, shard: of.1, claim };
        let mut answered = |next: Self, what, answer| {
            let step = Step { who: Some(of), what, call: Some(call.clone()) };
            next.answered(rules, runners, of, (step, &call), answer, nexts);
        };
        let mut done = self.clone();
        let answer = match self.assumed(of) {
            Some(position) if call == Call::Claim => Some(Answer::Claimed(position)),
            _ => done.database.execute(rules, who, &call),
        };
        let changes_nothing =
            matches!(call, Call::ParkedKeys | Call::ParkedEvents(_) | Call::History | Call::Read | Call::Handle(_));
        if let Some(answer) = answer {
            if self.left.faults > 0 && !changes_nothing && call != Call::Rollback && answer != Answer::Lost {
                let mut lost = done.clone();
                lost.left.faults -= 1;
                lost.database.disconnect(who, None);
                answered(lost, "does it and is not told:", Answer::Lost);
            }
            answered(done, "does", answer);
        }
        if self.left.faults == 0 || matches!(call, Call::Rollback | Call::Read) {
            return;
        }
        let mut failed = self.clone();
        failed.left.faults -= 1;
        match &call {
            Call::Commit(changes) => failed.database.disconnect(who, Some(changes)),
            _ => failed.database.disconnect(who, None),
        }
        if matches!(call, Call::Claim | Call::Advance(_) | Call::Stop(_)) {
            let mut late = failed.clone();
            late.database.late.push((who, call.clone()));
            answered(late, "is told that its connection is gone, but it may still be done:", Answer::Lost);
        }
        answered(failed, "is told that its connection is gone:", Answer::Lost);
    }

    fn assumed(&self, of: (u8, u8)) -> Option<u8> {
        match &self.engines[usize::from(of.0)].runners[usize::from(of.1)] {
            Runner::Runs { assumed, .. } => *assumed,
            _ => None,
        }
    }

    /// A runner is answered, and goes on to its next call.
    fn answered(
        mut self,
        rules: &Rules,
        all: &mut Runners,
        of: (u8, u8),
        (step, call): (Step, &Call),
        mut answer: Answer,
        nexts: &mut Nexts,
    ) {
        let history = self.database.stored.history;
        let newest = self.database.shard(of.1).newest;
        let Runner::Runs { place, claims, told_to_end, told_to_redrive, mut assumed } = self.runner_mut(of).clone()
        else {
            return;
        };
        let mut claims = claims;
        if let (Call::Claim, Answer::Claimed(_)) = (call, &answer) {
            let same = claims.last().copied().unwrap_or_default();
            claims.push(if assumed.take().is_some() { same } else { newest });
        }
        if let (Call::Commit(_), Answer::Lost) = (call, &answer) {
            if rules.is(Mutation::UncertainIsDone) {
                answer = Answer::Yes;
            }
            if rules.is(Mutation::UncertainIsFailed) {
                assumed = all.reached(place);
            }
        }
        for place in all.next(place, &Input::Answer(answer.clone(), history)) {
            let mut next = self.clone();
            let kept = if rules.scene.budget.failovers > 0 { all.shelf(place).to_vec() } else { Vec::new() };
            let claim = claims.last().copied().unwrap_or_default();
            *next.runner_mut(of) = match all.at(place) {
                At::Calls(_) => Runner::Runs { place, claims: claims.clone(), told_to_end, told_to_redrive, assumed },
                At::Void => Runner::Absent { shelf: kept },
                At::Ended => Runner::Releases { claim, shelf: kept },
                At::GaveUp => {
                    next.database.fault = Some("a runner has given up");
                    Runner::Absent { shelf: kept }
                }
            };
            nexts.push((step.clone(), next));
        }
    }
}
