//! Rules for the rows of read models.

use super::{
    all_seen, begin, commit, counted, define_rules, owned, position, prepare, read_model, row, seen, store_rows, table,
    write,
};
use crate::projection::ProjectionStore;

define_rules! {
    "a row that is written again takes the place of the earlier one" => replaced,
    "rows that are removed are gone, and one that is not there may be removed" => removed,
    "rows are loaded by their keys, and those that are not there are left out" => loaded,
    "rows are written and loaded in the table of just one version" => versions,
    "readers find a row by its key, and all rows without a condition" => found,
    "keys are texts of any kind" => keys,
    "thousands of rows are written and loaded at once" => many,
}

fn named(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
    rows.iter().map(|&(id, count)| (id.to_owned(), count)).collect()
}

/// The rows of these keys as a transaction sees them, by their key.
async fn load<S: ProjectionStore>(
    store: &S,
    transaction: &mut S::Transaction,
    version: u32,
    keys: &[&str],
) -> Vec<(String, i64)> {
    let keys: Vec<_> = keys.iter().map(|&key| key.to_owned()).collect();
    let rows = store.load_rows(transaction, &table(version), &keys).await.expect("rows can be loaded");
    let mut rows: Vec<_> = rows.iter().map(|row| counted(row)).collect();
    rows.sort();
    rows
}

async fn replaced<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    let noted = serde_json::json!({ "id": "a", "count": 1, "note": "a note" });
    store_rows(&store, &claim, &[noted, row("b", 1)], &[]).await;
    store_rows(&store, &claim, &[row("a", 2)], &[]).await;
    assert_eq!(all_seen(&store, 1).await, named(&[("a", 2), ("b", 1)]));
    let json = store.find_row(&table(1), "a").await.expect("an answer").expect("it is there");
    let columns: serde_json::Value = serde_json::from_slice(&json).expect("it is JSON");
    assert_eq!(columns, serde_json::json!(["a", 2, null]), "nothing is left of the earlier row");
}

async fn removed<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    store_rows(&store, &claim, &[row("a", 1), row("b", 1), row("c", 1)], &[]).await;
    store_rows(&store, &claim, &[], &["a", "never"]).await;
    store_rows(&store, &claim, &[row("b", 2)], &["c"]).await;
    assert_eq!(all_seen(&store, 1).await, named(&[("b", 2)]));
    store_rows(&store, &claim, &[row("a", 3)], &[]).await;
    assert_eq!(all_seen(&store, 1).await, named(&[("a", 3), ("b", 2)]));
}

async fn loaded<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    store_rows(&store, &claim, &[row("a", 1), row("b", 2), row("c", 3)], &[]).await;
    let mut transaction = begin(&store, &claim, 1, 2).await;
    assert_eq!(load(&store, &mut transaction, 1, &["c", "never", "a"]).await, named(&[("a", 1), ("c", 3)]));
    assert_eq!(load(&store, &mut transaction, 1, &["never"]).await, []);
    assert_eq!(load(&store, &mut transaction, 1, &[]).await, []);
    store.rollback(transaction).await;
}

async fn versions<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    prepare(&store, read_model(2)).await;
    let (old, new) = (owned(&store, 1).await, owned(&store, 2).await);
    store_rows(&store, &old, &[row("a", 1), row("b", 1)], &[]).await;
    store_rows(&store, &new, &[row("a", 2), row("c", 2)], &[]).await;
    store_rows(&store, &new, &[], &["b"]).await;
    let keys = ["a", "b", "c"];
    let mut transaction = begin(&store, &old, 1, 2).await;
    assert_eq!(load(&store, &mut transaction, 1, &keys).await, named(&[("a", 1), ("b", 1)]));
    store.rollback(transaction).await;
    let at = position(&store, 2).await;
    let mut transaction = begin(&store, &new, at, at + 1).await;
    assert_eq!(load(&store, &mut transaction, 2, &keys).await, named(&[("a", 2), ("c", 2)]));
    store.rollback(transaction).await;
}

async fn found<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    assert_eq!((seen(&store, 1, "a").await, all_seen(&store, 1).await), (None, vec![]));
    store_rows(&store, &claim, &[row("a", 1), row("b", 2)], &[]).await;
    assert_eq!((seen(&store, 1, "a").await, seen(&store, 1, "b").await), (Some(1), Some(2)));
    assert_eq!(seen(&store, 1, "A").await, None);
    assert_eq!(all_seen(&store, 1).await, named(&[("a", 1), ("b", 2)]));
}

async fn keys<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    let keys = ["", " ", "'", "\"", "\\", "a,b", "{a}", "é", "e\u{301}", "ß", "😀", "NULL", "null", "1", "a\nb", "%"];
    let rows: Vec<_> = keys.iter().zip(1..).map(|(key, count)| row(key, count)).collect();
    store_rows(&store, &claim, &rows, &[]).await;
    let mut transaction = begin(&store, &claim, 1, 2).await;
    for (key, count) in keys.iter().zip(1..) {
        assert_eq!(seen(&store, 1, key).await, Some(count), "{key:?}");
        assert_eq!(load(&store, &mut transaction, 1, &[key]).await, named(&[(*key, count)]), "{key:?}");
    }
    assert_eq!(load(&store, &mut transaction, 1, &keys).await.len(), keys.len());
    write(&store, &mut transaction, 1, &[], &keys).await;
    commit(&store, transaction).await;
    assert_eq!(all_seen(&store, 1).await, []);
}

async fn many<S: ProjectionStore>(store: S) {
    prepare(&store, read_model(1)).await;
    let claim = owned(&store, 1).await;
    let names: Vec<_> = (0..3_000).map(|number| format!("row {number}")).collect();
    let rows: Vec<_> = names.iter().map(|name| row(name, 1)).collect();
    store_rows(&store, &claim, &rows, &[]).await;
    let changed: Vec<_> = names.iter().step_by(2).map(|name| row(name, 2)).collect();
    store_rows(&store, &claim, &changed, &[]).await;
    let mut transaction = begin(&store, &claim, 2, 3).await;
    let keys: Vec<_> = names.iter().map(String::as_str).collect();
    let loaded = load(&store, &mut transaction, 1, &keys).await;
    assert_eq!((loaded.len(), loaded.iter().map(|(_, count)| count).sum::<i64>()), (3_000, 4_500));
    store.rollback(transaction).await;
}
