//! What a store keeps of projections and of the columns of a read model's table, to know later whether the program still fits.
//! For stores.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{column::ColumnSchema, prepare::ColumnDifference};

/// What is kept under the name of a projection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeptProjection {
    /// Its kind, by [name](super::ProjectionKind::name).
    pub kind: String,
    /// The version that readers see.
    pub active: u32,
    /// The newest version that there ever was.
    pub newest: u32,
    /// The versions that are there.
    pub versions: BTreeMap<u32, KeptVersion>,
}

/// What is kept of one version of a projection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeptVersion {
    /// Of a read model: the columns of its table.
    pub columns: Option<Vec<KeptColumn>>,
    /// Into how many shards it is divided.
    pub shards: u32,
    /// The stored names of the events that it handles, where that is known.
    pub events: Option<Vec<String>>,
}

impl KeptProjection {
    /// One of which no version is there yet.
    pub fn new(kind: impl Into<String>, active: u32, newest: u32) -> Self {
        Self { kind: kind.into(), active, newest, versions: BTreeMap::new() }
    }

    /// The columns of the tables that are there, by version.
    pub fn tables(&self) -> BTreeMap<u32, Vec<KeptColumn>> {
        let columns = |(&number, version): (&u32, &KeptVersion)| Some((number, version.columns.clone()?));
        self.versions.iter().filter_map(columns).collect()
    }
}

impl KeptVersion {
    /// A version from its parts.
    pub const fn new(columns: Option<Vec<KeptColumn>>, shards: u32, events: Option<Vec<String>>) -> Self {
        Self { columns, shards, events }
    }
}

/// A column of a version of a read model, as its table was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptColumn {
    /// Its name.
    pub name: String,
    /// Its type, as the store's database calls it.
    pub ty: String,
    /// Whether it may be empty.
    pub nullable: bool,
    /// Whether it is the table's key.
    pub key: bool,
    /// Whether it has an index of its own.
    pub indexed: bool,
}

impl KeptColumn {
    /// The column of a struct, with the type that the store's database has for it.
    pub fn new(column: &ColumnSchema, ty: impl Into<String>) -> Self {
        let ColumnSchema { name, nullable, key, indexed, .. } = *column;
        Self { name: name.to_owned(), ty: ty.into(), nullable, key, indexed }
    }

    /// Columns as they are stored: a JSON array of objects.
    pub fn to_json(columns: &[Self]) -> Value {
        let of_one = |Self { name, ty, nullable, key, indexed }: &Self| json!({ "name": name, "type": ty, "nullable": nullable, "key": key, "indexed": indexed });
        columns.iter().map(of_one).collect()
    }

    /// Stored columns; `None` where these are none.
    pub fn of_json(value: &Value) -> Option<Vec<Self>> {
        let of_one = |value: &Value| {
            let text = |name| value.get(name).and_then(Value::as_str).map(str::to_owned);
            let flag = |name| value.get(name).and_then(Value::as_bool);
            Some(Self {
                name: text("name")?,
                ty: text("type")?,
                nullable: flag("nullable")?,
                key: flag("key")?,
                indexed: flag("indexed")?,
            })
        };
        value.as_array()?.iter().map(of_one).collect()
    }

    /// How the columns of a table differ from those of a struct. That they come in another order is no difference, and neither is
    /// an index: a missing one is made, and one too many does no harm.
    ///
    /// ```
    /// use es_core::projection::{ColumnSchema, ColumnType, KeptColumn};
    ///
    /// let column = |name, ty| KeptColumn::new(&ColumnSchema::new(name, ColumnType::BigInt, false), ty);
    /// let (found, wanted) = ([column("total", "integer")], [column("total", "bigint"), column("count", "bigint")]);
    /// let differences = KeptColumn::differences(&found, &wanted);
    /// assert_eq!(differences[0].to_string(), "`total` is integer in the table and bigint in the struct");
    /// assert_eq!(differences[1].to_string(), "`count` (bigint) is not in the table");
    /// ```
    pub fn differences(found: &[Self], wanted: &[Self]) -> Vec<ColumnDifference> {
        let by_name = |columns: &[Self], name: &str| columns.iter().find(|column| column.name == name).cloned();
        let of_struct = wanted.iter().filter_map(|wanted| {
            let column = wanted.name.clone();
            let Some(found) = by_name(found, &column) else {
                return Some(ColumnDifference::Missing { column, wanted: wanted.described() });
            };
            let (found, wanted) = (found.described(), wanted.described());
            (found != wanted).then_some(ColumnDifference::Other { column, found, wanted })
        });
        let extra = found.iter().filter(|found| by_name(wanted, &found.name).is_none());
        of_struct.chain(extra.map(|found| ColumnDifference::Extra { column: found.name.clone() })).collect()
    }

    fn described(&self) -> String {
        let key = if self.key { ", the key" } else { "" };
        let nullable = if self.nullable { ", may be null" } else { "" };
        format!("{}{nullable}{key}", self.ty)
    }
}

#[cfg(test)]
mod tests {
    use super::KeptColumn;
    use crate::projection::{ColumnDifference, ColumnSchema, ColumnType};

    const ID: ColumnSchema = ColumnSchema::new("id", ColumnType::Text, false).key();
    const AMOUNT: ColumnSchema = ColumnSchema::new("amount", ColumnType::BigInt, false).indexed();

    fn columns(columns: &[(ColumnSchema, &str)]) -> Vec<KeptColumn> {
        columns.iter().map(|(column, ty)| KeptColumn::new(column, *ty)).collect()
    }

    #[test]
    fn columns_are_stored_and_read_back() {
        let note = ColumnSchema::new("note", ColumnType::Sql("citext"), true);
        let columns = columns(&[(ID, "text"), (AMOUNT, "bigint"), (note, "citext")]);
        assert_eq!(KeptColumn::of_json(&KeptColumn::to_json(&columns)), Some(columns));
        assert_eq!(KeptColumn::of_json(&serde_json::json!([{ "name": "id" }])), None);
    }

    #[test]
    fn all_differences_are_told_but_for_order_and_indexes() {
        let gone = ColumnSchema::new("gone", ColumnType::Text, false);
        let found = columns(&[(ID, "text"), (AMOUNT, "bigint"), (gone, "text")]);
        let same = columns(&[(AMOUNT, "bigint"), (gone.indexed(), "text"), (ID, "text")]);
        assert_eq!(KeptColumn::differences(&found, &same), []);
        let wanted = columns(&[
            (ColumnSchema::new("id", ColumnType::Text, false), "text"),
            (ColumnSchema::new("amount", ColumnType::Decimal, true).key(), "numeric"),
            (ColumnSchema::new("new", ColumnType::Bool, false), "boolean"),
        ]);
        let other = |column: &str, found: &str, wanted: &str| ColumnDifference::Other {
            column: column.to_owned(),
            found: found.to_owned(),
            wanted: wanted.to_owned(),
        };
        let expected = [
            other("id", "text, the key", "text"),
            other("amount", "bigint", "numeric, may be null, the key"),
            ColumnDifference::Missing { column: "new".to_owned(), wanted: "boolean".to_owned() },
            ColumnDifference::Extra { column: "gone".to_owned() },
        ];
        assert_eq!(KeptColumn::differences(&found, &wanted), expected);
    }
}
