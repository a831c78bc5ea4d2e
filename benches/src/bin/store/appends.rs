//! Appends of many callers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::Utc;
use es_benches::callers::Rate;
use es_core::{
    event::EventSchema,
    recorded::{Metadata, StreamId, StreamVersion},
    store::{Append, EventStore, Expected, NewEvent},
};
use es_postgres::PostgresStore;
use tokio::task::JoinSet;

use crate::Failure;

/// Each caller stores one event after the other, where the last answer says; beside them, where that is asked for, someone
/// who wants to know all the time how far everything is settled.
pub(crate) async fn appends(
    store: &PostgresStore,
    callers: usize,
    time: Duration,
    proving: bool,
) -> Result<(), Failure> {
    let end = Arc::new(AtomicBool::new(false));
    let prover = tokio::spawn({
        let (store, end) = (store.clone(), Arc::clone(&end));
        async move {
            while proving && !end.load(Ordering::SeqCst) {
                let _ = store.settled().await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    let run = Utc::now().timestamp_micros();
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for caller in 0..callers {
        let store = store.clone();
        tasks.spawn(async move {
            let stream = StreamId::new("measured", format!("{run}-{caller}"));
            let mut version = StreamVersion::EMPTY;
            let mut times = Vec::new();
            while start.elapsed() < time {
                let begun = Instant::now();
                let request = Append::new(stream.clone(), Expected::Exact(version), vec![event()]);
                version = store.append(request).await?.version();
                times.push(begun.elapsed());
            }
            Ok::<_, Failure>(times)
        });
    }
    let rate = Rate::of(tasks, start).await;
    end.store(true, Ordering::SeqCst);
    prover.await?;
    rate?.print();
    Ok(())
}

pub(crate) fn event() -> NewEvent {
    const PAYLOAD: &str = r#"{"amount": 123450, "booked_on": "1993-01-05", "description": "PREVOD Z UCTU DUCHOD"}"#;
    NewEvent::new(EventSchema::new("Measured", 1), PAYLOAD.to_owned(), Metadata::at(Utc::now()))
}
