//! Measures projections on the PostgreSQL store: `projections WHAT [ARGUMENT ..]`, on the server that `DATABASE_URL` names.
//!
//! What has a reference written by hand is measured beside it, in turn. The processor time is that of this process and of the
//! server with all its processes, as Linux tells it.
//!
//! ```text
//! projections head                   the head of the table whose lines the others print
//! projections fill EVENTS ACCOUNTS   deposits, so that there are that many events
//! projections rebuild NAME ROUNDS    a read model from the start, beside a scan by hand
//! projections sql ROUNDS             one statement for each event, beside the same by hand
//! projections shards ROUNDS          both of them with four shards, beside one
//! projections memory                 a read model from the start, once: the most memory that it takes
//! ```

mod by_hand;
mod domain;
mod processor;
mod rounds;
mod runs;

use std::{env, error::Error, process::ExitCode};

use es_postgres::PostgresStore;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if arguments == ["head"] {
        rounds::print_head();
        return Ok(ExitCode::SUCCESS);
    }
    let store = PostgresStore::connect(&env::var("DATABASE_URL")?).await?;
    store.migrate().await?;
    match arguments.as_slice() {
        ["fill", events, accounts] => domain::fill(&store, events.parse()?, accounts.parse()?).await?,
        ["rebuild", name, rounds] => runs::rebuild(&store, name, rounds.parse()?).await?,
        ["sql", rounds] => runs::sql(&store, rounds.parse()?).await?,
        ["shards", rounds] => runs::shards(&store, rounds.parse()?).await?,
        ["memory"] => runs::memory_of_a_rebuild(&store).await?,
        _ => {
            eprintln!("usage: projections fill|rebuild|sql|shards|memory ..; the head of its source says what with");
            return Ok(ExitCode::FAILURE);
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
