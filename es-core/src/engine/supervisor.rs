//! Who runs what in this process: says that we are alive, claims what is ours to run, hands over what is not, and makes
//! new versions the active ones.

use std::{
    collections::HashMap,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    task::{Id, JoinError, JoinSet},
};

use super::{
    assignment, claiming, metrics,
    runner::{Ended, Order, Runner, Shared},
    work::Work,
};
use crate::{
    projection::{
        Activity, Claim, EngineInfo, InlineReadModel, ProjectionId, ProjectionKind, ProjectionSchema, ProjectionStore,
        Roster, ShardId, ShardState,
    },
    recorded::Position,
    store::StoreError,
};

/// How often new versions are looked at that have not taken over yet.
const BUILDING: Duration = Duration::from_millis(100);
/// How often the lag is measured.
const MEASURED: Duration = Duration::from_secs(15);
/// How long a shard rests whose runner ended with an error of the store.
const REST: Duration = Duration::from_secs(5);

/// The supervisor.
#[derive(Debug)]
pub(super) struct Supervisor<S> {
    shared: Arc<Shared<S>>,
    /// Who we are, and what we run.
    info: EngineInfo,
    works: Arc<[Work<S>]>,
    /// How often we say that we are alive.
    interval: Duration,
    end: watch::Receiver<bool>,
    runners: JoinSet<(Ended, Claim)>,
    running: HashMap<ShardId, Running>,
    /// Shards whose runner failed, and until when they rest.
    resting: HashMap<ShardId, Instant>,
    /// How far new versions have to come before they take over.
    targets: HashMap<ProjectionId, Position>,
    /// How far read models have to come before they change with the appends.
    inline_targets: HashMap<ProjectionId, Position>,
    /// When the lag was measured last.
    measured: Option<Instant>,
    /// Measures it.
    measuring: JoinSet<()>,
}

#[derive(Debug)]
struct Running {
    orders: watch::Sender<Order>,
    task: Id,
}

impl<S: ProjectionStore> Supervisor<S> {
    pub(super) fn new(
        shared: Arc<Shared<S>>,
        works: Arc<[Work<S>]>,
        interval: Duration,
        end: watch::Receiver<bool>,
    ) -> Self {
        Self {
            info: shared.info.clone(),
            shared,
            works,
            interval,
            end,
            runners: JoinSet::new(),
            running: HashMap::new(),
            resting: HashMap::new(),
            targets: HashMap::new(),
            inline_targets: HashMap::new(),
            measured: None,
            measuring: JoinSet::new(),
        }
    }

    /// Runs until it is told to end, and then hands everything over.
    pub(super) async fn run(mut self) {
        loop {
            let pause = self.look_round().await;
            let ended = tokio::select! {
                () = tokio::time::sleep(pause) => None,
                Some(ended) = self.runners.join_next_with_id() => Some(ended),
                () = told_to_end(&mut self.end) => break,
            };
            if let Some(ended) = ended {
                self.ended(ended).await;
            }
        }
        self.hand_over().await;
    }

    /// One look at all there is; answers when the next one is due.
    async fn look_round(&mut self) -> Duration {
        match self.shared.store.keep_alive(&self.info, &self.shared.board.claims()).await {
            Ok(roster) => {
                self.shared.board.seen(&roster.active);
                self.leave_to_others(&roster);
                self.follow(&roster).await;
                self.measure(&roster);
                self.bring_inline(&roster).await;
                if self.build(&roster).await { BUILDING.min(self.interval) } else { self.interval }
            }
            Err(error) => {
                // Runners go on as long as their claims hold, which the store decides.
                tracing::warn!(%error, "an engine could not say that it is alive");
                self.interval
            }
        }
    }

    /// Gives up what others have divided anew, so that they count on us no more: which keys a shard has is not what we
    /// would say.
    fn leave_to_others(&mut self, roster: &Roster) {
        for schema in self.works.iter().map(Work::schema) {
            let is_known = roster.shards.iter().any(|state| state.shard.projection == schema.id);
            if is_known && !claiming::is_divided_as(schema, roster) {
                tracing::error!(
                    projection = %schema.id,
                    shards = schema.shards,
                    "a projection was divided into another number of shards; this process runs it no more: start it anew"
                );
                self.info.projections.retain(|id| *id != schema.id);
            }
        }
    }

