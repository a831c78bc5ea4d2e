//! Rules for claims, but for those that run out.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::{
    LONG, advance, alive, begin, claim, commit, define_rules, id, is_refused, owned, prepare, read_model, shard,
    sharded, state,
};
use crate::projection::ProjectionStore;

define_rules! {
    "of many engines that claim a shard at once one succeeds" => race,
    "each claim has a higher epoch than all before it, and says where the shard stands" => epochs,
    "an engine that claims what it owns has a new claim, and its older one is void" => again,
    "a shard is not claimed by another engine, nor one that is not there" => owned_by_another,
    "nobody claims a shard while a transaction of its owner is open" => open,
    "a claim that is given back is free at once, and one that is void gives nothing back" => released,
    "an engine that leaves gives back all its claims, and no others" => left,
    "a shard that is paused or stopped can be claimed" => idle,
}

async fn race<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let mut racers = Vec::new();
    for number in 0..16 {
        racers.push(alive(&store, &format!("racer {number}"), LONG).await);
    }
    let mut epochs = HashSet::new();
    for _ in 0..4 {
        let claims = racers.iter().cloned().map(|engine| {
            let store = store.clone();
            tokio::spawn(async move { claim(&store, &engine, shard(id(1), 0)).await })
        });
        let claims = join_all(claims).await.into_iter().filter_map(|claim| claim.expect("it does not panic"));
        let [claim] = claims.collect::<Vec<_>>()[..] else { panic!("not one of them won") };
        let owner = state(&store, claim.shard).await.owner.map(|(engine, _)| engine);
        assert_eq!(owner, Some(claim.engine));
        assert!(epochs.insert(claim.epoch));
        store.release(&claim).await.expect("an answer");
    }
}

async fn epochs<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let mut last = None;
    for position in 0..5 {
        let engine = alive(&store, "one of many", LONG).await;
        let claim = claim(&store, &engine, shard(id(1), 0)).await.expect("it was given back");
        assert!(Some(claim.epoch) > last, "{} does not come after {last:?}", claim.epoch);
        assert_eq!((claim.engine, claim.shard, claim.lease), (engine.id, shard(id(1), 0), LONG));
        assert_eq!(claim.position.get(), position);
        last = Some(claim.epoch);
        assert!(advance(&store, &claim, position, position + 1).await);
        store.release(&claim).await.expect("an answer");
    }
}

async fn again<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let engine = alive(&store, "owner", LONG).await;
    let first = claim(&store, &engine, shard(id(1), 0)).await.expect("nobody owns it");
    let second = claim(&store, &engine, shard(id(1), 0)).await.expect("it owns it");
    assert!(second.epoch > first.epoch);
    let step = super::from_to(&store, 0, 1).await;
    assert!(is_refused(store.begin(&first, &step).await));
    store.release(&first).await.expect("an answer");
    assert!(advance(&store, &second, 0, 1).await, "the older claim gives nothing back");
}

async fn owned_by_another<S: ProjectionStore>(store: S) {
    prepare(&store, sharded(1, 2)).await;
    let first = owned(&store, 1).await;
    let other = alive(&store, "other", LONG).await;
    assert_eq!(claim(&store, &other, first.shard).await, None);
    assert_eq!(claim(&store, &other, shard(id(1), 2)).await, None, "it is not there");
    assert_eq!(claim(&store, &other, shard(id(2), 0)).await, None, "it is not there");
    assert!(claim(&store, &other, shard(id(1), 1)).await.is_some(), "nobody owns it");
    assert!(advance(&store, &first, 0, 1).await, "the claim still holds");
}

async fn open<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let first = owned(&store, 1).await;
    let transaction = begin(&store, &first, 0, 1).await;
    let other = alive(&store, "other", LONG).await;
    assert_eq!(claim(&store, &other, first.shard).await, None);
    commit(&store, transaction).await;
    assert!(advance(&store, &first, 1, 2).await, "the claim still holds");
}

async fn released<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let first = owned(&store, 1).await;
    store.release(&first).await.expect("an answer");
    assert_eq!(state(&store, first.shard).await.owner, None);
    let other = alive(&store, "other", LONG).await;
    let second = claim(&store, &other, first.shard).await.expect("it was given back");
    store.release(&first).await.expect("an answer");
    let owner = Some((other.id, "other".to_owned()));
    assert_eq!(state(&store, first.shard).await.owner, owner, "what is void gives nothing back");
    assert!(advance(&store, &second, 0, 1).await);
}

async fn left<S: ProjectionStore>(store: S) {
    prepare(&store, sharded(1, 3)).await;
    let (leaves, stays) = (alive(&store, "leaves", LONG).await, alive(&store, "stays", LONG).await);
    let mut claims = Vec::new();
    for number in [0, 2] {
        claims.push(claim(&store, &leaves, shard(id(1), number)).await.expect("nobody owns it"));
    }
    let other = claim(&store, &stays, shard(id(1), 1)).await.expect("nobody owns it");
    store.leave(leaves.id).await.expect("an answer");
    let roster = store.roster(&[id(1)]).await.expect("an answer");
    assert_eq!(roster.engines.iter().map(|(engine, _)| *engine).collect::<Vec<_>>(), [stays.id]);
    let owners: Vec<_> = roster.shards.iter().map(|shard| shard.owner.as_ref().map(|(engine, _)| *engine)).collect();
    assert_eq!(owners, [None, Some(stays.id), None]);
    for void in claims {
        assert!(!advance(&store, &void, 0, 1).await, "it was given back");
        assert!(claim(&store, &stays, void.shard).await.is_some());
    }
    assert!(advance(&store, &other, 0, 1).await, "the claim of another still holds");
}

async fn idle<S: ProjectionStore>(store: S) {
    use crate::projection::{Activity, Failure};
    prepare(&store, read_model(1)).await;
    store.set_activity(id(1), Activity::Paused).await.expect("it can be paused");
    let first = owned(&store, 1).await;
    store.set_activity(id(1), Activity::Running).await.expect("it can be resumed");
    let failure = Failure::new(super::at(1), "Counted".to_owned(), "a test".to_owned(), 1);
    assert!(store.stop(&first, super::at(0), &failure).await.expect("an answer"));
    store.release(&first).await.expect("an answer");
    assert_eq!(owned(&store, 1).await.position.get(), 0);
}
