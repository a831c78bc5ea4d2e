//! The columns of read models: what they are called, what they hold, and the way of a row to a store and back.

use std::net::IpAddr;

use es_core::{
    prelude::*,
    projection::{
        Column, ColumnSchema, ColumnType, TableSchema,
        row::{decode, encode},
    },
};
use sqlx::types::chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use uuid::Uuid;

#[derive(Event, Serialize, Deserialize)]
struct LampLit {}

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Serial(Uuid);

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Number(i64);

impl Default for Number {
    fn default() -> Self {
        Self(i64::MIN)
    }
}

/// An id over a type that has no column: it is an id, and no field of a row.
#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Wide(i128);

/// A number of any length, that travels as text.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(transparent)]
struct Price(String);

impl Column for Price {
    const TYPE: ColumnType = ColumnType::Decimal;
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq)]
enum Colour {
    #[default]
    White,
    Red,
}

#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
struct Place {
    room: String,
    shelf: Option<u8>,
}

type Maybe<T> = Option<T>;

#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "lamps", version = 7, shards = 4, policy = dead_letter)]
struct Row {
    flag: bool,
    small: i8,
    short: i16,
    int: i32,
    #[read_model(index)]
    long: i64,
    tiny: u8,
    word: u16,
    double_word: u32,
    quad: u64,
    float: f64,
    text: String,
    #[read_model(key)]
    id: LampId,
    uuid: Option<Serial>,
    number: Number,
    moment: Maybe<DateTime<Utc>>,
    value: Option<serde_json::Value>,
    r#type: Option<u64>,
    price: Price,
    local: NaiveDateTime,
    day: NaiveDate,
    time: Option<NaiveTime>,
    #[read_model(text)]
    colour: Colour,
    #[read_model(text, index)]
    second: Maybe<Colour>,
    #[read_model(json)]
    place: Place,
    #[read_model(json)]
    places: Option<Vec<Place>>,
    #[read_model(sql = "inet")]
    address: Option<IpAddr>,
    #[read_model(json)]
    wide: i128,
}

#[event_handler]
impl Row {
    fn lit(&mut self, _: &LampLit) {
        self.long += 1;
    }
}

/// A row with nothing in it that could be left out.
fn full() -> Row {
    Row {
        flag: true,
        small: i8::MIN,
        short: i16::MIN,
        int: i32::MIN,
        long: i64::MIN,
        tiny: u8::MAX,
        word: u16::MAX,
        double_word: u32::MAX,
        quad: u64::MAX,
        float: 0.1 + 0.2,
        text: "\"quoted\", \\, \u{1f4a1}\n".to_owned(),
        id: LampId("hall".to_owned()),
        uuid: Some(Serial(Uuid::from_u128(7))),
        number: Number(i64::MAX),
        moment: Some(DateTime::from_timestamp_micros(1_700_000_000_123_456).expect("a moment")),
        value: Some(serde_json::json!({"a": [1, null]})),
        r#type: Some(u64::MAX),
        price: Price("79228162514264337593543950335.5".to_owned()),
        local: DateTime::UNIX_EPOCH.naive_utc(),
        day: NaiveDate::MAX,
        time: Some(NaiveTime::MIN),
        colour: Colour::Red,
        second: Some(Colour::White),
        place: Place { room: "attic".to_owned(), shelf: None },
        places: Some(vec![Place::default()]),
        address: Some(IpAddr::from([127, 0, 0, 1])),
        wide: i128::from(u64::MAX),
    }
}

fn json(row: &Row) -> String {
    let mut buffer = b"before ".to_vec();
    encode(row, &mut buffer).expect("it can be encoded");
    String::from_utf8(buffer).expect("text").split_off("before ".len())
}

/// The values of an object in the order of the columns, as a store gives them back.
fn array(object: &str) -> String {
    let mut values: serde_json::Map<String, serde_json::Value> = serde_json::from_str(object).expect("an object");
    assert_eq!(values.len(), Row::COLUMNS.len());
    let columns = Row::COLUMNS.iter().map(|column| values.remove(column.name).expect("each column is there"));
    serde_json::to_string(&columns.collect::<Vec<_>>()).expect("JSON")
}

