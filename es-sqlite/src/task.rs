//! Reads, each in a task of its own: one who has asked and does not come back to look keeps no connection from others.

use es_core::store::StoreError;
use tokio::task::JoinHandle;

use crate::error;

/// Ends its task with whoever waits for it.
struct Awaited<T>(JoinHandle<T>);

impl<T> Drop for Awaited<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a read to its end, or until nobody waits for it.
pub(crate) async fn run<T: Send + 'static>(
    read: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let mut task = Awaited(tokio::spawn(read));
    match (&mut task.0).await {
        Ok(read) => read,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(ended) => Err(error::closed(ended)),
        },
    }
}
