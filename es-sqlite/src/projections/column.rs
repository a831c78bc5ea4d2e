//! Columns as the database has them.

use es_core::projection::{ColumnType, Dialect, KeptColumn};

use super::sql::identifier;

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

pub(super) const DIALECT: Dialect = Dialect { column_type: sql_type, longest_name: None, gone: "it was dropped" };

/// Its line in `create table`.
pub(super) fn definition(column: &KeptColumn) -> String {
    let nullable = if column.nullable { "" } else { " not null" };
    format!("{} {}{nullable}", identifier(&column.name), column.ty)
}