#[test]
fn a_row_goes_to_a_store_as_an_object_and_comes_back_as_an_array() {
    for row in [full(), Row::begin(LampId("attic".to_owned()))] {
        let object = json(&row);
        assert_eq!(decode::<Row>(array(&object).as_bytes()).expect("it can be decoded"), row);
    }
    let object = json(&full());
    for part in [r#""type":18446744073709551615"#, r#""colour":"Red""#, r#""address":"127.0.0.1""#, r#""id":"hall""#] {
        assert!(object.contains(part), "{object}");
    }
    assert!(object.starts_with(r#"{"flag":true,"small":-128,"#), "in the order of the fields: {object}");
}

#[test]
fn the_columns_follow_from_the_types_and_from_what_is_said() {
    let of = |name, ty| ColumnSchema::new(name, ty, false);
    let or_null = |name, ty| ColumnSchema::new(name, ty, true);
    assert_eq!(
        Row::COLUMNS,
        [
            of("flag", ColumnType::Bool),
            of("small", ColumnType::SmallInt),
            of("short", ColumnType::SmallInt),
            of("int", ColumnType::Integer),
            of("long", ColumnType::BigInt).indexed(),
            of("tiny", ColumnType::SmallInt),
            of("word", ColumnType::Integer),
            of("double_word", ColumnType::BigInt),
            of("quad", ColumnType::Unsigned),
            of("float", ColumnType::Double),
            of("text", ColumnType::Text),
            of("id", ColumnType::Text).key(),
            or_null("uuid", ColumnType::Uuid),
            of("number", ColumnType::BigInt),
            or_null("moment", ColumnType::Timestamp),
            or_null("value", ColumnType::Json),
            or_null("type", ColumnType::Unsigned),
            of("price", ColumnType::Decimal),
            of("local", ColumnType::LocalTimestamp),
            of("day", ColumnType::Date),
            or_null("time", ColumnType::Time),
            of("colour", ColumnType::Text),
            or_null("second", ColumnType::Text).indexed(),
            of("place", ColumnType::Json),
            or_null("places", ColumnType::Json),
            or_null("address", ColumnType::Sql("inet")),
            of("wide", ColumnType::Json),
        ]
    );
    assert_eq!(Row::table(), TableSchema::new("lamps", 7, Row::COLUMNS));
    assert_eq!(Row::table().key().name, "id");
    assert_eq!((Row::SHARDS, Row::POLICY), (4, FailurePolicy::DeadLetter));
}

#[test]
fn an_id_has_the_column_of_what_is_inside() {
    assert_eq!(<LampId as Column>::TYPE, ColumnType::Text);
    assert_eq!(<Serial as Column>::TYPE, ColumnType::Uuid);
    assert_eq!(<Number as Column>::TYPE, ColumnType::BigInt);
    const { assert!(<Option<Number> as Column>::NULLABLE && !<Number as Column>::NULLABLE) };
    assert_eq!(<Position as Column>::TYPE, ColumnType::BigInt);
    assert_eq!(<EventId as Column>::TYPE, ColumnType::Uuid);
    assert_eq!(Wide(1).to_string(), "1");
}

#[test]
fn what_does_not_fit_names_its_column() {
    let fits = array(&json(&full()));
    let failed = |array: &str| decode::<Row>(array.as_bytes()).expect_err("it does not fit").to_string();
    let small = failed(&fits.replacen("-128", "-129", 1));
    assert!(small.starts_with("the column `small` does not fit its field: "), "{small}");
    let colour = failed(&fits.replacen(r#""Red""#, r#""Blue""#, 1));
    assert!(colour.starts_with("the column `colour` does not fit its field: unknown variant `Blue`"), "{colour}");
    let short = failed("[true]");
    assert!(short.starts_with("there is no column `small`"), "{short}");
    let empty = failed(&fits.replacen("true", "null", 1));
    assert!(empty.starts_with("the column `flag` does not fit its field: "), "{empty}");
    assert!(failed("{}").contains("the 27 columns of `lamps`"), "{}", failed("{}"));
}

#[test]
fn a_row_with_too_many_values_is_refused() {
    let fits = array(&json(&full()));
    let long = format!("{},1]", fits.strip_suffix(']').expect("an array"));
    assert!(decode::<Row>(long.as_bytes()).is_err());
}

/// What serde writes as a number is no text, whatever is said above the field.
#[derive(ReadModel, Debug)]
#[read_model(table = "wide")]
struct NoText {
    #[read_model(key)]
    id: LampId,
    #[read_model(text)]
    wide: Option<i128>,
}

#[event_handler]
impl NoText {
    fn lit(&mut self, _: &LampLit) {
        self.wide = Some(1);
    }
}

#[test]
fn what_is_kept_as_text_is_text() {
    let mut buffer = Vec::new();
    let mut row = NoText::begin(LampId("hall".to_owned()));
    encode(&row, &mut buffer).expect("nothing is no number");
    row.wide = Some(1);
    let refused = encode(&row, &mut buffer).expect_err("a number is no text").to_string();
    assert_eq!(refused, "the column `wide` is kept as text, and serde writes no text for its value");
    assert_eq!((NoText::SHARDS, NoText::POLICY), (1, FailurePolicy::Stop));
}
