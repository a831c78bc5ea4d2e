//! The task that folds events into live rows.

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use super::{Progress, Shared};
use crate::{
    projection::{HandlerError, ProjectionError, ReadModel, Rows},
    recorded::Position,
    repository::RetryPolicy,
    store::{EventStore, HistoryDiverged, Page, ReadAll, StoreError, StoredEvent},
};

/// How long it waits for a store that is away, before it asks again.
const PAUSES: RetryPolicy = RetryPolicy::new().pause(Duration::from_millis(50)..Duration::from_secs(2));

/// Follows all events, from the first on, in one history after another, until something fails for good.
pub(super) async fn run<S: EventStore, R: ReadModel>(store: S, shared: Arc<Shared<R>>) {
    let mut follower = Follower { store, shared, anew: None };
    loop {
        let error = match follower.follow().await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        if matches!(error, ProjectionError::Store(StoreError::HistoryDiverged(_))) {
            tracing::warn!(table = R::TABLE, %error, "live rows are built anew");
            follower.anew = Some(Rows::new());
            follower.shared.progress.send_modify(|progress| progress.rebuilding = true);
        } else {
            tracing::error!(table = R::TABLE, %error, "live rows have stopped");
            follower.shared.progress.send_modify(|progress| progress.error = Some(Arc::new(error)));
            return;
        }
    }
}

struct Follower<S, R: ReadModel> {
    store: S,
    shared: Arc<Shared<R>>,
    /// Rows that readers do not see yet, because those of a former history reach further.
    anew: Option<Rows<R>>,
}

/// It follows for ever.
enum Never {}

impl<S: EventStore, R: ReadModel> Follower<S, R> {
    async fn follow(&mut self) -> Result<Never, ProjectionError> {
        let mut read = ReadAll::after(Position::START).event_types(R::events().iter().map(|event| event.name));
        let mut history = None;
        loop {
            let page = self.page(&read).await?;
            if let Some(known) = history.replace(page.history).filter(|&known| known != page.history) {
                return Err(StoreError::from(HistoryDiverged::new(known, page.history)).into());
            }
            self.fold(&page)?;
            let at_frontier = !page.more;
            read = read.go_on(page.upto);
            if at_frontier {
                self.store.wait_beyond(page.upto, page.history).await;
            }
        }
    }

    /// The next page, as soon as the store can be asked for it.
    async fn page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        let mut absences = 0;
        loop {
            match self.store.read_page(read).await {
                Err(error) if error.is_unavailable() && !error.is_closed() => {
                    if absences == 0 {
                        tracing::warn!(table = R::TABLE, %error, "live rows wait for the store to come back");
                    }
                    PAUSES.pause_after(absences).await;
                    absences = absences.saturating_add(1);
                }
                answer => return answer,
            }
        }
    }

    /// Folds a page. Readers see the rows before it, or behind it.
    fn fold(&mut self, page: &Page) -> Result<(), ProjectionError> {
        let Some(rows) = &mut self.anew else {
            let mut rows = self.shared.rows_mut();
            let folded = fold(&mut rows, page);
            let position = rows.position();
            drop(rows);
            self.shared.progress.send_modify(|progress| progress.position = position);
            return folded;
        };
        let folded = fold(rows, page);
        // Also where it has to stop: nothing newer will come.
        if folded.is_err() || !page.more {
            let rows = mem::take(rows);
            let position = rows.position();
            self.anew = None;
            *self.shared.rows_mut() = rows;
            self.shared.progress.send_modify(|progress| *progress = Progress { position, ..Progress::default() });
        }
        folded
    }
}

fn fold<R: ReadModel>(rows: &mut Rows<R>, page: &Page) -> Result<(), ProjectionError> {
    for stored in &page.events {
        let applied = catch_unwind(AssertUnwindSafe(|| rows.apply(stored)));
        applied.unwrap_or_else(|panic| Err(panicked(stored, panic.as_ref())))?;
    }
    rows.pass(page.upto);
    Ok(())
}

fn panicked(stored: &StoredEvent, panic: &(dyn Any + Send)) -> ProjectionError {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = format!("the handler panicked: {}", said.unwrap_or("without a text"));
    ProjectionError::handler(stored, HandlerError::new(message))
}
