//! The tables of read models, one for each version, and the view under whose name everybody reads the active one.

use es_core::projection::{KeptColumn, TableSchema};
use std::collections::BTreeMap;

use super::{column, sql::identifier};

/// Makes the table of a version, and its indexes. The rows lie in the order of their key, so that a row is found in one look.
pub(super) fn create(name: &str, version: u32, columns: &[KeptColumn]) -> String {
    let table = identifier(&TableSchema::physical_name(name, version));
    let mut lines: Vec<_> = columns.iter().map(column::definition).collect();
    let keys: Vec<_> = columns.iter().filter(|column| column.key).map(|column| identifier(&column.name)).collect();
    lines.push(format!("primary key ({})", keys.join(", ")));
    let further = columns.iter().filter(|column| column.indexed && !column.key);
    let indexes: String = further.map(|column| create_index(name, version, column)).collect();
    format!("create table {table} ({}) without rowid;{indexes}", lines.join(", "))
}

/// Makes the index of a column.
pub(super) fn create_index(name: &str, version: u32, column: &KeptColumn) -> String {
    let table = TableSchema::physical_name(name, version);
    let index = identifier(&format!("{table}_by_{}", column.name));
    format!(" create index {index} on {} ({});", identifier(&table), identifier(&column.name))
}

/// Removes the table of a version.
pub(super) fn drop(name: &str, version: u32) -> String {
    format!("drop table {};", identifier(&TableSchema::physical_name(name, version)))
}

/// Makes the view anew, of the active version. Columns that only other versions have are there, and empty: a program that has
/// one of them reads on, whichever is active.
pub(super) fn replace_view(name: &str, active: u32, versions: &BTreeMap<u32, Vec<KeptColumn>>) -> String {
    let none = Vec::new();
    let own = versions.get(&active).unwrap_or(&none);
    let mut values: Vec<_> = own.iter().map(|column| identifier(&column.name)).collect();
    for column in versions.values().flatten() {
        let column = identifier(&column.name);
        let empty = format!("null as {column}");
        if !values.contains(&column) && !values.contains(&empty) {
            values.push(empty);
        }
    }
    let (view, table) = (identifier(name), identifier(&TableSchema::physical_name(name, active)));
    format!("drop view if exists {view}; create view {view} as select {} from {table};", values.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use es_core::projection::{ColumnSchema, ColumnType};

    use super::{KeptColumn, create, replace_view};
    use crate::projections::column::DIALECT;

    fn columns(columns: &[ColumnSchema]) -> Vec<KeptColumn> {
        columns.iter().map(|column| DIALECT.column(column)).collect()
    }

    #[test]
    fn a_table_has_its_columns_key_and_indexes() {
        let columns = columns(&[
            ColumnSchema::new("id", ColumnType::Text, false).key().indexed(),
            ColumnSchema::new("owner", ColumnType::Text, true).indexed(),
            ColumnSchema::new("total", ColumnType::Unsigned, false),
        ]);
        assert_eq!(
            create("sales", 3, &columns),
            r#"create table "sales_v3" ("id" TEXT not null, "owner" TEXT, "total" UNSIGNED BIGINT not null, primary key ("id")) without rowid; create index "sales_v3_by_owner" on "sales_v3" ("owner");"#
        );
    }

    #[test]
    fn a_view_is_the_active_table_with_the_columns_of_all_versions() {
        let id = ColumnSchema::new("id", ColumnType::Text, false).key();
        let versions = BTreeMap::from([
            (1, columns(&[id, ColumnSchema::new("old", ColumnType::Text, false)])),
            (2, columns(&[ColumnSchema::new("new", ColumnType::Text, false), id])),
            (3, columns(&[ColumnSchema::new("new", ColumnType::Text, false), id])),
        ]);
        let view = |active| replace_view("lamps", active, &versions);
        assert_eq!(
            view(1),
            r#"drop view if exists "lamps"; create view "lamps" as select "id", "old", null as "new" from "lamps_v1";"#
        );
        assert_eq!(
            view(2),
            r#"drop view if exists "lamps"; create view "lamps" as select "new", "id", null as "old" from "lamps_v2";"#
        );
    }
}
