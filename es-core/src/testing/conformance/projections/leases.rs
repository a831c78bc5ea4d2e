//! Rules for claims that run out. The leases are short, and the rules ask until something has come about; what must not
//! come about is only asserted where so little time went by that it could not.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    LONG, advance, alive, begin, claim, commit, define_rules, eventually, from_to, id, prepare, read_model, row, seen,
    shard, state, write,
};
use crate::projection::{Claim, EngineInfo, ProjectionStore, Roster};

define_rules! {
    "a claim is taken over only after its lease has run out, and is void from then on" => taken_over,
    "a lease runs on from each keep_alive" => kept_alive,
    "a lease runs on from each move of the checkpoint" => moved,
    "a lease runs on from the beginning of each transaction that is committed" => in_batches,
    "a claim whose lease has run out is not taken over while its owner works in a transaction" => busy,
    "the transaction of an owner that does nothing for longer than its lease is ended" => frozen,
    "an engine is gone from rosters when its lease has run out, and so is its name at its shards" => gone,
    "a claim that was taken over is not renewed" => not_renewed,
}

const SHORT: Duration = Duration::from_millis(300);

async fn takes_over<S: ProjectionStore>(store: &S, engine: &EngineInfo) -> Claim {
    eventually!("the claim is taken over", claim(store, engine, shard(id(1), 0)).await)
}

async fn taken_over<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let (first, second) = (alive(&store, "first", SHORT).await, alive(&store, "second", LONG).await);
    let begun = Instant::now();
    let old = claim(&store, &first, shard(id(1), 0)).await.expect("nobody owns it");
    let new = takes_over(&store, &second).await;
    assert!(begun.elapsed() >= SHORT, "it was taken over after {:?}", begun.elapsed());
    assert!(new.epoch > old.epoch);
    assert!(!advance(&store, &old, 0, 1).await, "the old claim is void");
    assert!(advance(&store, &new, 0, 1).await);
}

/// How a claim is renewed.
#[derive(Clone, Copy)]
enum Renewal {
    KeepAlive,
    Advance,
    Begin,
}

impl Renewal {
    async fn renew<S: ProjectionStore>(self, store: &S, engine: &EngineInfo, held: &Claim, times: u64) {
        match self {
            Self::KeepAlive => drop(store.keep_alive(engine, &[*held]).await.expect("an answer")),
            Self::Advance => drop(advance(store, held, times, times + 1).await),
            Self::Begin => {
                let step = from_to(store, times, times + 1).await;
                if let Some(open) = store.begin(held, &step).await.expect("an answer") {
                    commit(store, open).await;
                }
            }
        }
    }
}

/// That a claim outlives its first lease by far, when it is renewed again and again.
async fn outlives<S: ProjectionStore>(store: S, renewal: Renewal) {
    prepare(&store, read_model(1)).await;
    let (first, second) = (alive(&store, "first", SHORT).await, alive(&store, "second", LONG).await);
    let held = claim(&store, &first, shard(id(1), 0)).await.expect("nobody owns it");
    let begun = Instant::now();
    let mut times = 0;
    while begun.elapsed() < 3 * SHORT {
        let renewed = Instant::now();
        renewal.renew(&store, &first, &held, times).await;
        times += 1;
        let taken = claim(&store, &second, held.shard).await;
        // On a machine that stood still in between, it may rightly be gone.
        if renewed.elapsed() < SHORT {
            assert_eq!(taken, None, "after renewal {times}, {:?} ago", renewed.elapsed());
        } else if taken.is_some() {
            return;
        }
        tokio::time::sleep(SHORT / 10).await;
    }
}

async fn kept_alive<S: ProjectionStore>(store: S) {
    outlives(store, Renewal::KeepAlive).await;
}

async fn moved<S: ProjectionStore>(store: S) {
    outlives(store, Renewal::Advance).await;
}

async fn in_batches<S: ProjectionStore>(store: S) {
    outlives(store, Renewal::Begin).await;
}

async fn busy<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let (first, second) = (alive(&store, "first", 3 * SHORT).await, alive(&store, "second", LONG).await);
    let held = claim(&store, &first, shard(id(1), 0)).await.expect("nobody owns it");
    let mut last = Instant::now();
    let mut transaction = begin(&store, &held, 0, 1).await;
    let begun = Instant::now();
    while begun.elapsed() < 6 * SHORT {
        let worked = Instant::now();
        let works = store.load_rows(&mut transaction, &super::table(1), &["a".to_owned()]).await;
        let taken = claim(&store, &second, held.shard).await;
        // On a machine that stood still in between, it may rightly be ended.
        if last.elapsed() >= SHORT {
            return;
        }
        works.expect("it is not ended while it is worked with");
        assert_eq!(taken, None);
        last = worked;
        tokio::time::sleep(SHORT / 10).await;
    }
    commit(&store, transaction).await;
    takes_over(&store, &second).await;
}

async fn frozen<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let (first, second) = (alive(&store, "first", SHORT).await, alive(&store, "second", LONG).await);
    let held = claim(&store, &first, shard(id(1), 0)).await.expect("nobody owns it");
    let mut transaction = begin(&store, &held, 0, 1).await;
    write(&store, &mut transaction, 1, &[row("a", 1)], &[]).await;
    let new = takes_over(&store, &second).await;
    assert_eq!(new.position.get(), 0);
    let late = store.commit(transaction).await;
    assert!(late.is_err(), "it came too late");
    assert_eq!(seen(&store, 1, "a").await, None);
    assert!(advance(&store, &new, 0, 1).await);
}

async fn gone<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let (first, second) = (alive(&store, "first", SHORT).await, alive(&store, "second", LONG).await);
    claim(&store, &first, shard(id(1), 0)).await.expect("nobody owns it");
    let is_gone = |roster: Roster| roster.engines.iter().all(|(engine, _)| *engine != first.id).then_some(roster);
    let roster = eventually!("the engine is gone", is_gone(store.roster(&[id(1)]).await.expect("an answer")));
    assert!(roster.engines.iter().any(|(engine, _)| *engine == second.id));
    assert!(is_gone(store.keep_alive(&second, &[]).await.expect("an answer")).is_some());
    eventually!("its name is gone", state(&store, shard(id(1), 0)).await.owner.is_none().then_some(()));
}

async fn not_renewed<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let (first, second) = (alive(&store, "first", SHORT).await, alive(&store, "second", SHORT).await);
    let old = claim(&store, &first, shard(id(1), 0)).await.expect("nobody owns it");
    let new = takes_over(&store, &second).await;
    store.keep_alive(&EngineInfo { lease: LONG, ..first }, &[old]).await.expect("an answer");
    let third = alive(&store, "third", LONG).await;
    let last = takes_over(&store, &third).await;
    assert!(last.epoch > new.epoch, "neither the old claim nor that of another was renewed");
    let owner = state(&store, new.shard).await.owner;
    assert_eq!(owner, Some((third.id, "third".to_owned())));
    store.keep_alive(&EngineInfo { lease: LONG, ..second }, &[new]).await.expect("an answer");
    assert_eq!(state(&store, new.shard).await.owner, owner);
    assert!(advance(&store, &last, 0, 1).await);
}
