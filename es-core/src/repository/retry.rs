//! How often a command is tried again, and how long it waits before.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    ops::Range,
    time::Duration,
};

use super::ExecuteError;
use crate::store::StoreError;

/// How often a repository tries a command again, and how long it pauses before.
///
/// **After a conflict** the command is decided again upon the new state: the first time at once, and then after a pause of
/// random length, from nothing up to a ceiling that doubles each time. So writers who met once do not meet again in step.
/// The ceiling of the first pause is 1 ms and that of the longest 50 ms, and a command is decided at most 16 times, unless
/// set.
///
/// **When the store could not answer** ([`Unavailable`](StoreError::Unavailable), or
/// [`OutcomeUnknown`](StoreError::OutcomeUnknown)) the very same request is sent again, an append with the same event ids,
/// so that it is stored once. That happens [as often as is said](Self::unavailable), and not at all unless it is.
///
/// Pauses use Tokio's timer. Outside of a Tokio runtime there are none; a runtime that was built without
/// `enable_time` needs [`without_pause`](Self::without_pause).
///
/// ```
/// use es_core::{MemoryStore, RetryPolicy, store::EventStore as _};
/// use std::time::Duration;
/// # use es_core::prelude::*;
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct LampId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// # struct LampLit {}
/// # #[derive(EventSet, Debug)]
/// # enum LampEvent { Lit(LampLit) }
/// # #[derive(Aggregate, Default, Debug)]
/// # #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
/// # struct Lamp {}
/// # #[event_handler]
/// # impl Lamp { fn lit(&mut self, _: &LampLit) {} }
///
/// let policy = RetryPolicy::new()
///     .attempts(30)
///     .pause(Duration::from_millis(2)..Duration::from_millis(200))
///     .unavailable(3);
/// let lamps = MemoryStore::new().repository::<Lamp>().retry(policy);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it is for `Repository::retry`"]
pub struct RetryPolicy {
    attempts: u32,
    first: Duration,
    longest: Duration,
    unavailable: u32,
}

impl RetryPolicy {
    /// 16 attempts, with pauses of up to 1 ms at first and 50 ms at last; nothing is sent again to a store that could not
    /// answer.
    pub const fn new() -> Self {
        Self { attempts: 16, first: Duration::from_millis(1), longest: Duration::from_millis(50), unavailable: 0 }
    }

    /// How often a command is decided, at least once, before a conflict is given back.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// The ceilings of the first pause and of the longest.
    pub const fn pause(mut self, ceilings: Range<Duration>) -> Self {
        self.first = ceilings.start;
        self.longest = ceilings.end;
        self
    }

    /// Tries again at once, always.
    pub const fn without_pause(self) -> Self {
        self.pause(Duration::ZERO..Duration::ZERO)
    }

    /// How often in one command a request is sent again to a store that could not answer.
    pub const fn unavailable(mut self, times: u32) -> Self {
        self.unavailable = times;
        self
    }

    /// How often something is tried at the most.
    pub(crate) const fn attempts_at_most(&self) -> u32 {
        self.attempts
    }

    /// Waits for a random time, before which `earlier` others came.
    pub(crate) async fn pause_after(&self, earlier: u32) {
        pause(self.ceiling(earlier)).await;
    }

    /// The ceiling of a pause that `earlier` others came before.
    fn ceiling(&self, earlier: u32) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(earlier));
        doubled.min(self.longest)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// What is left of a policy for one command.
#[derive(Debug)]
pub(super) struct Patience {
    policy: RetryPolicy,
    conflicts: u32,
    absences: u32,
}

impl Patience {
    pub(super) fn of(policy: &RetryPolicy) -> Self {
        Self { policy: *policy, conflicts: 0, absences: 0 }
    }

    /// Counts a failed attempt, and waits until the next; gives the failure back after the last.
    pub(super) async fn after_conflict<E>(&mut self, error: StoreError) -> Result<(), ExecuteError<E>> {
        self.conflicts += 1;
        if self.conflicts >= self.policy.attempts {
            return Err(match error {
                StoreError::Conflict(conflict) => ExecuteError::Conflict { conflict, attempts: self.conflicts },
                other => ExecuteError::Store(other),
            });
        }
        // The first writer to come first is no crowd yet.
        if let Some(earlier) = self.conflicts.checked_sub(2) {
            pause(self.policy.ceiling(earlier)).await;
        }
        Ok(())
    }

    /// Whether a store that cannot answer is to be asked again.
    pub(super) fn is_left(&self) -> bool {
        self.absences < self.policy.unavailable
    }

    /// Whether the same request is to be sent again after this failure; if so, waits before.
    pub(super) async fn waits_for(&mut self, error: &StoreError) -> bool {
        let again = error.is_unavailable() && self.is_left();
        if again {
            pause(self.policy.ceiling(self.absences)).await;
            self.absences += 1;
        }
        again
    }
}

/// Waits for a random time up to the ceiling.
async fn pause(ceiling: Duration) {
    if ceiling > Duration::ZERO && tokio::runtime::Handle::try_current().is_ok() {
        tokio::time::sleep(ceiling.mul_f64(random())).await;
    }
}

/// Waits for what comes, but no longer than this where there is a clock; `None` where it did not come.
pub(super) async fn at_the_longest(longest: Duration, what: impl Future<Output = ()>) -> Option<()> {
    if tokio::runtime::Handle::try_current().is_ok() {
        return tokio::time::timeout(longest, what).await.ok();
    }
    what.await;
    Some(())
}

/// From 0 to 1. The keys of the standard library's hash maps are random enough to keep writers apart.
fn random() -> f64 {
    f64::from(u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{RetryPolicy, random};

    #[test]
    fn the_ceiling_doubles_up_to_the_longest() {
        let millis = Duration::from_millis;
        let policy = RetryPolicy::new().pause(millis(3)..millis(20));
        let ceilings: Vec<_> = [0, 1, 2, 3, 40, u32::MAX].map(|earlier| policy.ceiling(earlier)).into();
        assert_eq!(ceilings, [3, 6, 12, 20, 20, 20].map(millis));
        assert_eq!(policy.without_pause().ceiling(5), Duration::ZERO);
        assert_eq!(policy.attempts(0), policy.attempts(1));
    }

    #[test]
    fn random_numbers_lie_between_nothing_and_all_and_differ() {
        let numbers: Vec<_> = std::iter::repeat_with(random).take(1_000).collect();
        assert!(numbers.iter().all(|number| (0.0..=1.0).contains(number)));
        let mean = numbers.iter().sum::<f64>() / 1_000.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
        assert!(numbers.windows(2).any(|pair| (pair[0] - pair[1]).abs() > 0.1));
    }
}
