//! How many statements of a kind are under way at a time. Few are large, and large ones cost least; so there is one, a further one
//! for each crowd that waits, and one more for each that takes long. The same for appends and for loads.

use std::{pin::pin, time::Duration};

use tokio::time::timeout;

/// How long a lane may be out until a further one goes beside it: it may wait for a lock, a connection, or a slow disk.
const LONG: Duration = Duration::from_millis(5);

/// The lanes that are out, each of which sends one statement after the other.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    most: usize,
    /// How many must wait for a further statement, so that it is a large one.
    crowd: usize,
    /// Lanes that were started and have not ended, and how many of them are out for long.
    pub(crate) lanes: usize,
    pub(crate) long: usize,
}

impl Room {
    pub(crate) const fn new(most: usize, crowd: usize) -> Self {
        Self { most, crowd, lanes: 0, long: 0 }
    }

    /// Counts a lane in, if one is free while so many wait: it must be started by whoever asks.
    pub(crate) fn start(&mut self, waiting: usize) -> bool {
        let start = waiting > 0 && self.lanes < self.room(waiting);
        self.lanes += usize::from(start);
        start
    }

    /// A lane is out for long. Whether another must be started, by whoever says so.
    pub(crate) fn takes_long(&mut self, waiting: usize) -> bool {
        self.long += 1;
        self.start(waiting)
    }

    /// Whether a lane that has sent its statement, which took long or not, has nothing more to do, or leaves it to the others,
    /// and so ends.
    pub(crate) fn end(&mut self, waiting: usize, long: bool) -> bool {
        self.long -= usize::from(long);
        let end = waiting == 0 || self.lanes > self.room(waiting);
        self.lanes -= usize::from(end);
        end
    }

    /// A lane ends, whoever waits. Whether it was the last.
    pub(crate) fn lose(&mut self, long: bool) -> bool {
        self.long -= usize::from(long);
        self.lanes -= 1;
        self.lanes == 0
    }

    fn room(&self, waiting: usize) -> usize {
        (1 + self.long + waiting / self.crowd).min(self.most)
    }
}

/// Waits for some work of a lane's, and says once when it takes long.
pub(crate) async fn noticed<T>(work: impl Future<Output = T>, takes_long: impl FnOnce()) -> T {
    let mut work = pin!(work);
    if let Ok(done) = timeout(LONG, work.as_mut()).await {
        return done;
    }
    takes_long();
    work.await
}
