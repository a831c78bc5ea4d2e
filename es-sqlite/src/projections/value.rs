//! Values of read models: between the JSON in which they travel and what SQLite keeps.
//!
//! SQLite knows integers of 64 bits with a sign, floating-point numbers, texts and bytes. What else there is, is kept so that it
//! comes back exactly, and so that it is in order where it is compared:
//!
//! - a number without a sign is an integer, as far as those go; one that is beyond them is eight bytes, the highest first, which
//!   come behind all integers,
//! - a UUID is its 16 bytes, as the driver keeps it,
//! - moments, dates and times are texts of a fixed length, with six digits behind the second, moments in UTC,
//! - a number with a decimal point, and JSON, are texts as they came.

use std::{error::Error, fmt};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use es_core::projection::{Argument, ColumnSchema, ColumnType};
use sqlx::{
    Row as _, Sqlite, TypeInfo as _, ValueRef as _,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};
use uuid::Uuid;

const MOMENT: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";
const LOCAL: &str = "%Y-%m-%dT%H:%M:%S%.6f";
const DATE: &str = "%Y-%m-%d";
const TIME: &str = "%H:%M:%S%.6f";

/// A value as SQLite keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Native {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A value that is none of its column's.
#[derive(Debug)]
pub(super) struct Unfit {
    column: &'static str,
    reason: String,
}

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a value does not fit its column `{}`: {}", self.column, self.reason)
    }
}

impl Error for Unfit {}

/// What a column holds, as far as it makes a difference here.
fn kind(ty: ColumnType) -> ColumnType {
    let named = |name: &str, part: &str| name.to_ascii_lowercase().contains(part);
    match ty {
        ColumnType::Sql(name) if named(name, "json") => ColumnType::Json,
        ColumnType::Sql(name) if named(name, "bool") => ColumnType::Bool,
        other => other,
    }
}

impl Native {
    /// The value that travels as this JSON.
    pub(super) fn of_json(column: &ColumnSchema, json: &str) -> Result<Self, Unfit> {
        let unfit = |error: &dyn fmt::Display| Unfit { column: column.name, reason: error.to_string() };
        if json == "null" {
            if column.nullable {
                return Ok(Self::Null);
            }
            return Err(unfit(&"it may not be empty"));
        }
        match kind(column.ty) {
            ColumnType::Bool => {
                serde_json::from_str(json).map(|it: bool| Self::Integer(it.into())).map_err(|it| unfit(&it))
            }
            ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt => {
                serde_json::from_str(json).map(Self::Integer).map_err(|it| unfit(&it))
            }
            ColumnType::Unsigned => serde_json::from_str(json).map(Self::unsigned).map_err(|it| unfit(&it)),
            ColumnType::Double => serde_json::from_str(json).map(Self::Real).map_err(|it| unfit(&it)),
            // A number is kept as it is written.
            ColumnType::Decimal if !json.starts_with('"') => Ok(Self::Text(json.to_owned())),
            ColumnType::Sql(_) => Self::scalar(json).map_err(|it| unfit(&it)),
            ty @ (ColumnType::Decimal
            | ColumnType::Text
            | ColumnType::Uuid
            | ColumnType::Timestamp
            | ColumnType::LocalTimestamp
            | ColumnType::Date
            | ColumnType::Time) => {
                let text: String = serde_json::from_str(json).map_err(|it| unfit(&it))?;
                Self::of_text(ty, text).map_err(|it| unfit(&it))
            }
            // And what there may be later: serde writes it as JSON.
            _ => Ok(Self::Text(json.to_owned())),
        }
    }

    /// The key that is written so.
    pub(super) fn of_key(column: &ColumnSchema, key: &str) -> Result<Self, Unfit> {
        let unfit = |error: &dyn fmt::Display| Unfit { column: column.name, reason: error.to_string() };
        match kind(column.ty) {
            ColumnType::Bool => key.parse().map(|it: bool| Self::Integer(it.into())).map_err(|it| unfit(&it)),
            ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt => {
                key.parse().map(Self::Integer).map_err(|it| unfit(&it))
            }
            ColumnType::Unsigned => key.parse().map(Self::unsigned).map_err(|it| unfit(&it)),
            ColumnType::Double => key.parse().map(Self::Real).map_err(|it| unfit(&it)),
            ty => Self::of_text(ty, key.to_owned()).map_err(|it| unfit(&it)),
        }
    }

