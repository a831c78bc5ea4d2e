//! Rules for rosters.

use super::{EVENTS, LONG, advance, alive, claim, define_rules, id, prepare, read_model, shard, sharded};
use crate::projection::{
    EngineInfo, ProjectionId, ProjectionKind, ProjectionSchema, ProjectionStore, Roster, ShardState,
};

define_rules! {
    "a roster has the shards that were asked for, in their order, and leaves out what is not there" => shards,
    "a roster says which engines are alive, and what they have in common with whoever asks" => engines,
    "a shard says who owns it, and how far it has come, when" => owners,
    "a roster tells of all other versions that are kept, too, but not who runs one" => others,
}

const OTHER: ProjectionId = ProjectionId { name: "conformance_other", version: 3 };

fn other() -> ProjectionSchema {
    ProjectionSchema::new(OTHER, ProjectionKind::Projection, EVENTS)
}

fn places(roster: &Roster) -> Vec<(ProjectionId, u32)> {
    roster.shards.iter().map(|state| (state.shard.projection, state.shard.shard)).collect()
}

async fn shards<S: ProjectionStore>(store: S) {
    store.prepare(&[sharded(1, 3), other()]).await.expect("nothing stands against them");
    let missing = ProjectionId { name: "conformance_missing", version: 1 };
    let roster = store.roster(&[OTHER, missing, id(1)]).await.expect("an answer");
    assert_eq!(places(&roster), [(OTHER, 0), (id(1), 0), (id(1), 1), (id(1), 2)]);
    let mut active = roster.active.clone();
    active.sort();
    assert_eq!(active, [id(1), OTHER], "one for each name that is there");
    assert_eq!(store.roster(&[]).await.expect("an answer").shards, []);
    let engine = EngineInfo { projections: vec![id(1), missing], ..super::engine("asks", LONG) };
    let roster = store.keep_alive(&engine, &[]).await.expect("an answer");
    assert_eq!(places(&roster), [(id(1), 0), (id(1), 1), (id(1), 2)]);
    assert_eq!(roster.active, [id(1)]);
}

async fn engines<S: ProjectionStore>(store: S) {
    store.prepare(&[read_model(1), other()]).await.expect("nothing stands against them");
    let running = |label: &str, projections: &[ProjectionId]| EngineInfo {
        projections: projections.to_vec(),
        ..super::engine(label, LONG)
    };
    let (one, two, both) = (running("one", &[id(1)]), running("two", &[OTHER]), running("both", &[id(1), OTHER]));
    let mut expected = vec![(one.id, vec![id(1)]), (two.id, vec![]), (both.id, vec![id(1)])];
    expected.sort();
    for engine in [&one, &two, &both] {
        store.keep_alive(engine, &[]).await.expect("an answer");
    }
    let asked = store.keep_alive(&one, &[]).await.expect("an answer");
    assert_eq!(asked.engines, expected, "by their id, the one that asks among them");
    assert_eq!(store.roster(&[id(1)]).await.expect("an answer").engines, expected);
    let mut all = store.keep_alive(&both, &[]).await.expect("an answer").engines;
    for (_, projections) in &mut all {
        projections.sort();
    }
    let mut expected = vec![(one.id, vec![id(1)]), (two.id, vec![OTHER]), (both.id, vec![id(1), OTHER])];
    expected.sort();
    assert_eq!(all, expected);
}

async fn owners<S: ProjectionStore>(store: S) {
    prepare(&store, sharded(1, 2)).await;
    let fresh = store.roster(&[id(1)]).await.expect("an answer").shards;
    for (number, state) in fresh.iter().enumerate() {
        let place = shard(id(1), u32::try_from(number).expect("there are two"));
        assert_eq!(*state, ShardState::new(place, super::at(0), state.updated_at), "as it begins");
    }
    let engine = alive(&store, "the owner", LONG).await;
    let held = claim(&store, &engine, shard(id(1), 1)).await.expect("nobody owns it");
    assert!(advance(&store, &held, 0, 4).await);
    let after = store.roster(&[id(1)]).await.expect("an answer").shards;
    assert_eq!(after[0], fresh[0], "the other shard is as it was");
    assert_eq!(after[1].owner, Some((engine.id, "the owner".to_owned())));
    assert_eq!((after[1].position.get(), after[1].applied), (4, 4));
    assert!(after[1].updated_at >= fresh[1].updated_at);
    assert!(advance(&store, &held, 4, 5).await);
    assert!(super::state(&store, held.shard).await.updated_at >= after[1].updated_at);
}

async fn others<S: ProjectionStore>(store: S) {
    for version in [1, 2, 4] {
        prepare(&store, sharded(version, 2)).await;
    }
    let versions = async |asked: u32| {
        let roster = store.roster(&[id(asked)]).await.expect("an answer");
        let mut versions: Vec<_> = places(&roster).into_iter().map(|(id, _)| id.version).collect();
        versions.sort_unstable();
        versions.dedup();
        (versions, roster.active)
    };
    assert_eq!(versions(4).await, (vec![1, 2, 4], vec![id(1)]));
    assert_eq!(versions(2).await, (vec![1, 2, 4], vec![id(1)]), "older and newer ones");
    assert_eq!(versions(3).await, (vec![1, 2, 4], vec![id(1)]), "also where that version is not there");
    let engine = EngineInfo { projections: vec![id(2)], ..super::engine("runs", LONG) };
    let roster = store.keep_alive(&engine, &[]).await.expect("an answer");
    assert_eq!(places(&roster), [(id(2), 0), (id(2), 1)], "only what it runs");
}
