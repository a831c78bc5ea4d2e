//! Measures the PostgreSQL store: `store WHAT [ARGUMENT ..]`, on the server that `DATABASE_URL` names.
//!
//! Commands and appends are measured in slices of some seconds, beside which `scripts/bench-store` runs pgbench; each slice
//! prints one line. What has a reference written by hand is measured here beside it, in turn.
//!
//! ```text
//! store commands CALLERS ACCOUNTS SECONDS cached|uncached   one deposit after the other by each caller
//! store appends CALLERS SECONDS [proving]                   one event after the other by each, to a stream of its own
//! store load ROUNDS                                         a stream of 10,000 events, with and without a snapshot
//! store scan EVENTS ROUNDS                                  all events, decoded
//! store visible APPENDS                                     from an append to its event in a subscription
//! ```

mod appends;
mod following;
mod reading;

use std::{env, process::ExitCode, time::Duration};

use es_benches::{callers, figures::Failure};
use es_postgres::PostgresStore;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let store = PostgresStore::connect(&env::var("DATABASE_URL")?).await?;
    store.migrate().await?;
    let seconds = |text: &str| text.parse().map(Duration::from_secs);
    match arguments.as_slice() {
        ["commands", callers, accounts, time, cache] => {
            let (callers, accounts) = (callers.parse()?, accounts.parse()?);
            callers::commands(&store, callers, accounts, seconds(time)?, *cache == "cached").await?.print();
        }
        ["appends", callers, time, rest @ ..] => {
            appends::appends(&store, callers.parse()?, seconds(time)?, rest == ["proving"]).await?;
        }
        ["load", rounds] => reading::load(&store, rounds.parse()?).await?,
        ["scan", events, rounds] => reading::scan(&store, events.parse()?, rounds.parse()?).await?,
        ["visible", appends] => following::visible(&store, appends.parse()?).await?,
        _ => {
            eprintln!("usage: store commands|appends|load|scan|visible ..; the head of its source says what with");
            return Ok(ExitCode::FAILURE);
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
