//! How soon an event that was appended is seen by a subscription.

use std::{
    env,
    time::{Duration, Instant},
};

use es_core::{
    recorded::StreamId,
    store::{Append, EventStore, Expected, ReadAll},
};
use es_postgres::PostgresStore;
use futures_util::StreamExt as _;
use tokio::{sync::mpsc, time::sleep};

use crate::{Failure, appends::event};

/// From the call of an append to its event in a subscription of the same store, and in one of another, which is all that
/// another process is to it. Between appends is idleness.
pub(crate) async fn visible(store: &PostgresStore, appends: usize) -> Result<(), Failure> {
    let other = PostgresStore::connect(&env::var("DATABASE_URL")?).await?;
    for (place, reader) in [("same", store.clone()), ("other", other)] {
        let after = store.settled().await?;
        let (seen, mut arrivals) = mpsc::unbounded_channel();
        let follower = tokio::spawn(async move {
            let mut events = std::pin::pin!(reader.subscribe(ReadAll::after(after)));
            while let Some(event) = events.next().await {
                if event.is_err() || seen.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
        sleep(Duration::from_millis(500)).await;
        let mut times = Vec::new();
        for number in 0..appends {
            sleep(Duration::from_millis(20 + number as u64 % 30)).await;
            let begun = Instant::now();
            store.append(Append::new(StreamId::new("seen", place), Expected::Any, vec![event()])).await?;
            let arrived = arrivals.recv().await.ok_or("the subscription ended")?;
            times.push(arrived.duration_since(begun));
        }
        follower.abort();
        times.sort_unstable();
        let at = |hundredth: usize| times.get(times.len() * hundredth / 100).map_or(0, Duration::as_micros);
        println!("visible place={place} median_us={} p99_us={}", at(50), at(99));
    }
    Ok(())
}
