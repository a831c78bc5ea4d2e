//! Rows of read models: every type, there and back, and how they are found.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use es_core::{
    projection::{
        Argument, Claim, ColumnSchema, ColumnType, HandlerError, ProjectionStore as _, TableSchema, Transience,
    },
    store::StoreError,
};
use es_sqlite::{
    SqliteStore,
    sqlx::{self, FromRow, Row as _, sqlite::SqliteRow},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    projection_support::{
        ID, LAMPS, LONG, begin, claim, engine, number, open_with, position, raw, read_model, run, shard,
    },
    support::File,
};

const fn column(name: &'static str, ty: ColumnType) -> ColumnSchema {
    ColumnSchema::new(name, ty, true)
}

const EVERYTHING: TableSchema = TableSchema::new(
    "everything",
    1,
    &[
        ID,
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
        column("yes", ColumnType::Sql("boolean")),
        column("document", ColumnType::Sql("jsonb")),
    ],
);

/// The same, as a program reads it that knows nothing of us.
#[derive(Debug, PartialEq)]
struct Everything {
    id: String,
    flag: bool,
    small: i16,
    middle: i32,
    big: i64,
    unsigned: u64,
    decimal: String,
    double: f64,
    text: String,
    uuid: Uuid,
    at: DateTime<Utc>,
    local: NaiveDateTime,
    day: NaiveDate,
    time: NaiveTime,
    json: sqlx::types::Json<Value>,
    order: String,
    yes: bool,
    document: sqlx::types::Json<Value>,
}

impl FromRow<'_, SqliteRow> for Everything {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            flag: row.try_get("flag")?,
            small: row.try_get("small")?,
            middle: row.try_get("middle")?,
            big: row.try_get("big")?,
            unsigned: row.try_get("unsigned")?,
            decimal: row.try_get("decimal")?,
            double: row.try_get("double")?,
            text: row.try_get("text")?,
            uuid: row.try_get("uuid")?,
            at: row.try_get("at")?,
            local: row.try_get("local")?,
            day: row.try_get("day")?,
            time: row.try_get("time")?,
            json: row.try_get("json")?,
            order: row.try_get("order")?,
            yes: row.try_get("yes")?,
            document: row.try_get("document")?,
        })
    }
}

/// Writes rows and removes others, in a batch of its own.
async fn write(store: &SqliteStore, held: &Claim, table: &TableSchema, rows: &Value, removed: &[&str]) {
    let removed: Vec<_> = removed.iter().map(|&key| key.to_owned()).collect();
    let from = position(store, held.shard).await;
    let mut transaction = begin(store, held, from, from + 1).await;
    store.write_rows(&mut transaction, table, rows.to_string(), &removed).await.expect("rows can be written");
    store.commit(transaction).await.expect("a commit");
}

async fn open(file: &File, table: TableSchema) -> (SqliteStore, Claim) {
    let store = open_with(file, &[read_model(table)]).await;
    let held = claim(&store, &engine("a", LONG), shard(read_model(table).id, 0)).await;
    (store, held)
}

async fn found(store: &SqliteStore, table: &TableSchema, condition: &str, arguments: Vec<Argument>) -> Vec<Value> {
    let rows = store.find_rows(table, condition, arguments).await.expect("rows can be found");
    rows.iter().map(|row| serde_json::from_slice(row).expect("JSON")).collect()
}

