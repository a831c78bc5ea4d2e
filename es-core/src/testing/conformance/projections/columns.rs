//! Rules for what the columns of read models hold.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{EVENTS, LONG, alive, at, begin, claim, commit, define_rules, prepare, shard};
use crate::projection::{
    Claim, Column, ColumnSchema, ColumnType, ProjectionId, ProjectionKind, ProjectionSchema, ProjectionStore,
    TableSchema,
};

define_rules! {
    "every type of column gives back what was written, to its ends" => types,
    "a column that may be empty gives back nothing where nothing was written" => empty,
    "a row is found by a key of each kind" => keys,
}

const ALL: &[ColumnSchema] = &[
    ColumnSchema::of::<i64>("id").key(),
    ColumnSchema::of::<Option<bool>>("a_bool"),
    ColumnSchema::of::<Option<i16>>("a_small_int"),
    ColumnSchema::of::<Option<i32>>("an_integer"),
    ColumnSchema::of::<Option<i64>>("a_big_int"),
    ColumnSchema::of::<Option<u64>>("an_unsigned"),
    ColumnSchema::new("a_decimal", ColumnType::Decimal, true),
    ColumnSchema::of::<Option<f64>>("a_double"),
    ColumnSchema::of::<Option<String>>("a_text"),
    ColumnSchema::of::<Option<Uuid>>("a_uuid"),
    ColumnSchema::of::<Option<DateTime<Utc>>>("a_timestamp"),
    ColumnSchema::of::<Option<NaiveDateTime>>("a_local_timestamp"),
    ColumnSchema::of::<Option<NaiveDate>>("a_date"),
    ColumnSchema::of::<Option<NaiveTime>>("a_time"),
    ColumnSchema::of::<Option<serde_json::Value>>("a_json"),
];

const fn all() -> TableSchema {
    TableSchema::new("conformance_types", 1, ALL)
}

/// A table of its own, and a claim to write into it.
async fn owned<S: ProjectionStore>(store: &S, table: TableSchema) -> Claim {
    let id = ProjectionId { name: table.name, version: table.version };
    prepare(store, ProjectionSchema::new(id, ProjectionKind::ReadModel(table), EVENTS)).await;
    let engine = alive(store, "owner", LONG).await;
    claim(store, &engine, shard(id, 0)).await.expect("nobody owns it")
}