    fn of_text(ty: ColumnType, text: String) -> Result<Self, String> {
        Ok(match ty {
            ColumnType::Uuid => {
                Self::Bytes(Uuid::parse_str(&text).map_err(|error| error.to_string())?.as_bytes().to_vec())
            }
            ColumnType::Timestamp => Self::moment(text.parse().map_err(|error| format!("{error}: `{text}`"))?)?,
            ColumnType::LocalTimestamp => {
                // A key is written with a space.
                let time: NaiveDateTime =
                    text.replacen(' ', "T", 1).parse().map_err(|error| format!("{error}: `{text}`"))?;
                within(&time)?;
                Self::Text(time.format(LOCAL).to_string())
            }
            ColumnType::Date => Self::date(text.parse().map_err(|error| format!("{error}: `{text}`"))?)?,
            ColumnType::Time => {
                let time: NaiveTime = text.parse().map_err(|error| format!("{error}: `{text}`"))?;
                Self::Text(time.format(TIME).to_string())
            }
            _ => Self::Text(text),
        })
    }

    /// A value of a type of the database, as its JSON says.
    fn scalar(json: &str) -> Result<Self, String> {
        match serde_json::from_str(json).map_err(|error| error.to_string())? {
            serde_json::Value::Null => Ok(Self::Null),
            serde_json::Value::Bool(value) => Ok(Self::Integer(value.into())),
            serde_json::Value::String(text) => Ok(Self::Text(text)),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), ..) => Ok(Self::Integer(number)),
                (_, Some(number), _) => Ok(Self::unsigned(number)),
                (.., Some(number)) => Ok(Self::Real(number)),
                _ => Err(format!("`{number}` is no number of SQLite's")),
            },
            _ => Err("it is an array or an object: say `#[read_model(json)]` above the field".to_owned()),
        }
    }

    fn unsigned(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| Self::Bytes(number.to_be_bytes().to_vec()), Self::Integer)
    }

    fn moment(time: DateTime<Utc>) -> Result<Self, String> {
        within(&time)?;
        Ok(Self::Text(time.format(MOMENT).to_string()))
    }

    fn date(date: NaiveDate) -> Result<Self, String> {
        within(&date)?;
        Ok(Self::Text(date.format(DATE).to_string()))
    }

    /// The value of an argument, as it is in a column of its type.
    pub(super) fn of_argument(argument: &Argument) -> Result<Self, Unfit> {
        let unfit = |reason| Unfit { column: "an argument", reason };
        match argument {
            Argument::Bool(value) => Ok(Self::Integer((*value).into())),
            Argument::BigInt(number) => Ok(Self::Integer(*number)),
            Argument::Double(number) => Ok(Self::Real(*number)),
            Argument::Text(text) => Ok(Self::Text(text.clone())),
            Argument::Uuid(uuid) => Ok(Self::Bytes(uuid.as_bytes().to_vec())),
            Argument::Timestamp(time) => Self::moment(*time).map_err(unfit),
            Argument::Date(date) => Self::date(*date).map_err(unfit),
            // There is none yet; one that is added later has no meaning here before it has a line of its own.
            _ => Err(unfit("it is of a kind that this store does not know".to_owned())),
        }
    }

    /// Puts it where the next parameter stands.
    pub(super) fn bind<'q>(&self, query: Query<'q, Sqlite, SqliteArguments>) -> Query<'q, Sqlite, SqliteArguments> {
        match self {
            Self::Null => query.bind(Option::<i64>::None),
            Self::Integer(number) => query.bind(*number),
            Self::Real(number) => query.bind(*number),
            Self::Text(text) => query.bind(text.clone()),
            Self::Bytes(bytes) => query.bind(bytes.clone()),
        }
    }
}

/// Texts of other years have other lengths, or a sign: they would not be in order.
fn within(date: &impl Datelike) -> Result<(), String> {
    if (0..=9999).contains(&date.year()) {
        return Ok(());
    }
    Err(format!("the year {} is not one from 0 to 9999, and would be out of order", date.year()))
}

