//! Two repositories that remember, and writers beside them, in random order; and what was told, held against a replay.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use es_core::{RetryPolicy, prelude::*};
use futures_util::future::{join_all, join3};

use super::{Fault, Fill, Give, Purse, PurseId, Take, Watched, id, replay};

/// As many as `Told` has room for.
const PURSES: u64 = 7;

/// What was told of each purse: the coins after a version, and the newest version that anybody was told of.
#[derive(Default)]
struct Told {
    coins: Mutex<BTreeMap<(u64, u64), u64>>,
    newest: [AtomicU64; 7],
}

impl Told {
    fn newest(&self, purse: u64) -> &AtomicU64 {
        &self.newest[usize::try_from(purse).expect("a small number")]
    }

    fn tell(&self, purse: u64, version: u64, coins: u64) {
        let known = self.coins.lock().unwrap_or_else(PoisonError::into_inner).insert((purse, version), coins);
        assert!(known.is_none_or(|known| known == coins), "purse {purse} at version {version}: {known:?} and {coins}");
        self.newest(purse).fetch_max(version, Ordering::SeqCst);
    }
}

/// Numbers that only the seed decides.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

async fn commands<S: EventStore>(purses: &Repository<Purse, S>, told: &Told, seed: u64, count: u64) {
    let mut dice = Dice(seed);
    for number in 0..count {
        let purse = dice.roll(PURSES);
        let name = name(purse);
        let before = told.newest(purse).load(Ordering::SeqCst);
        let coins = dice.roll(30);
        let outcome = match dice.roll(5) {
            0 | 1 => purses.execute(&name, Give(coins)).await.ok(),
            2 => purses.execute(&name, Fill(coins)).await.ok(),
            3 => {
                // Some keys name a command that was executed before, by this caller.
                let key = format!("{seed}-{}", dice.roll(number + 1));
                let give = purses.execute(&name, Give(seed)).idempotency_key(key);
                give.await.ok()
            }
            _ => match purses.execute(&name, Take(coins)).await {
                Err(ExecuteError::Rejected(short)) => {
                    assert!(short.version >= before, "refused at {} when {before} was known", short.version);
                    told.tell(purse, short.version, short.coins);
                    continue;
                }
                other => other.ok(),
            },
        };
        // What failed says nothing about the state.
        if let Some(executed) = outcome {
            assert!(executed.replayed || executed.version.get() >= before, "told an old state");
            told.tell(purse, executed.version.get(), executed.state.coins);
        }
    }
}

fn name(purse: u64) -> PurseId {
    id(&format!("p{purse}"))
}

pub(crate) async fn what_was_told_is_what_a_replay_shows<S: EventStore>(store: &S, count: u64) {
    let (one, other) = (Watched::new(store.clone()), Watched::new(store.clone()));
    let quick = RetryPolicy::new().without_pause().attempts(1_000);
    // One remembers fewer purses than there are.
    let remembering = one.repository::<Purse>().cached(4).retry(quick);
    let patient = other.repository::<Purse>().cached(100).retry(quick.unavailable(2));
    let plain = store.repository::<Purse>().retry(quick);
    for watched in [&one, &other] {
        let mut dice = Dice(count);
        let kinds = [Fault::AnswerLost, Fault::Lost, Fault::Unavailable, Fault::OtherHistory];
        watched.at_appends((0..count).map(|_| match usize::try_from(dice.roll(40)) {
            Ok(kind @ 0..4) => kinds[kind],
            _ => Fault::None,
        }));
        watched.at_loads((0..count).map(|_| if dice.roll(40) == 0 { Fault::Unavailable } else { Fault::None }));
    }
    let told = Told::default();
    let callers = (1..=3).map(|seed| commands(&remembering, &told, seed, count));
    let others = (11..=13).map(|seed| commands(&patient, &told, seed, count));
    let writer = commands(&plain, &told, 21, count);
    join3(join_all(callers), join_all(others), writer).await;

    let told_coins = std::mem::take(&mut *told.coins.lock().unwrap_or_else(PoisonError::into_inner));
    assert!(told_coins.len() as u64 > count / 2);
    for purse in 0..PURSES {
        let replayed = replay(store, &name(purse)).await;
        for (&(_, version), coins) in told_coins.range((purse, 0)..(purse + 1, 0)) {
            let version = usize::try_from(version).expect("a small number");
            assert_eq!(replayed.get(version), Some(coins), "purse {purse} at version {version}");
        }
    }
    // What is remembered at the end leads to what is stored, even where it is old.
    for purses in [&remembering, &patient, &remembering] {
        assert!(purses.cached_states() > 0);
        for purse in 0..PURSES {
            let mut executed = purses.execute(&name(purse), Give(1)).await;
            while executed.is_err() {
                executed = purses.execute(&name(purse), Give(1)).await;
            }
            let executed = executed.expect("no fault is left");
            let replayed = replay(store, &name(purse)).await;
            assert_eq!(
                (executed.version.get(), Some(&executed.state.coins)),
                (replayed.len() as u64 - 1, replayed.last())
            );
        }
    }
}
