//! Many callers, each of whom does one thing after the other.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bank::{
    domain::{Account, AccountId, Deposit, OpenAccount},
    money::Money,
};
use chrono::NaiveDate;
use es_core::store::EventStore;
use tokio::task::JoinSet;

use crate::figures::Failure;

/// Each caller executes one deposit after the other, on accounts in an order of its own.
///
/// # Errors
/// What the store says.
pub async fn commands<S: EventStore>(
    store: &S,
    callers: usize,
    accounts: usize,
    time: Duration,
    cached: bool,
) -> Result<Rate, Failure> {
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
    Rate::of(tasks, start).await
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

/// How much was done, and how long each took.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// How many in a second.
    pub per_second: u128,
    /// In microseconds, half of them took no longer.
    pub median_us: u128,
    /// In microseconds, of a hundred 99 took no longer.
    pub p99_us: u128,
}

impl Rate {
    /// Waits for callers that began at one time.
    ///
    /// # Errors
    /// That of the first who failed.
    pub async fn of(mut tasks: JoinSet<Result<Vec<Duration>, Failure>>, start: Instant) -> Result<Self, Failure> {
        let mut times = Vec::new();
        while let Some(done) = tasks.join_next().await {
            times.extend(done??);
        }
        let elapsed = start.elapsed();
        times.sort_unstable();
        let at = |hundredth: usize| times.get(times.len() * hundredth / 100).map_or(0, Duration::as_micros);
        let per_second = times.len() as u128 * 1_000_000 / elapsed.as_micros();
        Ok(Self { per_second, median_us: at(50), p99_us: at(99) })
    }

    /// Prints it for programs.
    pub fn print(self) {
        let Self { per_second, median_us, p99_us } = self;
        println!("per_second={per_second} median_us={median_us} p99_us={p99_us}");
    }
}