    async fn follow(&mut self, roster: &Roster) {
        let wanted = assignment::wanted(self.shared.info.id, roster);
        for state in &roster.shards {
            let shard = state.shard;
            if state.owner.as_ref().is_some_and(|(owner, _)| *owner != self.shared.info.id) {
                self.shared.board.recovered(shard);
            }
            let is_ours = wanted.contains(&shard) && state.activity == Activity::Running;
            if let Some(running) = self.running.get(&shard) {
                let lost = state.owner.as_ref().is_some_and(|(owner, _)| *owner != self.shared.info.id);
                running.orders.send_if_modified(|known| {
                    let order = Order { end: !is_ours || lost, redrive: known.redrive.max(state.redrive) };
                    mem::replace(known, order) != order
                });
            } else if is_ours && !self.rests(shard) {
                self.claim(state).await;
            }
        }
        // What the store does not know any more was removed, because a newer version is active.
        for (shard, running) in &self.running {
            if !roster.shards.iter().any(|state| state.shard == *shard) {
                running.orders.send_modify(|order| order.end = true);
            }
        }
    }

    /// Tells through metrics how far our shards are behind: on a task of its own, because it may be a look at all events,
    /// and we have to say that we are alive.
    fn measure(&mut self, roster: &Roster) {
        while self.measuring.try_join_next().is_some() {}
        if !self.measuring.is_empty() || self.measured.is_some_and(|at| at.elapsed() < MEASURED) {
            return;
        }
        self.measured = Some(Instant::now());
        let schema = |id| self.works.iter().map(Work::schema).find(|schema| schema.id == id).copied();
        let ours = roster.shards.iter().filter(|state| self.running.contains_key(&state.shard));
        let ours = ours.filter_map(|state| Some((state.shard, state.position, schema(state.shard.projection)?)));
        let (store, ours) = (self.shared.store.clone(), ours.collect::<Vec<_>>());
        self.measuring.spawn(async move {
            for (shard, position, schema) in ours {
                match store.lag(&schema, position).await {
                    Ok(lag) => metrics::lags(shard, lag),
                    Err(error) => tracing::debug!(%shard, %error, "the lag could not be measured"),
                }
            }
        });
    }

    fn rests(&mut self, shard: ShardId) -> bool {
        let rests = self.resting.get(&shard).is_some_and(|until| Instant::now() < *until);
        if !rests {
            self.resting.remove(&shard);
        }
        rests
    }

