//! The columns of a read model's table.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::recorded::{EventId, Position, StreamVersion};

/// What a column holds; a store has a type of its own for each.
///
/// A value travels between program and store as JSON, the way serde writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// `true` or `false`.
    Bool,
    /// A whole number of 16 bits, with a sign.
    SmallInt,
    /// A whole number of 32 bits, with a sign.
    Integer,
    /// A whole number of 64 bits, with a sign.
    BigInt,
    /// A whole number of 64 bits without a sign.
    Unsigned,
    /// A number with a decimal point, of any length; it travels as text.
    Decimal,
    /// A floating-point number of 64 bits.
    Double,
    /// Text.
    Text,
    /// A UUID.
    Uuid,
    /// A moment, to the microsecond.
    Timestamp,
    /// A date and a time of day without a time zone, to the microsecond.
    LocalTimestamp,
    /// A date.
    Date,
    /// A time of day, to the microsecond.
    Time,
    /// Anything that serde knows, as JSON.
    Json,
    /// A type of the database, by the name that it has there; the value travels as JSON.
    Sql(&'static str),
}

/// A type that can be a field of a read model: its column, and its value as JSON.
///
/// Implemented for the usual types, for `Option` of them, and by `#[derive(AggregateId)]`. For a type of your own choose
/// the column that takes what serde writes:
///
/// ```
/// use es_core::projection::{Column, ColumnType};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(transparent)]
/// struct Cents(i64);
///
/// impl Column for Cents {
///     const TYPE: ColumnType = ColumnType::BigInt;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no column type",
    label = "not a `Column`",
    note = "say above the field how it is kept, `#[read_model(text)]`, `#[read_model(json)]` or `#[read_model(sql = \"..\")]`; or take a type that has a column, as `f64` has for `f32`; or implement `Column` for a type of your own"
)]
pub trait Column: Serialize + DeserializeOwned {
    /// What its column holds.
    const TYPE: ColumnType;
    /// Whether the column may be empty (`null`): only for `Option`.
    const NULLABLE: bool = false;
}

macro_rules! columns {
    ($($ty:ty => $column:ident),+ $(,)?) => {
        $(
            #[diagnostic::do_not_recommend]
            impl Column for $ty {
                const TYPE: ColumnType = ColumnType::$column;
            }
        )+
    };
}

columns! {
    bool => Bool,
    i8 => SmallInt,
    i16 => SmallInt,
    i32 => Integer,
    i64 => BigInt,
    u8 => SmallInt,
    u16 => Integer,
    u32 => BigInt,
    u64 => Unsigned,
    f64 => Double,
    String => Text,
    Uuid => Uuid,
    DateTime<Utc> => Timestamp,
    NaiveDateTime => LocalTimestamp,
    NaiveDate => Date,
    NaiveTime => Time,
    serde_json::Value => Json,
    StreamVersion => BigInt,
    Position => BigInt,
    EventId => Uuid,
}

#[diagnostic::do_not_recommend]
impl<C: Column> Column for Option<C> {
    const TYPE: ColumnType = C::TYPE;
    const NULLABLE: bool = true;
}

/// A column of a read model's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ColumnSchema {
    /// Its name: that of the field.
    pub name: &'static str,
    /// What it holds.
    pub ty: ColumnType,
    /// Whether it may be empty.
    pub nullable: bool,
    /// Whether it is the table's key.
    pub key: bool,
    /// Whether it has an index of its own.
    pub indexed: bool,
}

impl ColumnSchema {
    /// The column of a field of type `C`.
    pub const fn of<C: Column>(name: &'static str) -> Self {
        Self::new(name, C::TYPE, C::NULLABLE)
    }

    /// A column from its parts.
    pub const fn new(name: &'static str, ty: ColumnType, nullable: bool) -> Self {
        Self { name, ty, nullable, key: false, indexed: false }
    }

    /// The same column as the table's key.
    #[must_use]
    pub const fn key(mut self) -> Self {
        self.key = true;
        self
    }

    /// The same column with an index.
    #[must_use]
    pub const fn indexed(mut self) -> Self {
        self.indexed = true;
        self
    }
}

/// A read model's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TableSchema {
    /// The name under which everybody reads it.
    pub name: &'static str,
    /// The version of what it holds.
    pub version: u32,
    /// Its columns, in the order of the fields. One is the key.
    pub columns: &'static [ColumnSchema],
}

impl TableSchema {
    /// A table from its parts.
    pub const fn new(name: &'static str, version: u32, columns: &'static [ColumnSchema]) -> Self {
        Self { name, version, columns }
    }

    /// The name of the table that holds one version of a read model, where each has a table of its own. For stores.
    pub fn physical_name(name: &str, version: u32) -> String {
        format!("{name}_v{version}")
    }

    /// The column that is the key; of a table without one, which no derive makes, the first.
    ///
    /// # Panics
    /// When the table has no columns.
    pub const fn key(&self) -> ColumnSchema {
        let mut index = 0;
        while index < self.columns.len() {
            if self.columns[index].key {
                return self.columns[index];
            }
            index += 1;
        }
        self.columns[0]
    }
}
