//! The tables of read models: one for each version.

use super::{
    column,
    sql::{identifier, qualified},
};
use es_core::projection::{KeptColumn, TableSchema};

/// Makes the table of a version, and its indexes, whose names the server chooses.
pub(super) fn create(schema: &str, name: &str, version: u32, columns: &[KeptColumn]) -> String {
    let table = qualified(schema, &TableSchema::physical_name(name, version));
    let mut lines: Vec<_> = columns.iter().map(column::definition).collect();
    let keys: Vec<_> = columns.iter().filter(|column| column.key).map(|column| identifier(&column.name)).collect();
    lines.push(format!("primary key ({})", keys.join(", ")));
    let further = columns.iter().filter(|column| column.indexed && !column.key);
    let indexes: String = further.map(|column| create_index(schema, name, version, column)).collect();
    format!("create table {table} ({});{indexes}", lines.join(", "))
}

/// Makes the index of a column.
pub(super) fn create_index(schema: &str, name: &str, version: u32, column: &KeptColumn) -> String {
    let table = qualified(schema, &TableSchema::physical_name(name, version));
    format!(" create index on {table} ({});", identifier(&column.name))
}

/// Removes the table of a version.
pub(super) fn drop(schema: &str, name: &str, version: u32) -> String {
    format!("drop table {};", qualified(schema, &TableSchema::physical_name(name, version)))
}

#[cfg(test)]
mod tests {
    use es_core::projection::{ColumnSchema, ColumnType};

    use super::create;
    use crate::projections::column::DIALECT;

    #[test]
    fn a_table_has_its_columns_key_and_indexes() {
        let columns = [
            ColumnSchema::new("id", ColumnType::Text, false).key().indexed(),
            ColumnSchema::new("owner", ColumnType::Text, true).indexed(),
            ColumnSchema::new("total", ColumnType::Unsigned, false),
        ];
        let columns: Vec<_> = columns.iter().map(|column| DIALECT.column(column)).collect();
        assert_eq!(
            create("s", "sales", 3, &columns),
            r#"create table "s"."sales_v3" ("id" text collate "C" not null, "owner" text, "total" numeric(20,0) not null, primary key ("id")); create index on "s"."sales_v3" ("owner");"#
        );
    }
}
