//! How many appends, or commands, many callers of one store get done: `callers append|command CALLERS SECONDS`.
//!
//! Each caller has a stream of its own and sends one request after the other. `append` stores one event at the version
//! that the last answer gave; `command` executes a deposit, which loads, decides and appends. The store is the one that
//! `DATABASE_URL` names; `scripts/bench-callers` runs this beside the machine's own rate of INSERTs. One line comes out:
//! requests per second, and the median and the 99th percentile of their time in microseconds.

use std::{
    env,
    error::Error,
    process::ExitCode,
    time::{Duration, Instant},
};

use bank::domain::{Account, AccountId, Deposit, OpenAccount};
use bank::money::Money;
use chrono::{NaiveDate, Utc};
use es_core::{
    event::EventSchema,
    recorded::{Metadata, StreamId, StreamVersion},
    store::{Append, EventStore, Expected, NewEvent},
};
use es_postgres::PostgresStore;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, callers, seconds] = arguments.as_slice() else {
        eprintln!("usage: callers append|command CALLERS SECONDS");
        return Ok(ExitCode::FAILURE);
    };
    let time = Duration::from_secs(seconds.parse()?);
    let store = PostgresStore::connect(&env::var("DATABASE_URL")?).await?;
    store.migrate().await?;
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for caller in 0..callers.parse()? {
        let store = store.clone();
        if what == "append" {
            tasks.spawn(append(store, caller, started + time));
        } else {
            tasks.spawn(command(store, caller, started + time));
        }
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let elapsed = started.elapsed();
    store.close().await;
    times.sort_unstable();
    let at = |hundredth: usize| times.get(times.len() * hundredth / 100).map_or(0, Duration::as_micros);
    let rate = times.len() as u128 * 1_000_000 / elapsed.as_micros();
    println!("per_second={rate} median_us={} p99_us={}", at(50), at(99));
    Ok(ExitCode::SUCCESS)
}

/// Stores one event after the other, each where the last answer says.
async fn append(store: PostgresStore, caller: u32, end: Instant) -> Result<Vec<Duration>, Failure> {
    const PAYLOAD: &str = r#"{"amount": 123450, "booked_on": "1993-01-05", "description": "PREVOD Z UCTU DUCHOD"}"#;
    let stream = StreamId::new("measured", caller.to_string());
    let mut version = StreamVersion::EMPTY;
    let mut times = Vec::new();
    loop {
        let start = Instant::now();
        if start > end {
            return Ok(times);
        }
        let event = NewEvent::new(EventSchema::new("Measured", 1), PAYLOAD.to_owned(), Metadata::at(Utc::now()));
        let request = Append::new(stream.clone(), Expected::Exact(version), vec![event]);
        version = store.append(request).await?.version();
        times.push(start.elapsed());
    }
}

/// Executes one deposit after the other.
async fn command(store: PostgresStore, caller: u32, end: Instant) -> Result<Vec<Duration>, Failure> {
    let accounts = store.repository::<Account>();
    let id = AccountId(caller.to_string());
    let booked_on = NaiveDate::default();
    let open = OpenAccount { owner: "measured".to_owned(), overdraft: Money::from_minor(0), booked_on };
    accounts.execute(&id, open).await?;
    let mut times = Vec::new();
    loop {
        let start = Instant::now();
        if start > end {
            return Ok(times);
        }
        let description = "PREVOD Z UCTU DUCHOD".to_owned();
        accounts.execute(&id, Deposit { amount: Money::from_minor(1), description, booked_on }).await?;
        times.push(start.elapsed());
    }
}