fn object(row: &Value) -> Value {
    let values = row.as_array().expect("an array");
    EVERYTHING.columns.iter().zip(values).map(|(column, value)| (column.name.to_owned(), value.clone())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_comes_back_as_it_went() {
    let file = File::new();
    let (store, held) = open(&file, EVERYTHING).await;
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
            Uuid::nil(),
            "2026-01-01T00:00:00.123456Z",
            "1815-06-18T11:35:00.000001",
            "2024-02-29",
            "23:59:59.999999",
            nested,
            "x",
            true,
            [1, "a"]
        ]),
        json!([
            "other extremes",
            false,
            i16::MAX,
            i32::MAX,
            i64::MAX,
            i64::MAX.cast_unsigned() + 1,
            "1e3",
            f64::MIN_POSITIVE,
            "with a NUL: \0, in the midst",
            Uuid::max(),
            "0000-01-01T00:00:00.000000Z",
            "9999-12-31T23:59:59.999999",
            "0001-01-01",
            "00:00:00.000000",
            "null",
            "007",
            false,
            {}
        ]),
        Value::Array(std::iter::once(json!("nothing")).chain(vec![Value::Null; 17]).collect()),
    ];
    write(&store, &held, &EVERYTHING, &rows.iter().map(object).collect(), &[]).await;
    let mut transaction = begin(&store, &held, 1, 1).await;
    for row in &rows {
        let key = row[0].as_str().expect("a key").to_owned();
        let seen = store.find_row(&EVERYTHING, &key).await.expect("a look").expect("it is there");
        let loaded = store.load_rows(&mut transaction, &EVERYTHING, &[key]).await.expect("rows can be loaded");
        assert_eq!(loaded, std::slice::from_ref(&seen));
        assert_eq!(serde_json::from_slice::<Value>(&seen).expect("JSON"), *row);
    }
    store.rollback(transaction).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_program_reads_the_rows_with_the_driver() {
    let file = File::new();
    let (store, held) = open(&file, EVERYTHING).await;
    let (id, at) = (Uuid::now_v7(), "2026-01-01T00:00:00.500000Z".parse::<DateTime<Utc>>().expect("a moment"));
    let row = json!([
        "a",
        true,
        1,
        2,
        3,
        4,
        "5.0",
        6.5,
        "text",
        id,
        at,
        at.naive_utc(),
        at.date_naive(),
        at.time(),
        [1],
        "x",
        true,
        {}
    ]);
    write(&store, &held, &EVERYTHING, &json!([object(&row)]), &[]).await;
    let mut connection = raw(&file).await;
    let read: Everything = sqlx::query_as("select * from everything where uuid = $1 and id = $2")
        .bind(id)
        .bind("a")
        .fetch_one(&mut connection)
        .await
        .expect("the row, by its UUID");
    let expected = Everything {
        id: "a".to_owned(),
        flag: true,
        small: 1,
        middle: 2,
        big: 3,
        unsigned: 4,
        decimal: "5.0".to_owned(),
        double: 6.5,
        text: "text".to_owned(),
        uuid: id,
        at,
        local: at.naive_utc(),
        day: at.date_naive(),
        time: at.time(),
        json: sqlx::types::Json(json!([1])),
        order: "x".to_owned(),
        yes: true,
        document: sqlx::types::Json(json!({})),
    };
    assert_eq!(read, expected);
    assert_eq!(number(&mut connection, "select sum(unsigned + big) from everything").await, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_in_order_to_their_ends() {
    let file = File::new();
    let (store, held) = open(&file, EVERYTHING).await;
    let beyond = i64::MAX.cast_unsigned() + 1;
    let unsigned = [0, 9, 10, 1 << 53, (1 << 53) + 1, beyond - 1, beyond, beyond + 1, u64::MAX - 1, u64::MAX];
    let moments =
        ["0000-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z"];
    let rows = (0..10_usize).map(|place| {
        json!({ "id": place.to_string(), "unsigned": unsigned[place], "at": moments.get(place), "double": f64::MIN_POSITIVE })
    });
    write(&store, &held, &EVERYTHING, &rows.collect(), &[]).await;
    let ids = async |condition: &str, arguments| {
        let rows = found(&store, &EVERYTHING, condition, arguments).await;
        rows.iter().map(|row| row[0].as_str().expect("an id").to_owned()).collect::<String>()
    };
    assert_eq!(ids("true order by unsigned", vec![]).await, "0123456789");
    assert_eq!(ids("unsigned > $1 order by unsigned", vec![10.into()]).await, "3456789");
    assert_eq!(ids("unsigned > $1 order by unsigned", vec![i64::MAX.into()]).await, "6789");
    assert_eq!(ids("at is not null order by at desc", vec![]).await, "3210");
    let moment: DateTime<Utc> = moments[2].parse().expect("a moment");
    assert_eq!(ids("at = $1", vec![moment.into()]).await, "2");
    assert_eq!(ids("at < $1 order by at", vec![moment.into()]).await, "01");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_found_by_conditions_with_arguments() {
    const WRONG: TableSchema = TableSchema::new("everything", 2, &[ID, column("nothing", ColumnType::Text)]);
    let file = File::new();
    let (store, held) = open(&file, EVERYTHING).await;
    let id = Uuid::now_v7();
    let rows = json!([
        { "id": "a", "big": 1, "uuid": id, "flag": true, "double": 0.5, "day": "2026-02-03", "text": "$1 isn't it" },
        { "id": "b", "big": 2, "flag": false, "double": 1.5, "day": "2026-02-04" },
        { "id": "c", "big": 3 },
    ]);
    write(&store, &held, &EVERYTHING, &rows, &[]).await;
    let ids = async |condition: &str, arguments: Vec<Argument>| {
        let rows = found(&store, &EVERYTHING, condition, arguments).await;
        rows.iter().map(|row| row[0].as_str().expect("an id").to_owned()).collect::<String>()
    };
    let day = NaiveDate::from_ymd_opt(2026, 2, 4).expect("a day");
    assert_eq!(ids("uuid = $1", vec![id.into()]).await, "a");
    assert_eq!(ids("flag = $1", vec![false.into()]).await, "b");
    assert_eq!(ids("double < $1", vec![1.0.into()]).await, "a");
    assert_eq!(ids("day >= $1", vec![day.into()]).await, "b");
    assert_eq!(ids("big > $1 and big < $2 or big = $2 order by big limit $1", vec![1.into(), 3.into()]).await, "b");
    assert_eq!(ids("text = '$1 isn''t it' and big = $1", vec![1.into()]).await, "a");
    assert_eq!(ids("everything.big = ?1", vec![3.into()]).await, "c");
    assert_eq!(ids("  ", vec![]).await, "abc");
    assert_eq!(ids("order by big desc limit $1", vec![2.into()]).await, "cb");
    for (condition, arguments) in [("big = $1", vec![]), ("big = $2", vec![1.into()]), ("big = 1", vec![1.into()])] {
        let refused = store.find_rows(&EVERYTHING, condition, arguments).await.expect_err(condition);
        assert!(refused.to_string().contains("places for arguments"), "{refused}");
    }
    for wrong in ["nothing = 1", "big = = 1", "(select 1 from nowhere) = 1", "true; delete from everything_v1"] {
        let refused = store.find_rows(&EVERYTHING, wrong, Vec::new()).await.err();
        assert!(refused.is_some() || wrong.contains("delete"), "{wrong}");
    }
    assert_eq!(ids("true order by id", vec![]).await, "abc", "a reader changes nothing");
    let missing = store.find_rows(&LAMPS, "", Vec::new()).await.expect_err("it is not there");
    assert!(matches!(&missing, StoreError::Misconfigured(_)) && missing.to_string().contains("`lamps`"), "{missing}");
    // Quoted, a name of no column must not be taken for a text.
    store.find_rows(&WRONG, "", Vec::new()).await.expect_err("there is no such column");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_its_column_is_refused_before_anything_is_written() {
    let file = File::new();
    let (store, held) = open(&file, EVERYTHING).await;
    let cases = [
        (json!([{ "id": null }]), "`id`"),
        (json!([{ "big": 1 }]), "`id`"),
        (json!([{ "id": "a", "big": "one" }]), "`big`"),
        (json!([{ "id": "a", "big": u64::MAX }]), "`big`"),
        (json!([{ "id": "a", "unsigned": -1 }]), "`unsigned`"),
        (json!([{ "id": "a", "uuid": "none" }]), "`uuid`"),
        (json!([{ "id": "a", "day": "+10000-01-01" }]), "`day`"),
        (json!([{ "id": "a", "order": [1] }]), "`order`"),
        (json!({}), "invalid type"),
    ];
    let mut transaction = begin(&store, &held, 0, 1).await;
    for (rows, said) in cases {
        let refused = store.write_rows(&mut transaction, &EVERYTHING, rows.to_string(), &[]).await.expect_err(said);
        assert!(refused.to_string().contains(said), "{refused}");
        assert_eq!(store.transience(&HandlerError::new(refused)), Transience::Lasting);
    }
    store.commit(transaction).await.expect("the rest is as it was");
    assert_eq!(number(&mut raw(&file).await, "select count(*) from everything").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_argument_that_is_out_of_order_is_refused() {
    let file = File::new();
    let (store, _) = open(&file, EVERYTHING).await;
    let refused = store.find_rows(&EVERYTHING, "at < $1", vec![DateTime::<Utc>::MAX_UTC.into()]).await;
    assert!(refused.expect_err("no text of it is in order").to_string().contains("year"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_may_have_hundreds_of_columns() {
    let columns: Vec<_> = (0..700)
        .map(|number| {
            let name: &'static str = Box::leak(format!("column_{number}").into_boxed_str());
            if number == 0 {
                ColumnSchema::new(name, ColumnType::BigInt, false).key()
            } else {
                column(name, ColumnType::BigInt)
            }
        })
        .collect();
    let wide = TableSchema::new("wide", 1, Box::leak(columns.into_boxed_slice()));
    let file = File::new();
    let (store, held) = open(&file, wide).await;
    let row = |key: i64| -> Value { wide.columns.iter().map(|column| (column.name.to_owned(), json!(key))).collect() };
    write(&store, &held, &wide, &(0..200).map(row).collect(), &["7"]).await;
    let row = store.find_row(&wide, "199").await.expect("a look").expect("it is there");
    assert_eq!(serde_json::from_slice::<Vec<i64>>(&row).expect("JSON"), vec![199; 700]);
    assert_eq!(number(&mut raw(&file).await, "select count(*) from wide").await, 199);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_stops_whoever_needs_it() {
    let file = File::new();
    let (store, held) = open(&file, LAMPS).await;
    run(&mut raw(&file).await, "drop table lamps_v1").await;
    let mut transaction = begin(&store, &held, 0, 1).await;
    let missing = store.load_rows(&mut transaction, &LAMPS, &["a".to_owned()]).await.expect_err("it is gone");
    assert_eq!(store.transience(&HandlerError::new(missing)), Transience::Broken);
    let rows = r#"[{"id":"a","lit":1}]"#.to_owned();
    store.write_rows(&mut transaction, &LAMPS, rows, &[]).await.expect("they are taken");
    let missing = store.commit(transaction).await.expect_err("it is gone");
    assert_eq!(store.transience(&HandlerError::new(missing)), Transience::Broken);
    assert_eq!(position(&store, held.shard).await, 0);
}
