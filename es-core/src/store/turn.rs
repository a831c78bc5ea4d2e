//! The turn of a command: whoever is next waits until the store lets go of the append before.

use std::{fmt, sync::Arc};

use tokio::sync::Semaphore;

/// The turn that an append has, if it has one. It ends when this is dropped: wherever the append is then, whoever carries it,
/// and whether or not anybody still waits for its answer.
#[derive(Default)]
pub(crate) struct Turn(Option<Arc<Semaphore>>);

/// Tells when a turn has ended. It never has permits; it is only ever closed.
#[derive(Clone)]
pub(crate) struct TurnEnd(Arc<Semaphore>);

impl Turn {
    /// A turn that begins now.
    pub(crate) fn begin() -> (Self, TurnEnd) {
        let end = Arc::new(Semaphore::new(0));
        (Self(Some(Arc::clone(&end))), TurnEnd(end))
    }

    /// For whoever has the turn and gives it away: ends it where it has not ended by itself when its answer is there, or is
    /// waited for no more.
    pub(crate) fn until_answered(&self) -> impl Drop + use<> {
        Self(self.0.clone())
    }
}

impl TurnEnd {
    pub(crate) fn has_come(&self) -> bool {
        self.0.is_closed()
    }

    pub(crate) async fn come(&self) {
        // There is never a permit: what comes of it is that it was closed.
        let _ = self.0.acquire().await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(end) = &self.0 {
            end.close();
        }
    }
}

/// A copy of an append is another one, which has no turn.
impl Clone for Turn {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What is asked for is the same, whoever's turn it is.
impl PartialEq for Turn {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Turn" } else { "None" })
    }
}