/// Writes values into one column, each in a row of its own, and reads them all back.
async fn check<S, T>(store: &S, held: &Claim, column: &str, values: &[T])
where
    S: ProjectionStore,
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let place = ALL.iter().position(|known| known.name == column).expect("there is such a column");
    let row = |(id, value): (usize, &T)| {
        let members = ALL.iter().map(|known| {
            let value = match known.name {
                "id" => Ok(id.to_string()),
                name if name == column => serde_json::to_string(value),
                _ => Ok("null".to_owned()),
            };
            format!("\"{}\":{}", known.name, value.expect("a value is JSON"))
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    let rows: Vec<_> = values.iter().enumerate().map(row).collect();
    let from = super::state(store, held.shard).await.position.get();
    let mut transaction = begin(store, held, from, from + 1).await;
    store
        .write_rows(&mut transaction, &all(), format!("[{}]", rows.join(",")), &[])
        .await
        .expect("they can be written");
    for (id, value) in values.iter().enumerate() {
        let loaded = store.load_rows(&mut transaction, &all(), &[id.to_string()]).await.expect("they can be loaded");
        assert_eq!(read::<T>(&loaded[0], place).as_ref(), Some(value), "{column}, loaded");
    }
    commit(store, transaction).await;
    for (id, value) in values.iter().enumerate() {
        let found = store.find_row(&all(), &id.to_string()).await.expect("an answer").expect("it is there");
        assert_eq!(read::<T>(&found, place).as_ref(), Some(value), "{column}, found");
    }
}

fn read<T: DeserializeOwned>(row: &[u8], place: usize) -> Option<T> {
    let columns: Vec<&RawValue> = serde_json::from_slice(row).expect("a row is an array");
    assert_eq!(columns.len(), ALL.len(), "one value for each column");
    serde_json::from_str(columns[place].get()).expect("the value fits its field")
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(texts: &[&str]) -> Vec<T> {
    texts.iter().map(|text| text.parse().expect("it is written well")).collect()
}

async fn types<S: ProjectionStore>(store: S) {
    let held = owned(&store, all()).await;
    check(&store, &held, "a_bool", &[true, false]).await;
    check(&store, &held, "a_small_int", &[0, -1, i16::MIN, i16::MAX]).await;
    check(&store, &held, "an_integer", &[0, -1, i32::MIN, i32::MAX]).await;
    check(&store, &held, "a_big_int", &[0, -1, i64::MIN, i64::MAX, (1 << 53) + 1]).await;
    check(&store, &held, "an_unsigned", &[0, 1, u64::MAX, (1 << 53) + 1]).await;
    let decimals = ["0", "-0.5", "123456789012345678901234567890.123456789", "0.00000000000000000001"];
    check(&store, &held, "a_decimal", &decimals.map(str::to_owned)).await;
    let doubles = [0.0, 0.1, -2.5, 1e300, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 100.0 / 3.0];
    check(&store, &held, "a_double", &doubles).await;
    let texts =
        ["", "a", "'quoted' \"twice\"", "back\\slash", "a\tb\r\nc", "é ß 😀 \u{ffff} \u{200b}", "null", "{}", "\u{1}"];
    check(&store, &held, "a_text", &texts.map(str::to_owned)).await;
    check(&store, &held, "a_uuid", &[Uuid::nil(), Uuid::max(), Uuid::now_v7()]).await;
    let times = [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "2026-02-28T12:00:00.000001Z",
        "9999-12-31T23:59:59.999999Z",
    ];
    check(&store, &held, "a_timestamp", &parsed::<DateTime<Utc>>(&times)).await;
    let times = ["0001-01-01T00:00:00", "2026-03-29T02:30:00.000001", "9999-12-31T23:59:59.999999"];
    check(&store, &held, "a_local_timestamp", &parsed::<NaiveDateTime>(&times)).await;
    check(&store, &held, "a_date", &parsed::<NaiveDate>(&["0001-01-01", "2024-02-29", "9999-12-31"])).await;
    check(&store, &held, "a_time", &parsed::<NaiveTime>(&["00:00:00", "23:59:59.999999"])).await;
    let documents = [
        serde_json::json!({ "b": [1, 2.5, null, { "deep": [[]] }], "a": "é \\ \" '" }),
        serde_json::json!([]),
        serde_json::json!("text"),
        serde_json::json!(i64::MIN),
        serde_json::json!(false),
    ];
    check(&store, &held, "a_json", &documents).await;
}

async fn empty<S: ProjectionStore>(store: S) {
    let held = owned(&store, all()).await;
    let nulls: Vec<_> = ALL.iter().skip(1).map(|column| format!("\"{}\":null", column.name)).collect();
    let rows = format!("[{{\"id\":1,{}}}]", nulls.join(","));
    let mut transaction = begin(&store, &held, 0, 1).await;
    store.write_rows(&mut transaction, &all(), rows, &[]).await.expect("they can be written");
    commit(&store, transaction).await;
    let row = store.find_row(&all(), "1").await.expect("an answer").expect("it is there");
    let row: Vec<serde_json::Value> = serde_json::from_slice(&row).expect("an array");
    assert_eq!(row[0], 1);
    assert!(row[1..].iter().all(serde_json::Value::is_null) && row.len() == ALL.len(), "{row:?}");
}

/// That rows with keys of this type are written, loaded, found and removed by the key's text.
async fn check_key<S: ProjectionStore, K: Column + std::fmt::Display>(store: &S, table: TableSchema, keys: &[K]) {
    let held = owned(store, table).await;
    let rows: Vec<_> = keys.iter().map(|key| serde_json::json!({ "id": key })).collect();
    let texts: Vec<_> = keys.iter().map(ToString::to_string).collect();
    let mut transaction = begin(store, &held, 0, 1).await;
    for _ in 0..2 {
        let rows = serde_json::to_string(&rows).expect("they are JSON");
        store.write_rows(&mut transaction, &table, rows, &[]).await.expect("they can be written");
    }
    let loaded = store.load_rows(&mut transaction, &table, &texts).await.expect("they can be loaded");
    assert_eq!(loaded.len(), keys.len(), "{texts:?}");
    commit(store, transaction).await;
    for text in &texts {
        let row = store.find_row(&table, text).await.expect("an answer").expect("it is there");
        let [key]: [K; 1] = serde_json::from_slice(&row).expect("an array of one column");
        assert_eq!(key.to_string(), *text);
    }
    let mut transaction = begin(store, &held, 1, 2).await;
    store.write_rows(&mut transaction, &table, "[]".to_owned(), &texts).await.expect("they can be removed");
    commit(store, transaction).await;
    assert_eq!(store.find_rows(&table, "", Vec::new()).await.expect("an answer").len(), 0);
    assert_eq!(super::state(store, held.shard).await.position, at(2));
}

async fn keys<S: ProjectionStore>(store: S) {
    const fn table(name: &'static str, columns: &'static [ColumnSchema]) -> TableSchema {
        TableSchema::new(name, 1, columns)
    }
    const NUMBERS: &[ColumnSchema] = &[ColumnSchema::of::<i64>("id").key()];
    const UNSIGNED: &[ColumnSchema] = &[ColumnSchema::of::<u64>("id").key()];
    const UUIDS: &[ColumnSchema] = &[ColumnSchema::of::<Uuid>("id").key()];
    const DATES: &[ColumnSchema] = &[ColumnSchema::of::<NaiveDate>("id").key()];
    const TIMES: &[ColumnSchema] = &[ColumnSchema::of::<DateTime<Utc>>("id").key()];
    check_key(&store, table("conformance_by_number", NUMBERS), &[0, -1, i64::MIN, i64::MAX]).await;
    check_key(&store, table("conformance_by_unsigned", UNSIGNED), &[0, 1, u64::MAX]).await;
    check_key(&store, table("conformance_by_uuid", UUIDS), &[Uuid::nil(), Uuid::now_v7()]).await;
    check_key(&store, table("conformance_by_date", DATES), &parsed::<NaiveDate>(&["2024-02-29", "1999-12-31"])).await;
    let times = parsed::<DateTime<Utc>>(&["2024-02-29T00:00:00Z", "1999-12-31T23:59:59.000001Z"]);
    check_key(&store, table("conformance_by_time", TIMES), &times).await;
}
