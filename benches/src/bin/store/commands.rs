//! Commands and appends of many callers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bank::{
    domain::{Account, AccountId, Deposit, OpenAccount},
    money::Money,
};
use chrono::{NaiveDate, Utc};
use es_core::{
    event::EventSchema,
    recorded::{Metadata, StreamId, StreamVersion},
    store::{Append, EventStore, Expected, NewEvent},
};
use es_postgres::PostgresStore;
use tokio::task::JoinSet;

use crate::Failure;

/// Each caller executes one deposit after the other, on accounts in an order of its own.
pub(crate) async fn commands(
    store: &PostgresStore,
    callers: usize,
    accounts: usize,
    time: Duration,
    cached: bool,
) -> Result<(), Failure> {
    let mut repository = store.repository::<Account>();
    if cached {
        repository = repository.cached(accounts * 2);
    }
    let ids: Arc<Vec<_>> = Arc::new((0..accounts).map(|account| AccountId(account.to_string())).collect());
    open(&repository, &ids).await;
    // What was opened in an earlier slice is brought into the cache.
    let warm = ids.iter().cloned().map(|id| (id, deposit()));
    for warmed in repository.execute_all(warm).await {
        warmed?;
    }
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for caller in 0..callers {
        let (repository, ids) = (repository.clone(), Arc::clone(&ids));
        tasks.spawn(async move {
            let mut times = Vec::new();
            let mut random = caller as u64 + 1;
            while start.elapsed() < time {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let id = &ids[usize::try_from(random >> 33)? % ids.len()];
                let begun = Instant::now();
                repository.execute(id, deposit()).run().await?;
                times.push(begun.elapsed());
            }
            Ok::<_, Failure>(times)
        });
    }
    report(tasks, start).await
}

async fn open<S: EventStore>(repository: &es_core::Repository<Account, S>, ids: &[AccountId]) {
    let open = ids.iter().cloned().map(|id| {
        (
            id,
            OpenAccount {
                owner: "measured".to_owned(),
                overdraft: Money::from_minor(0),
                booked_on: NaiveDate::default(),
            },
        )
    });
    // Those that are open already stay as they are.
    repository.execute_all(open).await;
}

fn deposit() -> Deposit {
    let description = "PREVOD Z UCTU DUCHOD".to_owned();
    Deposit { amount: Money::from_minor(1), description, booked_on: NaiveDate::default() }
}

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
    let reported = report(tasks, start).await;
    end.store(true, Ordering::SeqCst);
    prover.await?;
    reported
}

pub(crate) fn event() -> NewEvent {
    const PAYLOAD: &str = r#"{"amount": 123450, "booked_on": "1993-01-05", "description": "PREVOD Z UCTU DUCHOD"}"#;
    NewEvent::new(EventSchema::new("Measured", 1), PAYLOAD.to_owned(), Metadata::at(Utc::now()))
}

async fn report(mut tasks: JoinSet<Result<Vec<Duration>, Failure>>, start: Instant) -> Result<(), Failure> {
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let elapsed = start.elapsed();
    times.sort_unstable();
    let at = |hundredth: usize| times.get(times.len() * hundredth / 100).map_or(0, Duration::as_micros);
    let rate = times.len() as u128 * 1_000_000 / elapsed.as_micros();
    println!("per_second={rate} median_us={} p99_us={}", at(50), at(99));
    Ok(())
}
