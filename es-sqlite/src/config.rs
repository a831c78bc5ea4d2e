//! What can be set.

use std::time::Duration;

/// More than these milliseconds SQLite cannot count.
const LONGEST: Duration = Duration::from_millis(i32::MAX.unsigned_abs() as u64);

/// How a [`SqliteStore`](crate::SqliteStore) is set up.
///
/// ```
/// use std::time::Duration;
/// use es_sqlite::SqliteConfig;
///
/// let config = SqliteConfig::new().readers(8).lock_timeout(Duration::from_secs(30));
/// ```
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    pub(crate) readers: u32,
    pub(crate) acquire_timeout: Duration,
    pub(crate) lock_timeout: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) beside_other_tables: bool,
}

impl SqliteConfig {
    /// The usual settings; each method says its own.
    pub fn new() -> Self {
        Self {
            readers: 4,
            acquire_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            poll_interval: Duration::from_millis(20),
            beside_other_tables: false,
        }
    }

    /// How many connections read at once, at least one; 4 unless set. Beside them there is one that writes: a SQLite file has
    /// one writer at a time, and readers do not wait for it.
    #[must_use]
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How long a request waits for a connection that reads, and how long an append waits for its turn behind others of this
    /// process, before the answer is `Unavailable`; 10 seconds unless set.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout.min(LONGEST);
        self
    }

    /// How long a write waits for another writer of the file, in this process or in another, before the answer is
    /// `Unavailable`; 5 seconds unless set.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout.min(LONGEST);
        self
    }

    /// How often a store that has subscribers looks whether another process has written to the file; 20 milliseconds unless
    /// set, at least one. The look touches no table. Of its own appends a store knows without it.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Allows the tables of the store to be made in a file that has tables of other programs already. Without it such a file
    /// is refused, because its path may be a mistake.
    #[must_use]
    pub fn beside_other_tables(mut self) -> Self {
        self.beside_other_tables = true;
        self
    }
}

impl Default for SqliteConfig {
    fn default() -> Self {
        Self::new()
    }
}
