//! What time it is for the in-memory store.

use std::fmt;

use chrono::{DateTime, Utc};

/// Tells an in-memory store the time: when events are recorded, when leases run out, when a stream was archived, how old
/// what is still to be projected is.
///
/// Every function without arguments that gives a time is a clock; `es_core::testing::FakeClock` (feature `testing`) is
/// one that a test sets.
///
/// ```
/// use es_core::{memory::Clock, prelude::*};
///
/// let store = MemoryStore::with_clock(|| DateTime::UNIX_EPOCH);
/// # struct Mine;
/// impl Clock for Mine {
///     fn now(&self) -> DateTime<Utc> {
///         DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1)
///     }
/// }
/// let another = MemoryStore::with_clock(Mine);
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The present moment. The store keeps it to the microsecond.
    fn now(&self) -> DateTime<Utc>;
}

impl<F: Fn() -> DateTime<Utc> + Send + Sync + 'static> Clock for F {
    fn now(&self) -> DateTime<Utc> {
        self()
    }
}

/// The clock of a store; the machine's, unless it was given another.
pub(super) struct StoreClock(Box<dyn Clock>);

impl StoreClock {
    pub(super) fn new(clock: impl Clock) -> Self {
        Self(Box::new(clock))
    }

    /// The present moment in microseconds, as PostgreSQL and SQLite keep it.
    pub(super) fn now(&self) -> DateTime<Utc> {
        let now = self.0.now();
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}

impl Default for StoreClock {
    fn default() -> Self {
        Self::new(Utc::now)
    }
}

impl fmt::Debug for StoreClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("StoreClock").field(&self.now()).finish()
    }
}
