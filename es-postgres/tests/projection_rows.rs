//! Rows of read models: every type, there and back, by whole batches.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _, Utc};
use es_core::{
    projection::{Argument, Claim, ColumnSchema, ColumnType, ProjectionStore as _, TableSchema},
    store::{InvalidRequest, StoreError},
};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use serde_json::{Value, json};

use crate::projection_support::{LAMPS, LONG, begin, claim, engine, open_with, position, read_model, shard};

const fn column(name: &'static str, ty: ColumnType) -> ColumnSchema {
    ColumnSchema::new(name, ty, true)
}

const EVERYTHING: TableSchema = TableSchema::new(
    "everything",
    1,
    &[
        ColumnSchema::new("id", ColumnType::Text, false).key(),
        column("flag", ColumnType::Bool),
        column("small", ColumnType::SmallInt),
        column("middle", ColumnType::Integer),
        column("big", ColumnType::BigInt),
        column("unsigned", ColumnType::Unsigned),
        column("decimal", ColumnType::Decimal),
        column("double", ColumnType::Double),
        column("text", ColumnType::Text),
        column("uuid", ColumnType::Uuid),
        column("at", ColumnType::Timestamp),
        column("local", ColumnType::LocalTimestamp),
        column("day", ColumnType::Date),
        column("time", ColumnType::Time),
        column("json", ColumnType::Json),
        column("order", ColumnType::Sql("varchar(20)")),
    ],
);

/// Writes rows and removes others, in a batch of its own.
async fn write(store: &PostgresStore, held: &Claim, table: &TableSchema, rows: &Value, removed: &[&str]) {
    let removed: Vec<_> = removed.iter().map(|&key| key.to_owned()).collect();
    let from = position(store, held.shard).await;
    let mut transaction = begin(store, held, from, from + 1).await;
    store.write_rows(&mut transaction, table, rows.to_string(), &removed).await.expect("rows can be written");
    store.commit(transaction).await.expect("a commit");
}

/// The rows of these keys as a batch sees them, sorted by the first column.
async fn load(store: &PostgresStore, held: &Claim, table: &TableSchema, keys: &[&str]) -> Vec<Value> {
    let keys: Vec<_> = keys.iter().map(|&key| key.to_owned()).collect();
    let from = position(store, held.shard).await;
    let mut transaction = begin(store, held, from, from).await;
    let rows = store.load_rows(&mut transaction, table, &keys).await.expect("rows can be loaded");
    store.rollback(transaction).await;
    let mut rows: Vec<Value> = rows.iter().map(|row| serde_json::from_slice(row).expect("JSON")).collect();
    rows.sort_by_key(ToString::to_string);
    rows
}

async fn open(database: &Database, table: TableSchema) -> (PostgresStore, Claim) {
    let store = open_with(database, &[read_model(table)]).await;
    let held = claim(&store, &engine("a", LONG), shard(read_model(table).id, 0)).await;
    (store, held)
}