    async fn claim(&mut self, state: &ShardState) {
        if state.owner.as_ref().is_some_and(|(owner, _)| *owner != self.shared.info.id) {
            return;
        }
        let Some(work) = self.works.iter().find(|work| work.schema().id == state.shard.projection) else { return };
        match claiming::claim(&self.shared, work.schema(), state.shard).await {
            Ok(Some(claim)) => {
                tracing::info!(shard = %claim.shard, position = %claim.position, epoch = claim.epoch, "a shard is ours");
                let (orders, given) = watch::channel(Order { end: false, redrive: state.redrive });
                let runner = Runner::new(Arc::clone(&self.shared), work.clone(), claim, given);
                let task = self.runners.spawn(runner.run()).id();
                self.running.insert(claim.shard, Running { orders, task });
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(shard = %state.shard, %error, "a shard could not be claimed"),
        }
    }

    async fn ended(&mut self, ended: Result<(Id, (Ended, Claim)), JoinError>) {
        let (ended, claim) = match ended {
            Ok((_, ended)) => ended,
            Err(panicked) => return self.panicked(&panicked),
        };
        self.running.remove(&claim.shard);
        match &ended {
            Ended::Asked | Ended::AtFrontier | Ended::Stopped(_) => {}
            Ended::Void => {
                tracing::warn!(shard = %claim.shard, "a claim is void: another engine has the shard, or it runs no more");
            }
            Ended::Store(error) => {
                tracing::error!(shard = %claim.shard, %error, "a projection cannot run");
                self.resting.insert(claim.shard, Instant::now() + REST);
            }
        }
        if !matches!(ended, Ended::Void) {
            self.release(&claim).await;
        }
    }

    fn panicked(&mut self, error: &JoinError) {
        let of_task = |(_, running): &(&ShardId, &Running)| running.task == error.id();
        if let Some(shard) = self.running.iter().find(of_task).map(|(shard, _)| *shard) {
            tracing::error!(%shard, %error, "the runner of a shard failed");
            self.running.remove(&shard);
            self.shared.board.gone(shard);
            self.resting.insert(shard, Instant::now() + REST);
        }
    }

    async fn release(&self, claim: &Claim) {
        if let Err(error) = self.shared.store.release(claim).await {
            tracing::warn!(shard = %claim.shard, %error, "a claim was not given back: it ends with its lease");
        }
    }

    /// Has those of our read models change with the appends that are to, as soon as they have come to the end of all events.
    /// Asked no more than now and then: appends may have to wait for the answer.
    async fn bring_inline(&mut self, roster: &Roster) {
        for work in self.works.iter() {
            let (Some(read_model), id) = (work.inline(), work.schema().id) else { continue };
            let state = roster.shards.iter().find(|state| state.shard.projection == id);
            let Some(state) = state.filter(|state| state.activity == Activity::Running) else {
                self.inline_targets.remove(&id);
                continue;
            };
            match activate(&self.shared.store, &*read_model, state.position, &mut self.inline_targets).await {
                Ok(true) => tracing::info!(projection = %id, "its rows change with the appends from here on"),
                Ok(false) => {}
                Err(error) => tracing::warn!(projection = %id, %error, "its rows cannot change with the appends yet"),
            }
        }
    }

    /// Makes those of our versions the active ones that have come far enough. Whether there are others left.
    async fn build(&mut self, roster: &Roster) -> bool {
        let mut left = false;
        for work in self.works.iter() {
            let id = work.schema().id;
            if !is_to_take_over(work.schema(), roster) {
                self.targets.remove(&id);
                continue;
            }
            match take_over(&self.shared.store, id, &mut self.targets).await {
                Ok(true) => tracing::info!(projection = %id, "a new version has taken over"),
                Ok(false) => left = true,
                Err(error) => {
                    tracing::warn!(projection = %id, %error, "a new version could not take over yet");
                    left = true;
                }
            }
        }
        left
    }

    /// Ends all runners, gives their claims back, and leaves.
    async fn hand_over(&mut self) {
        for running in self.running.values() {
            running.orders.send_modify(|order| order.end = true);
        }
        while let Some(ended) = self.runners.join_next_with_id().await {
            self.ended(ended).await;
        }
        if let Err(error) = self.shared.store.leave(self.shared.info.id).await {
            tracing::warn!(%error, "an engine could not say that it leaves: its lease ends by itself");
        }
    }
}

/// Waits until it is so, or the engine was dropped.
async fn told_to_end(end: &mut watch::Receiver<bool>) {
    let _ = end.wait_for(|end| *end).await;
}

/// Has a read model change with the appends, if it has come as far as all events had when this was first asked.
async fn activate<S: ProjectionStore>(
    store: &S,
    read_model: &dyn InlineReadModel,
    position: Position,
    targets: &mut HashMap<ProjectionId, Position>,
) -> Result<bool, StoreError> {
    let target = target(store, read_model.schema().id, targets).await?;
    if position < target { Ok(false) } else { store.activate_inline(read_model).await }
}

/// Whether readers see an older version of a projection. A reactor has none, and nothing to read.
pub(super) fn is_to_take_over(schema: &ProjectionSchema, roster: &Roster) -> bool {
    let is_older = |active: &ProjectionId| active.name == schema.id.name && active.version < schema.id.version;
    schema.kind != ProjectionKind::Reactor && roster.active.iter().any(is_older)
}

/// Makes a version the active one, if it has come as far as all events had when this was first asked.
async fn take_over<S: ProjectionStore>(
    store: &S,
    id: ProjectionId,
    targets: &mut HashMap<ProjectionId, Position>,
) -> Result<bool, StoreError> {
    let target = target(store, id, targets).await?;
    store.switch(id, target).await
}

/// How far all events were settled when this was first asked about a projection.
async fn target<S: ProjectionStore>(
    store: &S,
    id: ProjectionId,
    targets: &mut HashMap<ProjectionId, Position>,
) -> Result<Position, StoreError> {
    if let Some(target) = targets.get(&id) {
        return Ok(*target);
    }
    let settled = store.settled().await?;
    targets.insert(id, settled);
    Ok(settled)
}
