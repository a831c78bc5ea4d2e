//! What takes long: a statement that waits for a lock, or for a slow disk. Others need not wait for that.

use std::{pin::pin, time::Duration};

use tokio::time::timeout;

/// How long a batch may take until a further one is sent beside it.
const LONG: Duration = Duration::from_millis(5);

/// Waits for some work, and says once when it takes long.
pub(crate) async fn noticed<T>(work: impl Future<Output = T>, takes_long: impl FnOnce()) -> T {
    let mut work = pin!(work);
    if let Ok(done) = timeout(LONG, work.as_mut()).await {
        return done;
    }
    takes_long();
    work.await
}
