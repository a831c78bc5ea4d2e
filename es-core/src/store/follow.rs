//! Reading all streams page by page, to the end or for ever: the same for every store.

use std::{fmt, future::poll_fn, mem, task::Poll, time::Duration};

use futures_core::{Stream, future::BoxFuture};
use futures_util::{FutureExt as _, TryStreamExt as _, future, stream};

use super::{EventStore, HistoryDiverged, HistoryId, ReadAll, StoreError, StoredEvent};
use crate::recorded::Position;

/// The pause after a failure doubles from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A part of the order over all streams, with those of its events that were asked for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// The events that pass the request's filter, by rising position.
    pub events: Vec<StoredEvent>,
    /// Everything up to here is settled and has been looked at: no event that passes the filter and is not in `events`
    /// stands between the request's `after` and this position, now or ever.
    pub upto: Position,
    /// Whether there may be more at once behind `upto`. Otherwise `upto` is the frontier, or the request has come to its
    /// `until`.
    pub more: bool,
    /// The history that it was read from.
    pub history: HistoryId,
}

impl Page {
    /// A page, for stores.
    pub fn new(events: Vec<StoredEvent>, upto: Position, more: bool, history: HistoryId) -> Self {
        Self { events, upto, more, history }
    }
}

/// A reader that goes from page to page.
#[derive(Debug)]
struct Follower<S> {
    store: S,
    /// What was asked for at first.
    begin: ReadAll,
    /// What is to be read next.
    next: ReadAll,
    /// Whether any event was handed out.
    handed_out: bool,
    /// The history of the last page.
    history: Option<HistoryId>,
    /// Whether `next` begins at the frontier.
    at_frontier: bool,
    /// What `next` leads to, already on its way.
    ahead: Option<Ahead>,
    outage: Option<Outage>,
}

/// A page that was asked for while the one before it is still being taken. It ends with its reader.
struct Ahead(BoxFuture<'static, Result<Page, StoreError>>);

impl fmt::Debug for Ahead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Ahead").finish_non_exhaustive()
    }
}

/// A time in which the store cannot be reached.
#[derive(Debug)]
struct Outage {
    pause: Duration,
}

impl<S: EventStore> Follower<S> {
    fn new(store: S, read: ReadAll) -> Self {
        let (begin, next) = (read.clone(), read);
        Self { store, begin, next, handed_out: false, history: None, at_frontier: false, ahead: None, outage: None }
    }

    /// The next page. It does not move on where it fails.
    async fn page(&mut self) -> Result<Page, StoreError> {
        loop {
            let page = self.read().await?;
            let before = self.history.replace(page.history);
            if let Some(known) = before.filter(|&history| history != page.history) {
                // Of what was handed out, any may be gone in this history, whatever stands there now.
                if self.handed_out {
                    return Err(HistoryDiverged::new(known, page.history).into());
                }
                self.next = self.begin.clone();
                continue;
            }
            self.handed_out |= !page.events.is_empty();
            self.next = mem::replace(&mut self.next, ReadAll::after(Position::START)).go_on(page.upto);
            self.at_frontier = !page.more;
            if page.more && !page.events.is_empty() {
                self.read_ahead().await;
            }
            return Ok(page);
        }
    }

    async fn read(&mut self) -> Result<Page, StoreError> {
        match self.ahead.take() {
            Some(ahead) => ahead.0.await,
            None => self.store.read_page(&self.next).await,
        }
    }

    /// Asks for the next page, so that the store is at work on it while this one is taken, and does not wait for it.
    async fn read_ahead(&mut self) {
        let (store, next) = (self.store.clone(), self.next.clone());
        let mut page = async move { store.read_page(&next).await }.boxed();
        let there = poll_fn(|context| Poll::Ready(page.poll_unpin(context))).await;
        self.ahead = Some(Ahead(match there {
            Poll::Ready(page) => future::ready(page).boxed(),
            Poll::Pending => page,
        }));
    }

    fn has_reached_end(&self) -> bool {
        self.next.until.is_some_and(|until| self.next.after >= until)
    }

    /// The next page in which something is new; `None` behind `until`.
    async fn follow(&mut self) -> Result<Option<Page>, StoreError> {
        loop {
            if self.at_frontier && self.has_reached_end() {
                return Ok(None);
            }
            let after = self.next.after;
            match self.attempt().await {
                Ok(page) => {
                    if self.outage.take().is_some() {
                        tracing::info!(position = %after, "a subscription goes on");
                    }
                    if !page.events.is_empty() || page.upto != after {
                        return Ok(Some(page));
                    }
                }
                Err(error) if error.is_unavailable() && !error.is_closed() => self.wait_out(&error).await,
                Err(error) => return Err(error),
            }
        }
    }

    async fn attempt(&mut self) -> Result<Page, StoreError> {
        if let (true, None, Some(history)) = (self.at_frontier, &self.outage, self.history) {
            self.store.wait_beyond(self.next.after, history).await;
        }
        self.page().await
    }

    async fn wait_out(&mut self, error: &StoreError) {
        let outage = self.outage.get_or_insert_with(|| {
            tracing::warn!(position = %self.next.after, %error, "a subscription waits for the store to come back");
            Outage { pause: FIRST_PAUSE }
        });
        let pause = outage.pause;
        outage.pause = (pause * 2).min(LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
    }
}

/// All pages up to the frontier.
fn pages<S: EventStore>(store: S, read: ReadAll) -> impl Stream<Item = Result<Page, StoreError>> + Send {
    let follower = Follower::new(store, read);
    stream::try_unfold(follower, async |mut follower| {
        if follower.at_frontier {
            return Ok(None);
        }
        let page = follower.page().await?;
        Ok(Some((page, follower)))
    })
}

/// All pages, and those that come later.
pub(super) fn subscribe_pages<S: EventStore>(
    store: S,
    read: ReadAll,
) -> impl Stream<Item = Result<Page, StoreError>> + Send {
    let follower = Follower::new(store, read);
    stream::try_unfold(follower, async |mut follower| {
        let page = follower.follow().await?;
        Ok(page.map(|page| (page, follower)))
    })
}

/// The events up to the frontier.
pub(super) fn read_all<S: EventStore>(
    store: S,
    read: ReadAll,
) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send {
    events(pages(store, read))
}

/// The events, and those that come later.
pub(super) fn subscribe<S: EventStore>(
    store: S,
    read: ReadAll,
) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send {
    events(subscribe_pages(store, read))
}

fn events(
    pages: impl Stream<Item = Result<Page, StoreError>> + Send,
) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send {
    pages.map_ok(|page| stream::iter(page.events.into_iter().map(Ok))).try_flatten()
}

#[cfg(test)]
mod tests;
