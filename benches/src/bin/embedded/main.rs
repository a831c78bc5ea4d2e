//! Measures the embedded store: `embedded ROUNDS FOLDER`, in a new file in this folder.
//!
//! What is compared takes turns, in the same file: the references are written by hand with sqlx, and commit as durably.

mod by_hand;

use std::{
    env,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use bank::{
    domain::{AccountEvent, AccountId, MoneyDeposited},
    money::Money,
    summaries::AccountSummary,
};
use chrono::NaiveDate;
use es_benches::{
    callers,
    figures::Failure,
    meter::{Count, KeptMeter, LONG, Meter, MeterId, fill},
    pairs::Pairs,
};
use es_core::{
    engine::ProjectionEngine,
    prelude::*,
    store::{Append, EventStore, Expected, NewEvent},
};
use es_sqlite::SqliteStore;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use self::by_hand::ByHand;

/// How long each slice of commands takes.
const SLICE: Duration = Duration::from_secs(2);
const ACCOUNTS: usize = 2_000;
/// How many events a read model is made of.
const EVENTS: u64 = 200_000;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [rounds, folder] = arguments.as_slice() else {
        eprintln!("usage: embedded ROUNDS FOLDER");
        return Ok(ExitCode::FAILURE);
    };
    let (rounds, folder) = (rounds.parse()?, Path::new(folder));
    println!("| what | es | by hand | ratio |");
    println!("|---|---|---|---|");
    commands(&folder.join("commands.db"), rounds).await?;
    load(&folder.join("load.db"), rounds).await?;
    rebuild(&folder.join("rebuild.db"), rounds).await?;
    Ok(ExitCode::SUCCESS)
}

/// Deposits on 2,000 accounts, beside transactions of one command each.
async fn commands(path: &Path, rounds: usize) -> Result<(), Failure> {
    let store = SqliteStore::open(path).await?;
    let by_hand = ByHand::open(path).await?;
    for number_of_callers in [1, 64] {
        let mut pairs = Pairs::new("commands/s");
        for _ in 0..=rounds {
            let ours = callers::commands(&store, number_of_callers, ACCOUNTS, SLICE, true).await?;
            let reference = by_hand.commands(number_of_callers, ACCOUNTS, SLICE).await?;
            pairs.add_figures(rate(ours), rate(reference));
        }
        pairs.print(&format!("commands, callers: {number_of_callers}"));
    }
    store.close().await;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "there are not that many in a second")]
fn rate(rate: callers::Rate) -> f64 {
    rate.per_second as f64
}

/// A stream of 10,000 events, replayed; and one of as many with a snapshot behind the last.
async fn load(path: &Path, rounds: usize) -> Result<(), Failure> {
    let store = SqliteStore::open(path).await?;
    let by_hand = ByHand::open(path).await?;
    let id = MeterId("long".to_owned());
    let (meters, kept) = (store.repository::<Meter>(), store.repository::<KeptMeter>());
    fill(&store, Repository::<Meter, SqliteStore>::stream(&id), LONG).await?;
    kept.execute(&id, Count).await?;
    store.flush().await;
    let (mut replayed, mut restored) = (Pairs::new("ms"), Pairs::new("ms"));
    for _ in 0..=rounds {
        let begun = Instant::now();
        assert_eq!(meters.load(&id).await?.state.counted, LONG);
        let ours = begun.elapsed();
        let begun = Instant::now();
        assert!(by_hand.replay("meter", &id.0).await? > 0);
        replayed.add(ours, begun.elapsed());

        // Many at a time: one is over too soon for the clock of a machine with neighbours.
        let begun = Instant::now();
        for _ in 0..200 {
            kept.load(&id).await?;
        }
        let ours = begun.elapsed();
        let begun = Instant::now();
        for _ in 0..200 {
            by_hand.snapshot("kept-meter", &id.0).await?;
        }
        restored.add(ours, begun.elapsed());
    }
    replayed.print("load 10,000 events");
    restored.print("load 10,000 events with a snapshot, 200 times");
    store.close().await;
    Ok(())
}

/// The bank's summaries from the start, beside a scan of the same events that decodes them and keeps nothing.
async fn rebuild(path: &Path, rounds: usize) -> Result<(), Failure> {
    let store = SqliteStore::open(path).await?;
    let by_hand = ByHand::open(path).await?;
    let appends = (0..EVENTS).map(|number| {
        let stream = StreamId::new("account", (number % ACCOUNTS as u64).to_string());
        let deposit = MoneyDeposited {
            amount: Money::from_minor(i64::try_from(number % 1_000 + 1).unwrap_or(1)),
            description: "PREVOD Z UCTU DUCHOD".to_owned(),
            booked_on: NaiveDate::default(),
        };
        let store = &store;
        async move {
            let event = NewEvent::encode(&AccountEvent::Deposited(deposit), Metadata::at(Utc::now()))?;
            store.append(Append::new(stream, Expected::Any, vec![event])).await?;
            Ok::<_, Failure>(())
        }
    });
    stream::iter(appends).buffer_unordered(256).try_collect::<()>().await?;
    let mut pairs = Pairs::new("ms");
    for _ in 0..=rounds {
        by_hand.forget_summaries().await?;
        let begun = Instant::now();
        ProjectionEngine::new(&store).read_model::<AccountSummary>().run_to_frontier().await?;
        let ours = begun.elapsed();
        let begun = Instant::now();
        let sum = by_hand.scan().await?;
        pairs.add(ours, begun.elapsed());
        let summaries = store.read_model::<AccountSummary>();
        let row = summaries.get(&AccountId("7".to_owned())).await?.ok_or("no row")?;
        assert!(sum > 0 && row.transaction_count > 0);
    }
    pairs.print("read model of 200,000 events over 2,000 accounts; by hand: scan and decode only");
    store.close().await;
    Ok(())
}
