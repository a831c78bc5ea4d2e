//! A read that its caller may leave lying: a task takes it over.
//!
//! Rows are best read by whoever wants them: nothing goes from one core to another, and nobody is woken for each packet of the
//! server's. But a caller may begin to read and then not poll for as long as it likes, with a connection in its hands.

use std::time::Duration;

use es_core::store::{StoreError, Unavailable};
use futures_util::FutureExt as _;
use tokio::{sync::oneshot, task::JoinHandle, time::sleep};

/// After how long a read gets along without its caller: what can be read in this time is not worth a task.
const PATIENCE: Duration = Duration::from_millis(20);

/// The task that takes over, as long as somebody wants the answer.
struct Attendant(JoinHandle<()>);

impl Drop for Attendant {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads as a part of the caller, and after [`PATIENCE`] whether it is polled or not. Dropped, it ends.
pub(crate) async fn attended<T: Send + 'static>(
    read: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let (reply, answer) = oneshot::channel();
    let read = read.map(|outcome| drop(reply.send(outcome))).boxed().shared();
    let again = read.clone();
    let _attendant = Attendant(tokio::spawn(async move {
        sleep(PATIENCE).await;
        again.await;
    }));
    read.await;
    answer.await.unwrap_or_else(|ended| Err(Unavailable::new("its read has ended without an answer", ended).into()))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_read_that_nobody_polls_comes_to_its_end() {
        let (answers, server) = oneshot::channel();
        let (ends, end) = oneshot::channel();
        let mut read = Box::pin(attended(async move {
            let rows: u64 = server.await.expect("an answer");
            ends.send(()).expect("somebody waits for the end");
            Ok(rows)
        }));
        assert!((&mut read).now_or_never().is_none());
        answers.send(7).expect("the read has begun");
        end.await.expect("it was taken over");
        assert_eq!(read.await.expect("rows"), 7);
    }

    #[tokio::test]
    async fn a_read_that_is_dropped_ends() {
        let (connection, closed) = oneshot::channel::<()>();
        let mut read = Box::pin(attended(async move {
            let _connection = connection;
            pending::<Result<(), StoreError>>().await
        }));
        assert!((&mut read).now_or_never().is_none());
        drop(read);
        assert!(closed.await.is_err());
    }
}
