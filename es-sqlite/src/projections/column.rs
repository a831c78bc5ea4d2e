//! Columns as the database has them.

use es_core::projection::{ColumnDifference, ColumnSchema, ColumnType, TableSchema};
use serde_json::{Value, json};

use super::sql::identifier;

/// A column of a version, as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableColumn {
    pub(super) name: String,
    /// Its type, as SQL has it.
    pub(super) ty: String,
    pub(super) nullable: bool,
    pub(super) key: bool,
    pub(super) indexed: bool,
}

/// The type of a column: for people, with a word in it by which SQLite knows what it rather keeps there.
pub(super) const fn sql_type(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Bool => "BOOLEAN",
        ColumnType::SmallInt => "SMALLINT",
        ColumnType::Integer => "INTEGER",
        ColumnType::BigInt => "BIGINT",
        ColumnType::Unsigned => "UNSIGNED BIGINT",
        ColumnType::Decimal => "DECIMAL TEXT",
        ColumnType::Double => "REAL",
        ColumnType::Text => "TEXT",
        ColumnType::Uuid => "UUID BLOB",
        ColumnType::Timestamp => "TIMESTAMP TEXT",
        ColumnType::LocalTimestamp => "LOCAL TIMESTAMP TEXT",
        ColumnType::Date => "DATE TEXT",
        ColumnType::Time => "TIME TEXT",
        ColumnType::Sql(name) => name,
        // And what there may be later: serde writes it as JSON.
        ColumnType::Json | _ => "JSON TEXT",
    }
}

impl From<&ColumnSchema> for TableColumn {
    fn from(column: &ColumnSchema) -> Self {
        Self {
            name: column.name.to_owned(),
            ty: sql_type(column.ty).to_owned(),
            nullable: column.nullable,
            key: column.key,
            indexed: column.indexed,
        }
    }
}

impl TableColumn {
    /// Its line in `create table`.
    pub(super) fn definition(&self) -> String {
        let nullable = if self.nullable { "" } else { " not null" };
        format!("{} {}{nullable}", identifier(&self.name), self.ty)
    }

    fn to_json(&self) -> Value {
        let Self { name, ty, nullable, key, indexed } = self;
        json!({ "name": name, "type": ty, "nullable": nullable, "key": key, "indexed": indexed })
    }

    fn of_json(value: &Value) -> Option<Self> {
        let text = |name| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let flag = |name| value.get(name).and_then(Value::as_bool);
        Some(Self {
            name: text("name")?,
            ty: text("type")?,
            nullable: flag("nullable")?,
            key: flag("key")?,
            indexed: flag("indexed")?,
        })
    }

    fn described(&self) -> String {
        let key = if self.key { ", the key" } else { "" };
        let nullable = if self.nullable { ", may be null" } else { "" };
        format!("{}{nullable}{key}", self.ty)
    }
}

/// The columns of a read model.
pub(super) fn of_table(table: &TableSchema) -> Vec<TableColumn> {
    table.columns.iter().map(TableColumn::from).collect()
}

/// Columns as they are stored.
pub(super) fn to_json(columns: &[TableColumn]) -> String {
    columns.iter().map(TableColumn::to_json).collect::<Value>().to_string()
}

/// Stored columns; `None` where they are not ours.
pub(super) fn of_json(text: &str) -> Option<Vec<TableColumn>> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.as_array()?.iter().map(TableColumn::of_json).collect()
}

/// How the columns of a table differ from those of a struct. That they come in another order is no difference, and neither is
/// an index: a missing one is made, and one too many does no harm.
pub(super) fn differences(found: &[TableColumn], wanted: &[TableColumn]) -> Vec<ColumnDifference> {
    let by_name = |columns: &[TableColumn], name: &str| columns.iter().find(|column| column.name == name).cloned();
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

#[cfg(test)]
mod tests {
    use es_core::projection::{ColumnDifference, ColumnSchema, ColumnType};

    use super::{TableColumn, differences, of_json, to_json};

    fn columns(columns: &[ColumnSchema]) -> Vec<TableColumn> {
        columns.iter().map(TableColumn::from).collect()
    }

    const ID: ColumnSchema = ColumnSchema::new("id", ColumnType::Text, false).key();
    const AMOUNT: ColumnSchema = ColumnSchema::new("amount", ColumnType::BigInt, false).indexed();

    #[test]
    fn columns_are_stored_and_read_back() {
        let columns = columns(&[ID, AMOUNT, ColumnSchema::new("note", ColumnType::Sql("citext"), true)]);
        assert_eq!(of_json(&to_json(&columns)), Some(columns));
        assert_eq!(of_json(r#"[{ "name": "id" }]"#), None);
    }

    #[test]
    fn all_differences_are_told_but_for_order_and_indexes() {
        let found = columns(&[ID, AMOUNT, ColumnSchema::new("gone", ColumnType::Text, false)]);
        let same = columns(&[AMOUNT, ColumnSchema::new("gone", ColumnType::Text, false).indexed(), ID]);
        assert_eq!(differences(&found, &same), []);
        let wanted = columns(&[
            ColumnSchema::new("id", ColumnType::Text, false),
            ColumnSchema::new("amount", ColumnType::Decimal, true).key(),
            ColumnSchema::new("new", ColumnType::Bool, false),
        ]);
        let other = |column: &str, found: &str, wanted: &str| ColumnDifference::Other {
            column: column.to_owned(),
            found: found.to_owned(),
            wanted: wanted.to_owned(),
        };
        let expected = [
            other("id", "TEXT, the key", "TEXT"),
            other("amount", "BIGINT", "DECIMAL TEXT, may be null, the key"),
            ColumnDifference::Missing { column: "new".to_owned(), wanted: "BOOLEAN".to_owned() },
            ColumnDifference::Extra { column: "gone".to_owned() },
        ];
        assert_eq!(differences(&found, &wanted), expected);
    }
}
