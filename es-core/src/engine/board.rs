//! How far the shards of this process have come, for those who wait for it and for the supervisor.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::status::Failing;
use crate::{
    projection::{Claim, ProjectionId, ShardId},
    recorded::Position,
};

/// Over how long the rate is taken.
const WINDOW: Duration = Duration::from_secs(10);

/// What a shard cannot get past for now, and is tried again and again.
#[derive(Clone, Debug)]
struct Trouble {
    since: Instant,
    attempts: u32,
    message: String,
}

/// A shard of ours.
#[derive(Debug)]
struct Ours {
    claim: Claim,
    reached: Position,
    /// When how many events were applied, within the window.
    applied: VecDeque<(Instant, u64)>,
}

/// The shards that this process runs. A checkpoint may be behind what is told here, where there was nothing to take in.
#[derive(Debug, Default)]
pub(super) struct Board {
    ours: Mutex<HashMap<ShardId, Ours>>,
    /// Which versions readers see, when the store was last asked.
    active: Mutex<Vec<ProjectionId>>,
    /// What our shards cannot get past for now, also while nobody runs them.
    troubles: Mutex<HashMap<ShardId, Trouble>>,
    /// Counts the changes.
    changes: watch::Sender<u64>,
}

impl Board {
    /// A shard is ours, under this claim.
    pub(super) fn claimed(&self, claim: Claim) {
        let (reached, applied) = (claim.position, VecDeque::new());
        let mut ours = self.ours();
        let entry = ours.entry(claim.shard).or_insert(Ours { claim, reached, applied });
        (entry.claim, entry.reached) = (claim, reached);
        drop(ours);
        self.changed();
    }

    /// A shard has come so far.
    pub(super) fn reached(&self, shard: ShardId, position: Position) {
        self.applied(shard, 0, position);
    }

    /// A shard has applied so many events, and come so far.
    pub(super) fn applied(&self, shard: ShardId, events: u64, position: Position) {
        if let Some(ours) = self.ours().get_mut(&shard) {
            ours.reached = position;
            if events > 0 {
                ours.applied.push_back((Instant::now(), events));
                while ours.applied.front().is_some_and(|(at, _)| at.elapsed() > WINDOW) {
                    ours.applied.pop_front();
                }
            }
        }
        self.changed();
    }

    /// How many events a shard of ours has applied per second, lately; `None` where it is not ours.
    pub(super) fn rate(&self, shard: ShardId) -> Option<f64> {
        let ours = self.ours();
        let ours = ours.get(&shard)?;
        let events: u64 = ours.applied.iter().filter(|(at, _)| at.elapsed() <= WINDOW).map(|(_, events)| events).sum();
        let since =
            ours.applied.front().map_or(WINDOW, |(at, _)| at.elapsed()).clamp(Duration::from_millis(100), WINDOW);
        #[expect(clippy::cast_precision_loss, reason = "it is shown to people")]
        Some(events as f64 / since.as_secs_f64())
    }

    /// An attempt of a shard has failed, and is made again.
    pub(super) fn failed(&self, shard: ShardId, message: String) {
        let mut troubles = self.troubles();
        let (since, attempts) = (Instant::now(), 0);
        let trouble = troubles.entry(shard).or_insert(Trouble { since, attempts, message: String::new() });
        (trouble.attempts, trouble.message) = (trouble.attempts.saturating_add(1), message);
    }

    /// A shard has come past what it could not get past, or somebody else has to.
    pub(super) fn recovered(&self, shard: ShardId) {
        self.troubles().remove(&shard);
    }

    /// What a shard of ours cannot get past.
    pub(super) fn failing(&self, shard: ShardId) -> Option<Failing> {
        let troubles = self.troubles();
        let Trouble { since, attempts, message } = troubles.get(&shard)?;
        Some(Failing { lasts: since.elapsed(), attempts: *attempts, message: message.clone() })
    }

    /// A shard is not ours any more.
    pub(super) fn gone(&self, shard: ShardId) {
        self.ours().remove(&shard);
        self.changed();
    }

    /// What we hold.
    pub(super) fn claims(&self) -> Vec<Claim> {
        self.ours().values().map(|ours| ours.claim).collect()
    }

    /// How far a shard of ours has come.
    pub(super) fn reached_by(&self, shard: ShardId) -> Option<Position> {
        self.ours().get(&shard).map(|ours| ours.reached)
    }

    /// Which versions readers see.
    pub(super) fn seen(&self, active: &[ProjectionId]) {
        active.clone_into(&mut self.active());
    }

    /// Whether readers see another version of a projection, from which this one may be about to take over.
    pub(super) fn is_beside_another(&self, projection: ProjectionId) -> bool {
        self.active().iter().any(|active| active.name == projection.name && *active != projection)
    }

    /// Whether readers see this version of a projection, all its shards are ours, and have come so far.
    pub(super) fn has_all(&self, projection: ProjectionId, shards: u32, position: Position) -> bool {
        if !self.active().contains(&projection) {
            return false;
        }
        let ours = self.ours();
        let has = |shard| ours.get(&ShardId { projection, shard }).is_some_and(|ours| ours.reached >= position);
        (0..shards).all(has)
    }

    /// What changes with each change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    fn active(&self) -> MutexGuard<'_, Vec<ProjectionId>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn troubles(&self) -> MutexGuard<'_, HashMap<ShardId, Trouble>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ours(&self) -> MutexGuard<'_, HashMap<ShardId, Ours>> {
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