pub(crate) async fn every_type_comes_back_as_it_went(database: Database) {
    let (store, held) = open(&database, EVERYTHING).await;
    let at: DateTime<Utc> = Utc.timestamp_opt(1_767_225_600, 123_456_000).single().expect("a moment");
    let old: DateTime<Utc> = Utc.with_ymd_and_hms(1815, 6, 18, 11, 35, 0).single().expect("a moment");
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).expect("a day");
    let time = NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).expect("a time");
    let nested = json!({ "a": [1, null, { "b": "\u{1f4a1} \"'\\" }], "n": 0.1, "big": u64::MAX, "": [] });
    let rows = [
        json!([
            "extremes",
            true,
            i16::MIN,
            i32::MIN,
            i64::MIN,
            u64::MAX,
            "-12345678901234567890.000000000000000000001",
            f64::MAX,
            "it's \"quoted\" \\ and \u{1f4a1}\n\t",
            uuid::Uuid::nil(),
            at,
            at.naive_utc(),
            day,
            time,
            nested,
            "x"
        ]),
        json!([
            "other extremes",
            false,
            i16::MAX,
            i32::MAX,
            i64::MAX,
            0,
            "0.10",
            f64::MIN_POSITIVE,
            "",
            uuid::Uuid::max(),
            old,
            old.naive_utc(),
            NaiveDate::MIN.succ_opt().map(|_| day),
            NaiveTime::MIN,
            [],
            "null"
        ]),
        json!([
            "fractions",
            null,
            0,
            0,
            0,
            1,
            "1e3",
            0.1 + 0.2,
            "{\"a\": 1}",
            null,
            null,
            null,
            null,
            null,
            "text",
            null
        ]),
        json!(["nothing", null, null, null, null, null, null, null, null, null, null, null, null, null, null, null]),
    ];
    let object = |row: &Value| -> Value {
        EVERYTHING
            .columns
            .iter()
            .zip(row.as_array().expect("an array"))
            .map(|(c, v)| (c.name.to_owned(), v.clone()))
            .collect()
    };
    write(&store, &held, &EVERYTHING, &rows.iter().map(object).collect(), &[]).await;
    let mut expected = rows.to_vec();
    // The same number, as the database writes it.
    expected[2][6] = json!("1000");
    expected.sort_by_key(ToString::to_string);
    let found = load(&store, &held, &EVERYTHING, &["extremes", "other extremes", "fractions", "nothing", "none"]).await;
    for (found, expected) in found.iter().zip(&expected) {
        for (column, (found, expected)) in EVERYTHING.columns.iter().zip(values(found).iter().zip(values(expected))) {
            let same = match column.ty {
                ColumnType::Timestamp => moment(found) == moment(expected),
                _ => found == expected,
            };
            assert!(same, "`{}`: {found} instead of {expected}", column.name);
        }
    }
    assert_eq!(found.len(), expected.len());
    // Readers see the same.
    let seen = store.find_row(&EVERYTHING, "extremes").await.expect("a look").expect("it is there");
    let seen: Value = serde_json::from_slice(&seen).expect("JSON");
    assert_eq!(seen, found[0]);
    // What is finer than a microsecond is rounded.
    let fine = json!([{ "id": "fine", "at": "2026-01-01T00:00:00.123456789Z" }]);
    write(&store, &held, &EVERYTHING, &fine, &[]).await;
    let found = load(&store, &held, &EVERYTHING, &["fine"]).await;
    assert_eq!(moment(&found[0][10]), moment(&json!("2026-01-01T00:00:00.123457Z")));
}

fn values(row: &Value) -> &[Value] {
    row.as_array().expect("an array")
}

fn moment(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str().map(|text| text.parse().expect("a moment"))
}

pub(crate) async fn rows_take_the_place_of_others_and_are_removed(database: Database) {
    let (store, held) = open(&database, LAMPS).await;
    let many: Vec<_> = (0..5_000).map(|lamp| json!({ "id": format!("{lamp:04}"), "lit": lamp })).collect();
    write(&store, &held, &LAMPS, &Value::Array(many), &[]).await;
    write(&store, &held, &LAMPS, &json!([{ "id": "0001", "lit": -1 }, { "id": "new", "lit": 7 }]), &["0002", "none"])
        .await;
    let found = load(&store, &held, &LAMPS, &["0001", "0002", "0003", "new"]).await;
    assert_eq!(found, [json!(["0001", -1]), json!(["0003", 3]), json!(["new", 7])]);
    write(&store, &held, &LAMPS, &json!([]), &["new"]).await;
    let keys: Vec<_> = (0..5_000).map(|lamp| format!("{lamp:04}")).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    assert_eq!(load(&store, &held, &LAMPS, &keys).await.len(), 4_999);
    assert_eq!(load(&store, &held, &LAMPS, &[]).await, Vec::<Value>::new());

    let found = |condition: &'static str, arguments: Vec<Argument>| {
        let store = store.clone();
        async move {
            let rows = store.find_rows(&LAMPS, condition, arguments).await.expect("rows can be found");
            rows.iter().map(|row| serde_json::from_slice::<Value>(row).expect("JSON")).collect::<Vec<_>>()
        }
    };
    let low = found("lit < $1 order by lit desc limit 2", vec![2.into()]).await;
    assert_eq!(low, [json!(["0000", 0]), json!(["0001", -1])]);
    assert_eq!(found("id = $1 and lit = $2", vec!["0003".into(), 3.into()]).await, [json!(["0003", 3])]);
    assert_eq!(found("", vec![]).await.len(), 4_999);
    // What may follow a condition follows none.
    assert_eq!(found("order by lit limit $1", vec![1.into()]).await, [json!(["0001", -1])]);
    assert_eq!(found("LIMIT 3", vec![]).await.len(), 3);
    assert_eq!(found("Offset 4990", vec![]).await.len(), 9);
    assert!(store.find_row(&LAMPS, "new").await.expect("a look").is_none());
}

