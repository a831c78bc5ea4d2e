//! Rules for transactions.

use super::{
    LONG, advance, alive, at, at_once, begin, claim, commit, counted, define_rules, eventually, from_to, id, owned,
    position, prepare, read_model, row, seen, shard, sharded, state, table, write,
};
use crate::projection::{DeadLetter, Failure, ProjectionStore};

define_rules! {
    "what a transaction writes is there with the checkpoint, and neither of them before" => together,
    "a transaction that is dropped or rolled back has done nothing" => dropped,
    "a transaction sees what it has written itself" => own_writes,
    "a checkpoint moves without a transaction, too, and what was applied is counted" => moved,
    "a transaction may write and leave the checkpoint where it is" => unmoved,
    "no call waits for a transaction of another shard" => other_shards,
    "a transaction has a context as often as it is asked for one" => contexts,
}

async fn together<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    let mut transaction = begin(&store, &claim, 0, 3).await;
    write(&store, &mut transaction, 1, &[row("a", 1), row("b", 2)], &[]).await;
    assert_eq!(seen(&store, 1, "a").await, None, "it is not committed");
    assert_eq!(position(&store, 1).await, 0, "it is not committed");
    commit(&store, transaction).await;
    assert_eq!((seen(&store, 1, "a").await, seen(&store, 1, "b").await), (Some(1), Some(2)));
    let state = state(&store, claim.shard).await;
    assert_eq!((state.position.get(), state.applied), (3, 3));
}

async fn dropped<S: ProjectionStore>(store: S) {
    super::store_events(&store, "a", 1..=2).await;
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    super::store_rows(&store, &claim, &[row("a", 1), row("b", 1)], &[]).await;
    let before = state(&store, claim.shard).await;
    for rolled_back in [true, false] {
        // The end of one that was dropped may take a moment.
        let advance = from_to(&store, 1, 2).await;
        let mut transaction =
            eventually!("another transaction can be opened", store.begin(&claim, &advance).await.ok().flatten());
        write(&store, &mut transaction, 1, &[row("a", 2), row("c", 2)], &["b"]).await;
        let failure = Failure::new(at(2), "Counted".to_owned(), "a test".to_owned(), 1);
        let letter = DeadLetter::parked(claim.shard, "k".to_owned(), at(2), failure);
        store.set_aside(&mut transaction, &[letter]).await.expect("an event can be set aside");
        if rolled_back {
            store.rollback(transaction).await;
        } else {
            drop(transaction);
        }
    }
    let advance_on = from_to(&store, 1, 2).await;
    let last = eventually!("the last has ended", store.begin(&claim, &advance_on).await.ok().flatten());
    store.rollback(last).await;
    let after = state(&store, claim.shard).await;
    assert_eq!(after, before);
    assert_eq!(super::all_seen(&store, 1).await, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    assert_eq!(store.parked_keys(claim.shard).await.expect("an answer"), Vec::<String>::new());
    assert!(advance(&store, &claim, 1, 2).await, "the claim still holds");
}

async fn own_writes<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    super::store_rows(&store, &claim, &[row("a", 1), row("b", 1)], &[]).await;
    let mut transaction = begin(&store, &claim, 1, 2).await;
    write(&store, &mut transaction, 1, &[row("a", 2), row("c", 2)], &["b"]).await;
    let keys = ["a", "b", "c"].map(str::to_owned);
    let rows = store.load_rows(&mut transaction, &table(1), &keys).await.expect("rows can be loaded");
    let mut rows: Vec<_> = rows.iter().map(|row| counted(row)).collect();
    rows.sort();
    assert_eq!(rows, [("a".to_owned(), 2), ("c".to_owned(), 2)]);
    commit(&store, transaction).await;
}

async fn moved<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    assert!(advance(&store, &claim, 0, 5).await);
    assert!(advance(&store, &claim, 5, 6).await);
    let empty = begin(&store, &claim, 6, 9).await;
    commit(&store, empty).await;
    let state = state(&store, claim.shard).await;
    assert_eq!((state.position.get(), state.applied), (9, 9));
}

async fn unmoved<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    assert!(advance(&store, &claim, 0, 5).await);
    let mut transaction = begin(&store, &claim, 5, 5).await;
    write(&store, &mut transaction, 1, &[row("a", 1)], &[]).await;
    commit(&store, transaction).await;
    assert_eq!((position(&store, 1).await, seen(&store, 1, "a").await), (5, Some(1)));
}

async fn other_shards<S: ProjectionStore>(store: S) {
    prepare(&store, sharded(1, 3)).await;
    let engine = alive(&store, "both", LONG).await;
    let first = claim(&store, &engine, shard(id(1), 0)).await.expect("nobody owns it");
    let mut open = begin(&store, &first, 0, 4).await;
    write(&store, &mut open, 1, &[row("a", 1)], &[]).await;
    at_once("another shard", async {
        let other = claim(&store, &engine, shard(id(1), 1)).await.expect("nobody owns it");
        store.keep_alive(&engine, &[first, other]).await.expect("an engine says that it is alive");
        let mut second = begin(&store, &other, 0, 2).await;
        write(&store, &mut second, 1, &[row("b", 1)], &[]).await;
        commit(&store, second).await;
        assert!(advance(&store, &other, 2, 3).await);
        let failure = Failure::new(at(4), "Counted".to_owned(), "a test".to_owned(), 1);
        assert!(store.stop(&other, at(3), &failure).await.expect("an answer"));
        store.release(&other).await.expect("an answer");
        let stranger = alive(&store, "stranger", LONG).await;
        assert!(claim(&store, &stranger, shard(id(1), 2)).await.is_some());
        assert_eq!(claim(&store, &stranger, shard(id(1), 0)).await, None);
        store.leave(stranger.id).await.expect("an answer");
        assert_eq!(store.roster(&[id(1)]).await.expect("an answer").shards.len(), 3);
        assert_eq!(seen(&store, 1, "b").await, Some(1));
    })
    .await;
    commit(&store, open).await;
    assert_eq!((position(&store, 1).await, seen(&store, 1, "a").await), (4, Some(1)));
}

async fn contexts<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    let mut transaction = begin(&store, &claim, 0, 1).await;
    drop(store.context(&mut transaction));
    drop(store.context(&mut transaction));
    commit(&store, transaction).await;
    assert_eq!(position(&store, 1).await, 1);
}
