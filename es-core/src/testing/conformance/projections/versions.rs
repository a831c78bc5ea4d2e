//! Rules for versions: which of them readers see.

use super::{
    LONG, NAME, advance, alive, all_seen, at, claim, define_rules, id, owned, prepare, read_model, row, seen, shard,
    sharded, store_rows, write,
};
use crate::projection::{Column as _, ColumnSchema, ProjectionKind, ProjectionSchema, ProjectionStore, TableSchema};

define_rules! {
    "the first version of a name is active at once" => first,
    "a newer version is built beside the active one, and nobody sees it before the switch" => beside,
    "a version becomes active only where all its shards stand where they were asked to" => far_enough,
    "a version becomes active only where it has come as far as the active one" => caught_up,
    "an older version never becomes active again" => never_back,
    "a version may have other columns than the one before" => columns,
    "versions that are older than the active one are removed, with their shards" => dropped,
    "a version that was removed, or never was, is not made behind a newer one" => not_anew,
}

async fn active<S: ProjectionStore>(store: &S, version: u32) -> Option<u32> {
    let roster = store.roster(&[id(version)]).await.expect("an answer");
    roster.active.into_iter().find(|active| active.name == NAME).map(|active| active.version)
}

async fn switch<S: ProjectionStore>(store: &S, version: u32, upto: u64) -> bool {
    store.switch(id(version), at(upto)).await.expect("an answer")
}

async fn first<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(3)).await;
    assert_eq!(active(&store, 3).await, Some(3));
    let claim = owned(&store, 3).await;
    store_rows(&store, &claim, &[row("a", 1)], &[]).await;
    assert_eq!(seen(&store, 3, "a").await, Some(1));
    assert!(switch(&store, 3, 100).await, "it is active already");
}

async fn beside<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let old = owned(&store, 1).await;
    store_rows(&store, &old, &[row("a", 1), row("b", 1)], &[]).await;
    prepare(&store, read_model(2)).await;
    assert_eq!((active(&store, 1).await, active(&store, 2).await), (Some(1), Some(1)));
    let new = owned(&store, 2).await;
    assert_eq!(new.position, at(0), "it begins with the first event");
    store_rows(&store, &new, &[row("a", 2), row("c", 2)], &[]).await;
    for version in [1, 2] {
        let rows = [("a".to_owned(), 1), ("b".to_owned(), 1)];
        assert_eq!(all_seen(&store, version).await, rows, "whatever version asks");
        assert_eq!(seen(&store, version, "c").await, None);
    }
    assert!(switch(&store, 2, 1).await);
    assert_eq!((active(&store, 1).await, active(&store, 2).await), (Some(2), Some(2)));
    for version in [1, 2] {
        let rows = [("a".to_owned(), 2), ("c".to_owned(), 2)];
        assert_eq!(all_seen(&store, version).await, rows, "whatever version asks");
        assert_eq!(seen(&store, version, "b").await, None);
    }
    store_rows(&store, &old, &[row("d", 1)], &[]).await;
    assert_eq!(seen(&store, 1, "d").await, None, "the older goes on unseen");
}

async fn far_enough<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    prepare(&store, sharded(2, 2)).await;
    let engine = alive(&store, "owner", LONG).await;
    for (number, upto) in [(0, 5), (1, 3)] {
        let claim = claim(&store, &engine, shard(id(2), number)).await.expect("nobody owns it");
        assert!(advance(&store, &claim, 0, upto).await);
    }
    assert!(!switch(&store, 2, 6).await);
    assert!(!switch(&store, 2, 4).await, "one shard is behind");
    assert_eq!(active(&store, 2).await, Some(1));
    assert!(!switch(&store, 3, 0).await, "it is not there");
    assert!(switch(&store, 2, 3).await);
    assert_eq!(active(&store, 2).await, Some(2));
}

async fn caught_up<S: ProjectionStore>(store: S) {
    prepare(&store, sharded(1, 2)).await;
    prepare(&store, read_model(2)).await;
    let engine = alive(&store, "owner", LONG).await;
    for (number, upto) in [(0, 7), (1, 5)] {
        let claim = claim(&store, &engine, shard(id(1), number)).await.expect("nobody owns it");
        assert!(advance(&store, &claim, 0, upto).await);
    }
    let new = owned(&store, 2).await;
    assert!(advance(&store, &new, 0, 6).await);
    assert!(!switch(&store, 2, 6).await, "readers would go back");
    assert!(advance(&store, &new, 6, 7).await);
    assert!(switch(&store, 2, 6).await);
}

