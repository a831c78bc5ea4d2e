//! Subscriptions and readers of all events: what they cost others.

use std::{pin::pin, time::Duration};

use es_core::{
    prelude::*,
    store::{Load, ReadAll, StoredEvent},
};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::time::timeout;

use super::{Database, append, positions, stream};

/// Until a test that waits for what does not come is given up.
pub(crate) const LONG: Duration = Duration::from_mins(1);

pub(crate) fn all() -> ReadAll {
    ReadAll::after(Position::START)
}

pub(crate) async fn next<S>(events: &mut S, count: usize) -> Vec<u64>
where
    S: Stream<Item = Result<StoredEvent, StoreError>> + Unpin,
{
    let events: Vec<_> = timeout(LONG, events.take(count).try_collect()).await.expect("they come").expect("it goes on");
    positions(&events)
}

pub(crate) async fn a_long_stretch_of_others_is_looked_at_once<D: Database>(database: &D) {
    let store = database.open().await;
    database.insert_others(250_000).await;
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    let mut request = all().event_types(["Tested"]);
    let (mut steps, mut found) = (0, 0);
    loop {
        let page = store.read_page(&request).await.expect("a page");
        assert!(page.upto > request.after || !page.more, "no ground is looked at twice: {page:?}");
        assert!(page.upto.get() - request.after.get() <= 100_000, "a page comes to its end soon: {page:?}");
        (steps, found) = (steps + 1, found + page.events.len());
        request = request.go_on(page.upto);
        if !page.more {
            break;
        }
    }
    assert_eq!((request.after.get(), found), (250_001, 1));
    assert!(steps <= 6, "{steps} pages");
    // The streams' index leads there in one step.
    let page = store.read_page(&all().streams([stream("a")])).await.expect("a page");
    assert_eq!((page.upto.get(), page.events.len()), (250_001, 1));
}

pub(crate) async fn a_reader_that_takes_its_time_keeps_no_connection<D: Database>(database: &D) {
    let store = database.open_with_connections(1).await;
    for _ in 0..100 {
        store.append(append("a", Expected::Any, 100)).await.expect("an append");
    }
    let mut events = pin!(store.read_all(all()));
    // With the first event the next page is asked for, and from here on nobody polls for it.
    assert_eq!(next(&mut events, 1).await, [1]);
    let load = timeout(LONG / 6, store.load(Load::new(stream("a")))).await.expect("the connection is free again");
    assert_eq!(load.expect("a load").events.len(), 10_000);
    assert_eq!(next(&mut events, 9_999).await, (2..=10_000).collect::<Vec<_>>());
}
