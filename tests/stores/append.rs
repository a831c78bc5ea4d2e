//! Appends: races, and callers that go away.

use std::time::Duration;

use es_core::{prelude::*, store::Load};
use tokio::time::timeout;

use super::{Database, Home, append, stored, stream};

pub(crate) async fn parallel_writers_succeed_once_per_version<D: Database>(database: &D) {
    const WRITERS: usize = 8;
    const VERSIONS: u64 = 40;
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        // Each writer has connections of its own, as processes would.
        let store = database.open().await;
        writers.push(tokio::spawn(async move {
            let mut won = Vec::new();
            let mut version = 0;
            while version < VERSIONS {
                let expected = Expected::Exact(StreamVersion::new(version));
                match store.append(append("a", expected, 1)).await {
                    Ok(appended) => {
                        won.push(appended.version().get());
                        version += 1;
                    }
                    Err(StoreError::Conflict(conflict)) => version = conflict.actual.get(),
                    Err(other) => panic!("{other}"),
                }
            }
            won
        }));
    }
    let mut won = Vec::new();
    for writer in writers {
        won.extend(writer.await.expect("a writer"));
    }
    won.sort_unstable();
    assert_eq!(won, (1..=VERSIONS).collect::<Vec<_>>(), "each version has just one success");
    assert_eq!(database.count("a").await, VERSIONS);
}

pub(crate) async fn a_stale_writer_takes_no_position<H: Home>(home: &H) {
    let store = home.open().await;
    let first = store.append(append("a", Expected::NoStream, 1)).await.expect("an append").position();
    for _ in 0..20 {
        store.append(append("a", Expected::NoStream, 5)).await.expect_err("a conflict");
    }
    let second = store.append(append("a", Expected::Any, 1)).await.expect("an append").position();
    assert_eq!(second.get(), first.get() + 1);
}

/// Each time it is dropped at another moment, and the connection that it was on goes on to be used.
pub(crate) async fn a_dropped_append_is_done_or_not_done_and_can_be_sent_again<D: Database>(database: &D) {
    let store = database.open().await;
    for round in 0..100_u64 {
        let id = format!("a{round}");
        let request = append(&id, Expected::Any, 3);
        let _ = timeout(Duration::from_micros(round * 40), store.append(request.clone())).await;
        let _ = timeout(Duration::from_micros(round * 40), store.archive(stream("none"))).await;
        let _ = timeout(Duration::from_micros(round * 10), store.load(Load::new(stream(&id)))).await;
        store.append(request).await.expect("it can be sent again");
        assert_eq!((stored(&store, &id).await.len(), database.count(&id).await), (3, 3));
    }
}
