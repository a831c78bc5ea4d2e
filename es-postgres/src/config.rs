//! What can be set.

use std::time::Duration;

/// How a [`PostgresStore`](crate::PostgresStore) is set up.
///
/// ```
/// use es_postgres::PostgresConfig;
///
/// let config = PostgresConfig::new().schema("ledger").max_connections(4);
/// ```
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    pub(crate) schema: String,
    pub(crate) read_model_schema: String,
    pub(crate) max_connections: usize,
    pub(crate) acquire_timeout: Duration,
    pub(crate) lock_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) settle_timeout: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) listen: bool,
    pub(crate) notify: bool,
}

impl PostgresConfig {
    /// The usual settings; each method says its own.
    pub fn new() -> Self {
        Self {
            schema: "es".to_owned(),
            read_model_schema: "public".to_owned(),
            max_connections: 10,
            acquire_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(30),
            settle_timeout: Duration::from_secs(1),
            poll_interval: Duration::from_secs(1),
            listen: true,
            notify: true,
        }
    }

    /// The database schema that holds the tables; `es` unless set. Stores in different schemas do not see each other.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// The database schema that holds the tables and views of read models; `public` unless set. It is made where it is not
    /// there. Two stores in one database need two, unless their read models have different names.
    #[must_use]
    pub fn read_model_schema(mut self, schema: impl Into<String>) -> Self {
        self.read_model_schema = schema.into();
        self
    }

    /// How many connections are open at the most, at least one; 10 unless set. Up to four of them carry appends, of many
    /// callers each, up to four carry appends to several streams, up to a quarter wait for transactions of others that
    /// hold a stream, and up to half carry batches of projections, so that these leave some to what their handlers ask.
    ///
    /// Two more are not counted: one tells other processes of appends, once there was one, and one listens for what they
    /// tell, while there are subscribers.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// How long a request waits for a free connection, and for a new one to open, and how long an append waits for its
    /// turn behind others, before the answer is `Unavailable`; 10 seconds unless set.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long an append waits for another transaction that has written to the same stream and stays open, before
    /// the answer is `Unavailable`; 5 seconds unless set. Appends to other streams do not wait for it, but for a moment
    /// in which it is found out.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How long the server may say nothing before the first row of an answer, and from one row to the next, until the connection
    /// is taken for lost; 30 seconds unless set, on top of [`lock_timeout`](Self::lock_timeout). A network that swallows what is
    /// sent, and a server that went down without a word, look like this. Reads are sent again, and appends too, which are found
    /// where they were stored; an append of which nothing can be learned is answered `OutcomeUnknown`.
    ///
    /// It is ten times as long for `fetch` with a condition of your own, which may look at every row, and longer than its
    /// lease for a batch of a projection. Migrations and the preparing of projections take as long as they take.
    #[must_use]
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// How long `read_all`, `settled` and `status` wait at a hole for unfinished appends before they end there, at the
    /// most; 1 second unless set. Events before the hole are handed out at once. What a read
    /// has not reached, the next one will: time never decides that a position is empty.
    #[must_use]
    pub fn settle_timeout(mut self, timeout: Duration) -> Self {
        self.settle_timeout = timeout;
        self
    }

    /// How long a subscriber that is told of nothing waits at the most before the store looks by itself; 1 second unless
    /// set, at least 5 milliseconds. The look is one short statement for all subscribers of a process.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval.max(Duration::from_millis(5));
        self
    }

    /// Does not listen for notifications, because what stands between this process and the server does not carry them,
    /// such as a pooler that gives a connection for one transaction at a time. Appends of other processes are then found
    /// by polling: after a few milliseconds while there are many, at the latest after
    /// [`poll_interval`](Self::poll_interval).
    #[must_use]
    pub fn without_listen(mut self) -> Self {
        self.listen = false;
        self
    }

    /// Does not tell other processes of appends, because there are none that subscribe. Where there are, they find them by
    /// polling.
    #[must_use]
    pub fn without_notify(mut self) -> Self {
        self.notify = false;
        self
    }
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self::new()
    }
}