async fn never_back<S: ProjectionStore>(store: S) {
    for version in [1, 2, 3] {
        prepare(&store, read_model(version)).await;
        let claim = owned(&store, version).await;
        assert!(advance(&store, &claim, 0, 3).await);
    }
    assert!(switch(&store, 2, 0).await);
    assert!(!switch(&store, 1, 0).await);
    assert_eq!(active(&store, 2).await, Some(2));
    assert!(switch(&store, 3, 0).await);
    assert!(!switch(&store, 1, 0).await && !switch(&store, 2, 0).await);
    prepare(&store, read_model(1)).await;
    assert_eq!(active(&store, 3).await, Some(3), "an older program changes nothing");
}

async fn columns<S: ProjectionStore>(store: S) {
    const NEW: &[ColumnSchema] = &[
        ColumnSchema::of::<String>("id").key(),
        ColumnSchema::of::<bool>("marked"),
        ColumnSchema::new("count", String::TYPE, true),
    ];
    let table = TableSchema::new(NAME, 2, NEW);
    prepare(&store, read_model(1)).await;
    let old = owned(&store, 1).await;
    store_rows(&store, &old, &[row("a", 1)], &[]).await;
    prepare(&store, ProjectionSchema::new(id(2), ProjectionKind::ReadModel(table), super::EVENTS)).await;
    assert_eq!(seen(&store, 1, "a").await, Some(1), "readers of the older version see what they saw");
    let new = owned(&store, 2).await;
    let mut transaction = super::begin(&store, &new, 0, 1).await;
    let rows = r#"[{"id":"a","marked":true,"count":"many"},{"id":"b","marked":false,"count":null}]"#;
    store.write_rows(&mut transaction, &table, rows.to_owned(), &[]).await.expect("they can be written");
    super::commit(&store, transaction).await;
    assert!(switch(&store, 2, 1).await);
    let row = store.find_row(&table, "a").await.expect("an answer").expect("it is there");
    let row: (String, bool, Option<String>) = serde_json::from_slice(&row).expect("its columns");
    assert_eq!(row, ("a".to_owned(), true, Some("many".to_owned())));
    store.drop_older(NAME).await.expect("an answer");
    let rows = store.find_rows(&table, "", Vec::new()).await.expect("an answer");
    assert_eq!(rows.len(), 2);
}

async fn dropped<S: ProjectionStore>(store: S) {
    for version in [1, 2, 3] {
        prepare(&store, read_model(version)).await;
    }
    let (old, middle) = (owned(&store, 1).await, owned(&store, 2).await);
    store_rows(&store, &old, &[row("a", 1)], &[]).await;
    store_rows(&store, &middle, &[row("a", 2)], &[]).await;
    let versions = async || {
        let roster = store.roster(&[id(1)]).await.expect("an answer");
        roster.shards.iter().map(|state| state.shard.projection.version).collect::<Vec<_>>()
    };
    store.drop_older(NAME).await.expect("an answer");
    assert_eq!(versions().await, [1, 2, 3], "the active one stays");
    assert!(switch(&store, 2, 1).await);
    store.drop_older(NAME).await.expect("an answer");
    assert_eq!(versions().await, [2, 3]);
    assert!(!advance(&store, &old, 1, 2).await, "its claim is void");
    let step = super::from_to(&store, 1, 2).await;
    assert!(super::is_refused(store.begin(&old, &step).await));
    assert_eq!(seen(&store, 2, "a").await, Some(2));
    let mut transaction = super::begin(&store, &middle, 1, 2).await;
    write(&store, &mut transaction, 2, &[row("b", 2)], &[]).await;
    super::commit(&store, transaction).await;
    assert_eq!(seen(&store, 2, "b").await, Some(2));
    store.drop_older("conformance_missing").await.expect("there is nothing to do");
}

async fn not_anew<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(2)).await;
    prepare(&store, read_model(4)).await;
    let (old, new) = (owned(&store, 2).await, owned(&store, 4).await);
    assert!(advance(&store, &old, 0, 1).await && advance(&store, &new, 0, 1).await);
    let absent = async |version| {
        prepare(&store, read_model(version)).await;
        let shards = store.roster(&[id(version)]).await.expect("an answer").shards;
        let engine = alive(&store, "older", LONG).await;
        shards.iter().all(|state| state.shard.projection != id(version))
            && claim(&store, &engine, shard(id(version), 0)).await.is_none()
    };
    assert!(absent(1).await && absent(3).await, "they never were");
    prepare(&store, read_model(2)).await;
    assert!(advance(&store, &old, 1, 2).await, "one that is there goes on");
    assert!(advance(&store, &new, 1, 2).await && switch(&store, 4, 2).await);
    store.drop_older(NAME).await.expect("an answer");
    assert!(absent(2).await, "it was removed");
    assert!(advance(&store, &new, 2, 3).await);
}
