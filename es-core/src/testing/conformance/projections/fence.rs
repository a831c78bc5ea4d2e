//! Rules for the fence.

use std::pin::pin;

use futures_util::future::{Either, select};

use super::{
    LONG, advance, alive, at, begin, claim, commit, define_rules, from_to, id, is_refused, owned, prepare, read_model,
    row, seen, shard, state, write,
};
use crate::{
    projection::{Activity, Advance, Claim, EngineId, Failure, ProjectionStore, ShardId},
    store::HistoryId,
};

define_rules! {
    "a fence lets nothing through whose engine, epoch, position, shard or history is another" => wrong_parts,
    "a fence lets nothing through while the shard is paused or stopped" => not_running,
    "what an owner wrote before it was paused is refused when it comes late" => late_owner,
    "a fence lets the same move through once" => once,
    "nothing passes a fence while a transaction is open that has passed it" => one_at_a_time,
}

fn failure() -> Failure {
    Failure::new(at(3), "Counted".to_owned(), "a test".to_owned(), 1)
}

/// That each way through the fence is closed, and that nothing has changed.
async fn refuses<S: ProjectionStore>(store: &S, what: &str, claim: &Claim, advance: &Advance) {
    let before = store.roster(&[id(1)]).await.expect("an answer");
    assert!(is_refused(store.begin(claim, advance).await), "{what}: a transaction was opened");
    let moved = store.advance(claim, advance).await.map(|moved| moved.then_some(()));
    assert!(is_refused(moved), "{what}: the checkpoint was moved");
    assert_eq!(store.roster(&[id(1)]).await.expect("an answer"), before, "{what}");
}

/// That a shard is not stopped, and that nothing has changed.
async fn does_not_stop<S: ProjectionStore>(store: &S, what: &str, claim: &Claim, from: u64) {
    let before = store.roster(&[id(1)]).await.expect("an answer");
    assert!(!store.stop(claim, at(from), &failure()).await.expect("an answer"), "{what}: the shard was stopped");
    assert_eq!(store.roster(&[id(1)]).await.expect("an answer"), before, "{what}");
}

async fn wrong_parts<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    assert!(advance(&store, &claim, 0, 2).await);
    let right = from_to(&store, 2, 3).await;
    let wrong = [
        ("another engine", Claim { engine: EngineId::random(), ..claim }),
        ("an earlier epoch", Claim { epoch: claim.epoch - 1, ..claim }),
        ("a later epoch", Claim { epoch: claim.epoch + 1, ..claim }),
        ("a shard that is not there", Claim { shard: shard(id(1), 7), ..claim }),
        ("a version that is not there", Claim { shard: shard(id(9), 0), ..claim }),
        (
            "an unknown name",
            Claim {
                shard: ShardId { projection: super::ProjectionId { name: "other", version: 1 }, shard: 0 },
                ..claim
            },
        ),
    ];
    for (what, wrong) in wrong {
        refuses(&store, what, &wrong, &right).await;
        does_not_stop(&store, what, &wrong, 2).await;
    }
    for from in [0, 1, 3] {
        let wrong = Advance { from: at(from), to: at(4), ..right };
        refuses(&store, "another position", &claim, &wrong).await;
        does_not_stop(&store, "another position", &claim, from).await;
    }
    refuses(&store, "another history", &claim, &Advance { history: HistoryId::new(), ..right }).await;
    assert!(store.advance(&claim, &right).await.expect("an answer"), "the right one passes");
}

async fn not_running<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    let right = from_to(&store, 0, 1).await;
    store.set_activity(id(1), Activity::Paused).await.expect("it can be paused");
    refuses(&store, "it is paused", &claim, &right).await;
    does_not_stop(&store, "it is paused", &claim, 0).await;
    store.set_activity(id(1), Activity::Running).await.expect("it can be resumed");
    assert!(store.stop(&claim, at(0), &failure()).await.expect("an answer"));
    refuses(&store, "it is stopped", &claim, &right).await;
    let claim = owned(&store, 1).await;
    refuses(&store, "it is stopped", &claim, &right).await;
    does_not_stop(&store, "it is stopped", &claim, 0).await;
    store.set_activity(id(1), Activity::Running).await.expect("it can be resumed");
    assert!(store.advance(&claim, &right).await.expect("an answer"));
}

async fn late_owner<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let early = owned(&store, 1).await;
    store.release(&early).await.expect("an answer");
    let other = alive(&store, "other", LONG).await;
    let later = claim(&store, &other, early.shard).await.expect("it was released");
    let right = from_to(&store, 0, 1).await;
    refuses(&store, "it was released", &early, &right).await;
    let mut transaction = begin(&store, &later, 0, 1).await;
    write(&store, &mut transaction, 1, &[row("a", 1)], &[]).await;
    commit(&store, transaction).await;
    refuses(&store, "it was released", &early, &from_to(&store, 1, 2).await).await;
    assert_eq!(seen(&store, 1, "a").await, Some(1));
}

async fn once<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    let right = from_to(&store, 0, 1).await;
    let transaction = begin(&store, &claim, 0, 1).await;
    commit(&store, transaction).await;
    refuses(&store, "it was done before", &claim, &right).await;
    assert_eq!(state(&store, claim.shard).await.applied, 1);
}

async fn one_at_a_time<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    let step = from_to(&store, 0, 1).await;
    let mut open = begin(&store, &claim, 0, 1).await;
    let written = async {
        for _ in 0..3 {
            write(&store, &mut open, 1, &[row("a", 1)], &[]).await;
        }
        open
    };
    // Whoever does not wait for the end of the transaction may be refused, or told to come again.
    let second = match select(pin!(store.advance(&claim, &step)), pin!(written)).await {
        Either::Left((answer, written)) => {
            commit(&store, written.await).await;
            answer
        }
        Either::Right((open, second)) => {
            commit(&store, open).await;
            second.await
        }
    };
    assert!(!matches!(second, Ok(true)), "it was let through");
    let state = state(&store, claim.shard).await;
    assert_eq!((state.position.get(), state.applied), (1, 1));
}
