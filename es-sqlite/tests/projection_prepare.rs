//! Making projections ready: what is made, what is refused, and what readers see of several versions.

use es_core::{
    projection::{
        ColumnDifference, ColumnSchema, ColumnType, PrepareError, ProjectionId, ProjectionKind, ProjectionSchema,
        ProjectionStore as _, TableSchema,
    },
    recorded::Position,
    store::StoreError,
};
use es_sqlite::SqliteStore;
use serde_json::{Value, json};

use crate::{
    projection_support::{
        ID, LAMPS, LAMPS_2, LONG, MAILS, begin, claim, engine, mails, moved, number, open_with, raw, read_model, run,
        shard,
    },
    support::File,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_columns_need_another_version() {
    const CHANGED: TableSchema = TableSchema::new(
        "lamps",
        1,
        &[ColumnSchema::new("id", ColumnType::Uuid, false).key(), ColumnSchema::new("place", ColumnType::Text, true)],
    );
    const INDEXED: TableSchema =
        TableSchema::new("lamps", 1, &[ColumnSchema::new("lit", ColumnType::BigInt, false).indexed(), ID]);
    let file = File::new();
    let store = open_with(&file, &[read_model(LAMPS)]).await;
    let refused = store.prepare(&[mails(1), read_model(CHANGED)]).await.expect_err("the columns are others");
    let PrepareError::TableChanged { projection, differences } = &refused else { panic!("{refused:?}") };
    let expected = [
        ColumnDifference::Other {
            column: "id".into(),
            found: "TEXT, the key".into(),
            wanted: "UUID BLOB, the key".into(),
        },
        ColumnDifference::Missing { column: "place".into(), wanted: "TEXT, may be null".into() },
        ColumnDifference::Extra { column: "lit".into() },
    ];
    assert_eq!((*projection, differences.as_slice()), (read_model(LAMPS).id, expected.as_slice()));
    assert_eq!(store.roster(&[MAILS]).await.expect("a roster").shards.len(), 0, "nothing was made");
    // An index is made where it is missing, and the order of the fields means nothing.
    for table in [INDEXED, INDEXED, LAMPS] {
        store.prepare(&[read_model(table)]).await.expect("an index too many does no harm");
        let indexes = "select count(*) from sqlite_schema where type = 'index' and name = 'lamps_v1_by_lit'";
        assert_eq!(number(&mut raw(&file).await, indexes).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_are_taken_are_refused() {
    let file = File::new();
    let store = file.open().await;
    let mut connection = raw(&file).await;
    // Small letters and large ones are the same to SQLite.
    for (taken, make, undo) in [
        ("lamps", "create view lamps as select 1", "drop view lamps"),
        ("lamps", "create table LAMPS (x)", "drop table LAMPS"),
        ("lamps_v1", "create table Lamps_V1 (x)", "drop table lamps_v1"),
    ] {
        run(&mut connection, make).await;
        let refused = store.prepare(&[mails(1), read_model(LAMPS)]).await.expect_err(make);
        assert!(matches!(&refused, PrepareError::TableTaken { table, .. } if table == taken), "{refused:?}");
        run(&mut connection, undo).await;
    }
    let large = read_model(TableSchema::new("Lamps", 1, LAMPS.columns));
    run(&mut connection, "create table lamps_v1 (x)").await;
    let refused = store.prepare(&[large]).await.expect_err("the name is taken in small letters");
    assert!(matches!(&refused, PrepareError::TableTaken { table, .. } if table == "Lamps_v1"), "{refused:?}");
    run(&mut connection, "drop table lamps_v1").await;
    store.prepare(&[read_model(LAMPS)]).await.expect("the names are free");
    run(&mut connection, "create table lamps_v2 (x)").await;
    let refused = store.prepare(&[read_model(LAMPS_2)]).await.expect_err("the table is somebody's");
    assert!(matches!(&refused, PrepareError::TableTaken { table, .. } if table == "lamps_v2"), "{refused:?}");
    let ours = read_model(TableSchema::new("es_events", 1, LAMPS.columns));
    let refused = store.prepare(&[ours]).await.expect_err("it is the store's own");
    assert!(matches!(&refused, PrepareError::TableTaken { table, .. } if table == "es_events"), "{refused:?}");
    let id = ProjectionId { name: "lamps", version: 7 };
    let refused = store.prepare(&[ProjectionSchema::new(id, ProjectionKind::Reactor, &[])]).await;
    let refused = refused.expect_err("it is another kind");
    assert!(
        matches!(&refused, PrepareError::KindChanged { found, wanted: "reactor", .. } if found == "read_model"),
        "{refused:?}"
    );
    // What was dropped by hand is not made anew behind a checkpoint that has moved; a view holds nothing, and is.
    run(&mut connection, "drop view lamps").await;
    store.prepare(&[read_model(LAMPS)]).await.expect("the view is made anew");
    assert!(store.find_row(&LAMPS, "a").await.expect("a look").is_none());
    run(&mut connection, "drop table lamps_v1").await;
    let refused = store.prepare(&[read_model(LAMPS)]).await.expect_err("the table is gone");
    assert!(refused.to_string().contains("`lamps_v1`"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_may_prepare_at_once() {
    let file = File::new();
    file.open().await;
    let mut preparing = Vec::new();
    for _ in 0..8 {
        let store = file.open().await;
        preparing.push(tokio::spawn(async move { store.prepare(&[read_model(LAMPS), mails(3)]).await }));
    }
    for prepared in preparing {
        prepared.await.expect("the task").expect("each succeeds");
    }
    let roster = file.open().await.roster(&[MAILS, read_model(LAMPS).id]).await.expect("a roster");
    assert_eq!((roster.shards.len(), roster.active.len()), (4, 2));
}

async fn write(store: &SqliteStore, table: &TableSchema, row: &Value) {
    let held = claim(store, &engine("one", LONG), shard(read_model(*table).id, 0)).await;
    let from = held.position.get();
    let mut transaction = begin(store, &held, from, from + 1).await;
    store.write_rows(&mut transaction, table, json!([row]).to_string(), &[]).await.expect("they are taken");
    store.commit(transaction).await.expect("a commit");
    store.release(&held).await.expect("an answer");
}

async fn row(store: &SqliteStore, table: &TableSchema) -> Value {
    let row = store.find_row(table, "a").await.expect("a look").expect("it is there");
    serde_json::from_slice(&row).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_of_two_versions_read_the_active_one() {
    let file = File::new();
    let (old, new) = (open_with(&file, &[read_model(LAMPS)]).await, file.open().await);
    write(&old, &LAMPS, &json!({ "id": "a", "lit": 1 })).await;
    new.prepare(&[read_model(LAMPS_2)]).await.expect("it is made beside it");
    write(&new, &LAMPS_2, &json!({ "id": "a", "lit": 2, "place": "hall" })).await;
    assert_eq!((row(&old, &LAMPS).await, row(&new, &LAMPS_2).await), (json!(["a", 1]), json!(["a", 1, null])));
    assert!(new.switch(read_model(LAMPS_2).id, Position::new(1)).await.expect("an answer"));
    assert_eq!((row(&old, &LAMPS).await, row(&new, &LAMPS_2).await), (json!(["a", 2]), json!(["a", 2, "hall"])));
    new.drop_older("lamps").await.expect("it is removed");
    assert_eq!((row(&old, &LAMPS).await, row(&new, &LAMPS_2).await), (json!(["a", 2]), json!(["a", 2, "hall"])));
    let mut connection = raw(&file).await;
    assert_eq!(number(&mut connection, "select count(*) from sqlite_schema where name = 'lamps_v1'").await, 0);
    let rest = "select (select count(*) from es_projection_versions) + (select count(*) from es_projection_shards)";
    assert_eq!(number(&mut connection, rest).await, 2);
    // Of a name that comes back nothing is missing, and nothing made anew.
    old.prepare(&[read_model(LAMPS)]).await.expect("it is an older one");
    assert_eq!(number(&mut connection, "select count(*) from sqlite_schema where name = 'lamps_v1'").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_never_miss_the_read_model_while_versions_are_switched() {
    let file = File::new();
    let store = open_with(&file, &[read_model(LAMPS)]).await;
    write(&store, &LAMPS, &json!({ "id": "a", "lit": 1 })).await;
    let reader = file.open().await;
    let reads = tokio::spawn(async move {
        let (mut seen, mut reads) = (0, 0);
        while seen < 20 {
            let rows = reader.find_rows(&LAMPS, "", Vec::new()).await.expect("it is always there");
            let [row] = rows.as_slice() else { panic!("{} rows", rows.len()) };
            let (_, lit): (String, i64) = serde_json::from_slice(row).expect("JSON");
            assert!(lit >= seen, "{lit} after {seen}");
            (seen, reads) = (lit, reads + 1);
        }
        reads
    });
    for version in 2..=20 {
        let table = TableSchema::new("lamps", version, LAMPS.columns);
        store.prepare(&[read_model(table)]).await.expect("it is made beside it");
        write(&store, &table, &json!({ "id": "a", "lit": version })).await;
        assert!(store.switch(read_model(table).id, Position::new(1)).await.expect("an answer"));
        store.drop_older("lamps").await.expect("it is removed");
    }
    assert!(reads.await.expect("the task") > 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saying_that_one_is_alive_writes_only_now_and_then() {
    let file = File::new();
    let store = open_with(&file, &[mails(1)]).await;
    let mut connection = raw(&file).await;
    let owner = engine("one", LONG);
    let held = claim(&store, &owner, shard(MAILS, 0)).await;
    store.keep_alive(&owner, &[held]).await.expect("an answer");
    let before = number(&mut connection, "pragma data_version").await;
    for _ in 0..10 {
        store.keep_alive(&owner, &[held]).await.expect("an answer");
    }
    assert_eq!(number(&mut connection, "pragma data_version").await, before, "nothing was written");
    let mut other = owner;
    other.label = "another label".to_owned();
    store.keep_alive(&other, &[held]).await.expect("an answer");
    assert_ne!(number(&mut connection, "pragma data_version").await, before);
    assert!(store.advance(&held, &moved(&store, 0, 1).await).await.expect("an answer"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_closed_says_so() {
    let file = File::new();
    let store = open_with(&file, &[mails(1), read_model(LAMPS)]).await;
    let held = claim(&store, &engine("one", LONG), shard(MAILS, 0)).await;
    let transaction = begin(&store, &held, 0, 1).await;
    store.close().await;
    let answers: [Option<StoreError>; 4] = [
        store.commit(transaction).await.err(),
        store.claim(&engine("two", LONG), shard(MAILS, 0)).await.err(),
        store.find_row(&LAMPS, "a").await.err(),
        store.release(&held).await.err(),
    ];
    for answer in answers {
        assert!(answer.as_ref().is_some_and(StoreError::is_closed), "{answer:?}");
    }
}