/// Appends a value of a row as JSON.
pub(super) fn push_json(row: &SqliteRow, place: usize, ty: ColumnType, json: &mut Vec<u8>) -> Result<(), sqlx::Error> {
    let stored = row.try_get_raw(place)?;
    if stored.is_null() {
        json.extend_from_slice(b"null");
        return Ok(());
    }
    let class = stored.type_info().name().to_owned();
    match (kind(ty), class.as_str()) {
        (ColumnType::Bool, "INTEGER") => {
            let value: i64 = row.try_get_unchecked(place)?;
            json.extend_from_slice(if value == 0 { b"false" } else { b"true" });
        }
        (_, "INTEGER") => json.extend_from_slice(row.try_get_unchecked::<i64, _>(place)?.to_string().as_bytes()),
        (_, "REAL") => serde_json::to_writer(json, &row.try_get_unchecked::<f64, _>(place)?).map_err(unwritten)?,
        (ColumnType::Json, _) => json.extend_from_slice(row.try_get_unchecked::<&[u8], _>(place)?),
        (_, "TEXT") => serde_json::to_writer(json, row.try_get_unchecked::<&str, _>(place)?).map_err(unwritten)?,
        _ => {
            let bytes: &[u8] = row.try_get_unchecked(place)?;
            match (<[u8; 8]>::try_from(bytes), Uuid::from_slice(bytes)) {
                (_, Ok(uuid)) => json.extend_from_slice(format!("\"{uuid}\"").as_bytes()),
                (Ok(bytes), _) => json.extend_from_slice(u64::from_be_bytes(bytes).to_string().as_bytes()),
                _ => return Err(sqlx::Error::Decode("there are bytes that are no UUID and no number".into())),
            }
        }
    }
    Ok(())
}

fn unwritten(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

#[cfg(test)]
mod tests {
    use es_core::projection::{ColumnSchema, ColumnType};

    use super::Native;

    fn of_json(ty: ColumnType, json: &str) -> Result<Native, String> {
        Native::of_json(&ColumnSchema::new("it", ty, true), json).map_err(|unfit| unfit.to_string())
    }

    fn text(ty: ColumnType, json: &str) -> String {
        match of_json(ty, json) {
            Ok(Native::Text(text)) => text,
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn moments_are_texts_of_one_length() {
        for (json, stored) in [
            ("\"2026-02-28T12:00:00Z\"", "2026-02-28T12:00:00.000000Z"),
            ("\"2026-02-28T12:00:00.5+01:00\"", "2026-02-28T11:00:00.500000Z"),
            ("\"0001-01-01T00:00:00.000001999Z\"", "0001-01-01T00:00:00.000001Z"),
        ] {
            assert_eq!(text(ColumnType::Timestamp, json), stored);
        }
        assert_eq!(text(ColumnType::LocalTimestamp, "\"2026-02-28T12:00:00\""), "2026-02-28T12:00:00.000000");
        assert_eq!(text(ColumnType::Time, "\"01:02:03.04\""), "01:02:03.040000");
        assert_eq!(text(ColumnType::Date, "\"0099-02-03\""), "0099-02-03");
        for (ty, json) in [
            (ColumnType::Timestamp, "\"+10000-01-01T00:00:00Z\""),
            (ColumnType::Date, "\"-0001-01-01\""),
            (ColumnType::LocalTimestamp, "\"+10000-01-01T00:00:00\""),
        ] {
            let said = of_json(ty, json).expect_err("it would be out of order");
            assert!(said.contains("`it`") && said.contains("year"), "{said}");
        }
    }

    #[test]
    fn numbers_are_kept_exactly() {
        assert_eq!(of_json(ColumnType::BigInt, "9223372036854775807"), Ok(Native::Integer(i64::MAX)));
        assert!(of_json(ColumnType::BigInt, "9223372036854775808").is_err());
        assert_eq!(of_json(ColumnType::Unsigned, "9223372036854775807"), Ok(Native::Integer(i64::MAX)));
        let beyond = Native::Bytes(vec![0x80, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(of_json(ColumnType::Unsigned, "9223372036854775808"), Ok(beyond));
        assert_eq!(of_json(ColumnType::Double, "1e300"), Ok(Native::Real(1e300)));
        assert_eq!(text(ColumnType::Decimal, "\"1.50\""), "1.50");
        assert_eq!(text(ColumnType::Decimal, "1.50"), "1.50");
    }

    #[test]
    fn a_type_of_the_database_takes_scalars() {
        let ty = ColumnType::Sql("anything");
        assert_eq!(of_json(ty, "7"), Ok(Native::Integer(7)));
        assert_eq!(of_json(ty, "true"), Ok(Native::Integer(1)));
        assert_eq!(of_json(ty, "\"a\""), Ok(Native::Text("a".to_owned())));
        assert!(of_json(ty, "[1]").expect_err("it is no scalar").contains("#[read_model(json)]"));
        assert_eq!(of_json(ColumnType::Sql("jsonb"), "[1]"), Ok(Native::Text("[1]".to_owned())));
    }

    #[test]
    fn what_may_not_be_empty_is_refused_at_once() {
        let column = ColumnSchema::new("count", ColumnType::BigInt, false);
        let said = Native::of_json(&column, "null").expect_err("it may not be empty").to_string();
        assert!(said.contains("`count`"), "{said}");
    }
}
