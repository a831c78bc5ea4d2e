//! Who may write to several streams next, among those of this store that want to.
//!
//! Each waits for its streams one after the other, in the order of their names, so none waits for another that waits for
//! it. Where another program holds a stream, those who want it wait here, and only the first of them on the server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use es_core::recorded::StreamId;
use tokio::sync::OwnedMutexGuard;

/// A line for each stream that is wanted.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    lines: Mutex<HashMap<StreamId, Line>>,
}

type Line = Arc<tokio::sync::Mutex<()>>;

/// Streams that are waited for, or held until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    held: Vec<(StreamId, Option<OwnedMutexGuard<()>>)>,
}

impl Turns {
    /// Waits until all of these streams, in the order of their names, are free.
    pub(crate) async fn take(self: &Arc<Self>, streams: impl Iterator<Item = &StreamId>) -> Turn {
        let mut turn = Turn { turns: Arc::clone(self), held: Vec::new() };
        for stream in streams {
            turn.held.push((stream.clone(), None));
            let line = Arc::clone(self.lines().entry(stream.clone()).or_default());
            let guard = line.lock_owned().await;
            if let Some((_, held)) = turn.held.last_mut() {
                *held = Some(guard);
            }
        }
        turn
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<StreamId, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        for (stream, held) in self.held.drain(..) {
            drop(held);
            // A line is only ever joined under this lock: one that nobody else holds is nobody's.
            let mut lines = self.turns.lines();
            if lines.get(&stream).is_some_and(|line| Arc::strong_count(line) == 1) {
                lines.remove(&stream);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use es_core::recorded::StreamId;
    use futures_util::future::poll_immediate;

    use super::Turns;

    fn streams(ids: &str) -> Vec<StreamId> {
        ids.chars().map(|id| StreamId::new("test", id.to_string())).collect()
    }

    #[tokio::test]
    async fn who_wants_the_same_stream_waits_and_nobody_leaves_a_trace() {
        let turns = Arc::new(Turns::default());
        let (ab, bc, cd) = (streams("ab"), streams("bc"), streams("cd"));
        let first = turns.take(ab.iter()).await;
        let other = poll_immediate(turns.take(cd.iter())).await.expect("it wants other streams");
        let mut gone = Box::pin(turns.take(bc.iter()));
        let mut second = Box::pin(turns.take(bc.iter()));
        assert!(poll_immediate(&mut gone).await.is_none() && poll_immediate(&mut second).await.is_none());
        drop(gone);
        drop(first);
        assert!(poll_immediate(&mut second).await.is_none(), "c is held");
        drop(other);
        let second = poll_immediate(&mut second).await.expect("both are free");
        assert_eq!(turns.lines().len(), 2);
        let mut waiting = Box::pin(turns.take(ab.iter()));
        assert!(poll_immediate(&mut waiting).await.is_none());
        drop(waiting);
        drop(second);
        assert!(turns.lines().is_empty(), "{turns:?}");
    }
}