pub(crate) async fn what_cannot_be_stored_says_so(database: Database) {
    let (store, held) = open(&database, LAMPS).await;
    for (rows, removed) in [("[{\"id\": \"a\\u0000b\", \"lit\": 1}]", vec![]), ("[]", vec!["a\0b".to_owned()])] {
        let mut transaction = begin(&store, &held, 0, 1).await;
        let error = store.write_rows(&mut transaction, &LAMPS, rows.to_owned(), &removed).await.expect_err("a NUL");
        assert!(matches!(error, StoreError::Invalid(InvalidRequest::Nul { .. })), "{error:?}");
        // An error that is passed over is not committed.
        store.commit(transaction).await.expect_err("a statement of it has failed");
        assert_eq!(position(&store, held.shard).await, 0);
    }
    let mut transaction = begin(&store, &held, 0, 1).await;
    let error = store.write_rows(&mut transaction, &LAMPS, "[{\"id\": \"a\"}]".to_owned(), &[]).await;
    assert!(matches!(error, Err(StoreError::Backend { .. })), "`lit` is never null: {error:?}");
    drop(transaction);
    let other = TableSchema::new("others", 1, LAMPS.columns);
    let error = store.find_row(&other, "a").await.expect_err("there is no such read model");
    assert!(error.to_string().contains("`others`") && error.to_string().contains("prepare"), "{error}");
    let error = store.find_rows(&LAMPS, "lid < 2", vec![]).await.expect_err("there is no such column");
    assert!(matches!(error, StoreError::Backend { .. }), "{error:?}");
    let unmigrated = PostgresStore::connect(database.admin_url()).await.expect("the server is there");
    let error = unmigrated.claim(&engine("a", LONG), held.shard).await.expect_err("there are no tables");
    assert!(matches!(error, StoreError::WrongSchema { found: 0, .. }), "{error:?}");
}

/// More columns than a function of the server takes arguments.
pub(crate) async fn a_table_may_have_many_columns(database: Database) {
    let columns: Vec<_> = (0..230)
        .map(|number| {
            let name: &'static str = Box::leak(format!("c{number}").into_boxed_str());
            let column = ColumnSchema::new(name, ColumnType::Text, false);
            if number == 0 { column.key() } else { column }
        })
        .collect();
    let wide = TableSchema::new("wide", 1, Box::leak(columns.into_boxed_slice()));
    let (store, held) = open(&database, wide).await;
    let row: Value =
        wide.columns.iter().map(|column| (column.name.to_owned(), json!(format!("[{}],", column.name)))).collect();
    write(&store, &held, &wide, &json!([row]), &[]).await;
    let expected: Vec<_> = wide.columns.iter().map(|column| format!("[{}],", column.name)).collect();
    assert_eq!(load(&store, &held, &wide, &["[c0],"]).await, [json!(expected)]);
}
