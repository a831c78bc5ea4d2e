//! Rows of read models: objects by their key, of which each value is the JSON that was written.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::Version;
use crate::{
    memory::State,
    projection::column::{ColumnSchema, ColumnType, TableSchema},
    store::StoreError,
};

/// The rows of a table by the text of their key.
pub(super) type Rows = BTreeMap<String, Row>;

/// The values of a row by their column. Kept as they came, because no number of Rust holds all numbers of JSON.
pub(super) type Row = BTreeMap<String, Box<RawValue>>;

/// The store in memory was asked for the rows for which a condition holds; found by downcasting the
/// [source](std::error::Error::source) of a [`StoreError::Backend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the store in memory has no language for conditions: ask for all rows, with an empty condition, and filter them in Rust"
)]
#[non_exhaustive]
pub struct NoQueryLanguage;

/// What is wrong with rows that were to be written, or with the table.
#[derive(Debug, thiserror::Error)]
enum WrongRows {
    #[error("there is no table `{name}` of version {version}: `prepare` makes it")]
    NoTable { name: &'static str, version: u32 },
    #[error("there is no read model `{name}`: `prepare` makes it known")]
    NoReadModel { name: &'static str },
    #[error("a row of `{table}` has nothing in its column `{column}`, which may not be empty")]
    Empty { table: &'static str, column: &'static str },
}

const WRITING: &str = "writing rows of a read model";

/// The rows of a JSON array, with their keys.
pub(super) fn read_rows(table: &TableSchema, rows: &str) -> Result<Vec<(String, Row)>, StoreError> {
    let rows: Vec<Row> = serde_json::from_str(rows).map_err(|error| failed(WRITING, error))?;
    rows.into_iter().map(|row| Ok((key_of(table, &row)?, row))).collect()
}

fn key_of(table: &TableSchema, row: &Row) -> Result<String, StoreError> {
    let is_empty = |column: &str| row.get(column).is_none_or(|value| value.get() == "null");
    if let Some(column) = table.columns.iter().find(|column| !column.nullable && is_empty(column.name)) {
        return Err(failed(WRITING, WrongRows::Empty { table: table.name, column: column.name }));
    }
    let key = table.key();
    let json = row.get(key.name).map_or("null", |value| value.get());
    let text = serde_json::from_str(json).unwrap_or_else(|_| json.to_owned());
    Ok(key_text(key, &text))
}

/// A key in the one form that all its texts have in common: a moment is written in several ways.
pub(super) fn key_text(key: ColumnSchema, text: &str) -> String {
    match (key.ty, text.parse::<DateTime<Utc>>()) {
        (ColumnType::Timestamp, Ok(time)) => time.timestamp_micros().to_string(),
        _ => text.to_owned(),
    }
}

/// A row as a JSON array of these columns.
pub(super) fn in_order(table: &TableSchema, row: &Row) -> Vec<u8> {
    let value = |column: &ColumnSchema| row.get(column.name).map_or("null", |value| value.get());
    let values: Vec<_> = table.columns.iter().map(value).collect();
    format!("[{}]", values.join(",")).into_bytes()
}

fn failed(doing: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Backend { doing, source: source.into() }
}

impl State {
    /// The rows of just this version.
    pub(super) fn rows_of(&self, table: &TableSchema) -> Result<&Rows, StoreError> {
        let known = self.projections.by_name.get(table.name);
        let version = known.and_then(|known| known.versions.get(&table.version)).filter(|it| it.table.is_some());
        let missing = || WrongRows::NoTable { name: table.name, version: table.version };
        version.map(|version| &version.rows).ok_or_else(|| failed("finding the table of a read model", missing()))
    }

    /// The rows that readers see.
    fn rows_to_read(&self, table: &TableSchema) -> Result<&Rows, StoreError> {
        let known = self.projections.by_name.get(table.name);
        let active = known.and_then(|known| known.versions.get(&known.active)).filter(|it| it.table.is_some());
        let missing = || failed("finding rows", WrongRows::NoReadModel { name: table.name });
        active.map(|Version { rows, .. }| rows).ok_or_else(missing)
    }

    pub(super) fn find_rows(&self, table: &TableSchema, condition: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        if !condition.trim().is_empty() {
            return Err(failed("finding rows", NoQueryLanguage));
        }
        Ok(self.rows_to_read(table)?.values().map(|row| in_order(table, row)).collect())
    }

    pub(super) fn find_row(&self, table: &TableSchema, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.rows_to_read(table)?.get(&key_text(table.key(), key));
        Ok(row.map(|row| in_order(table, row)))
    }
}
