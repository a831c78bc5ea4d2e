//! Rows of read models: written and read by whole batches.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use es_core::{
    projection::{Argument, ColumnSchema, ProjectionId, TableSchema, where_clause},
    store::{Misconfigured, StoreError},
};
use serde_json::value::RawValue;
use sqlx::{Executor as _, SqlStr, SqliteConnection, Statement as _, sqlite::SqliteRow};

use super::{
    condition::numbered,
    sql::{Sizes, identifier, qualified, safe},
    value::{Native, push_json},
};
use crate::{
    error::{self, code},
    insert::places,
    store::Parts,
};

const LOADING: &str = "loading rows of a read model";
const WRITING: &str = "writing rows of a read model";
const FINDING: &str = "reading a read model";

/// The statements for tables, made when a table is first met.
#[derive(Debug, Default)]
pub(crate) struct Tables(Mutex<HashMap<ProjectionId, Arc<TableStatements>>>);

#[derive(Debug)]
struct TableStatements {
    load: Sizes,
    write: Sizes,
    remove: Sizes,
    /// `select .. from ..`, of the view that readers see.
    find: String,
    find_one: SqlStr,
}

impl Tables {
    fn of(&self, table: &TableSchema) -> Arc<TableStatements> {
        let id = ProjectionId { name: table.name, version: table.version };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(id).or_insert_with(|| Arc::new(TableStatements::new(table))))
    }
}

impl TableStatements {
    fn new(table: &TableSchema) -> Self {
        let physical = TableSchema::physical_name(table.name, table.version);
        let (own, key) = (identifier(&physical), table.key());
        let columns = |table: &str, columns: &[ColumnSchema]| {
            columns.iter().map(|column| qualified(table, column.name)).collect::<Vec<_>>().join(", ")
        };
        let (own_values, own_key) = (columns(&physical, table.columns), qualified(&physical, key.name));
        let (seen_values, seen_key) = (columns(table.name, table.columns), qualified(table.name, key.name));
        let names: Vec<_> = table.columns.iter().map(|column| identifier(column.name)).collect();
        let names = names.join(", ");
        let replacing = replacing(table.columns, key);
        let find = format!("select {seen_values} from {}", identifier(table.name));
        Self {
            load: Sizes::of(1, |keys| format!("select {own_values} from {own} where {own_key} in {}", places(1, keys))),
            write: Sizes::of(table.columns.len(), |rows| {
                let rows = places(rows, table.columns.len());
                format!(
                    "insert into {own} ({names}) values {rows} on conflict ({}) do {replacing}",
                    identifier(key.name)
                )
            }),
            remove: Sizes::of(1, |keys| format!("delete from {own} where {own_key} in {}", places(1, keys))),
            find_one: safe(format!("{find} where {seen_key} = ?1")),
            find,
        }
    }
}

fn replacing(columns: &[ColumnSchema], key: ColumnSchema) -> String {
    let others = columns.iter().filter(|column| column.name != key.name).map(|column| identifier(column.name));
    let others: Vec<_> = others.map(|name| format!("{name} = excluded.{name}")).collect();
    if others.is_empty() { "nothing".to_owned() } else { format!("update set {}", others.join(", ")) }
}

/// Rows that are to be written into a table, and keys of others that are to be removed, as SQLite keeps them.
#[derive(Debug)]
pub(crate) struct Changed {
    table: TableSchema,
    rows: Vec<Vec<Native>>,
    removed: Vec<Native>,
}

impl Changed {
    /// Of rows that travel as a JSON array of objects, and of keys that travel as texts.
    pub(crate) fn of_json(table: &TableSchema, rows: &str, removed: &[String]) -> Result<Self, StoreError> {
        let rows: Vec<BTreeMap<String, &RawValue>> = if rows.is_empty() {
            Vec::new()
        } else {
            serde_json::from_str(rows).map_err(|source| failed(WRITING, source))?
        };
        let value = |row: &BTreeMap<String, &RawValue>, column: &ColumnSchema| {
            let json = row.get(column.name).map_or("null", |json| json.get());
            Native::of_json(column, json)
        };
        let rows = rows.iter().map(|row| table.columns.iter().map(|column| value(row, column)).collect());
        let rows = rows.collect::<Result<_, _>>().map_err(|source| failed(WRITING, source))?;
        Ok(Self { table: *table, rows, removed: keys(table, removed, WRITING)? })
    }

    /// Writes them, on a connection in a transaction that writes.
    pub(crate) async fn apply(&self, tables: &Tables, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let statements = tables.of(&self.table);
        for (sql, rows) in statements.write.pieces(&self.rows) {
            let query = rows.iter().flatten().fold(sqlx::query(sql), |query, value| value.bind(query));
            query.execute(&mut *connection).await?;
        }
        for (sql, keys) in statements.remove.pieces(&self.removed) {
            let query = keys.iter().fold(sqlx::query(sql), |query, key| key.bind(query));
            query.execute(&mut *connection).await?;
        }
        Ok(())
    }
}

/// Keys that travel as texts, as SQLite keeps them.
pub(crate) fn keys(table: &TableSchema, keys: &[String], doing: &'static str) -> Result<Vec<Native>, StoreError> {
    let key = table.key();
    keys.iter().map(|text| Native::of_key(&key, text)).collect::<Result<_, _>>().map_err(|source| failed(doing, source))
}

/// The rows of keys in the table of just this version.
pub(crate) async fn load(
    tables: &Tables,
    connection: &mut SqliteConnection,
    table: &TableSchema,
    keys: &[String],
) -> Result<Vec<Vec<u8>>, StoreError> {
    let (statements, keys) = (tables.of(table), self::keys(table, keys, LOADING)?);
    let mut loaded = Vec::with_capacity(keys.len());
    for (sql, keys) in statements.load.pieces(&keys) {
        let query = keys.iter().fold(sqlx::query(sql), |query, key| key.bind(query));
        let rows = query.fetch_all(&mut *connection).await.map_err(|source| of_driver(LOADING, source))?;
        loaded.extend(arrays(table, &rows)?);
    }
    Ok(loaded)
}

/// The rows of keys, as readers of the table itself see them.
pub(super) async fn load_committed(
    parts: &Parts,
    table: &TableSchema,
    keys: &[String],
) -> Result<Vec<Vec<u8>>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let reader = parts.connections.reading()?.acquire().await;
    let mut reader = reader.map_err(|source| error::store_error(LOADING, source))?;
    load(&parts.projections.tables, &mut reader, table, keys).await
}

pub(super) async fn find(
    parts: &Parts,
    table: &TableSchema,
    condition: &str,
    arguments: &[Argument],
) -> Result<Vec<Vec<u8>>, StoreError> {
    let statements = parts.projections.tables.of(table);
    // The condition is the caller's SQL: on this connection it can only read.
    let sql = safe(format!("{}{}", statements.find, numbered(&where_clause(condition))));
    let values = arguments.iter().map(Native::of_argument).collect::<Result<Vec<_>, _>>();
    let values = values.map_err(|source| failed(FINDING, source))?;
    let reader = parts.connections.reading()?.acquire().await;
    let mut reader = reader.map_err(|source| error::store_error(FINDING, source))?;
    let prepared = reader.prepare(sql.clone()).await.map_err(|source| unread(table, source))?;
    let wanted = prepared.parameters().map_or(0, |known| known.either(<[_]>::len, |number| number));
    if wanted != values.len() {
        // The driver would take what is missing for empty, and find nothing.
        let said = format!("the condition has {wanted} places for arguments, and there are {}", values.len());
        return Err(failed(FINDING, said));
    }
    let query = values.iter().fold(sqlx::query(sql), |query, value| value.bind(query));
    arrays(table, &query.fetch_all(&mut *reader).await.map_err(|source| unread(table, source))?)
}

pub(super) async fn find_one(parts: &Parts, table: &TableSchema, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let statements = parts.projections.tables.of(table);
    let key = Native::of_key(&table.key(), key).map_err(|source| failed(FINDING, source))?;
    let query = key.bind(sqlx::query(statements.find_one.clone()));
    let rows = query.fetch_all(parts.connections.reading()?).await.map_err(|source| unread(table, source))?;
    Ok(arrays(table, &rows)?.pop())
}

/// Rows as JSON arrays of the columns.
fn arrays(table: &TableSchema, rows: &[SqliteRow]) -> Result<Vec<Vec<u8>>, StoreError> {
    let array = |row: &SqliteRow| {
        let mut json = vec![b'['];
        for (place, column) in table.columns.iter().enumerate() {
            if place > 0 {
                json.push(b',');
            }
            push_json(row, place, column.ty, &mut json)?;
        }
        json.push(b']');
        Ok(json)
    };
    rows.iter().map(array).collect::<Result<_, sqlx::Error>>().map_err(|source| failed(FINDING, source))
}

fn failed(doing: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Backend { doing, source: source.into() }
}

/// What SQLite says of a statement of ours that names a read model's table.
fn of_driver(doing: &'static str, source: sqlx::Error) -> StoreError {
    error::store_error(doing, source)
}

/// What a reader is told. What is missing is not the store's own tables.
fn unread(table: &TableSchema, source: sqlx::Error) -> StoreError {
    if error::code_of(&source) != Some(code::ERROR) {
        return error::store_error(FINDING, source);
    }
    if error::words(&source).starts_with("no such table") {
        let reason = format!(
            "there is no read model `{}`, or no table that the condition names: run an engine with it, or `prepare` it",
            table.name
        );
        return Misconfigured::new(reason, Some(source.into())).into();
    }
    failed(FINDING, source)
}

#[cfg(test)]
mod tests {
    use es_core::projection::{ColumnSchema, ColumnType, TableSchema};

    use super::TableStatements;

    fn of_one(sizes: &super::Sizes) -> String {
        sizes.pieces(&[()]).map(|(sql, _)| sql.as_str().to_owned()).collect()
    }

    #[test]
    fn statements_name_only_what_is_the_tables() {
        const COLUMNS: &[ColumnSchema] = &[
            ColumnSchema::new("id", ColumnType::Uuid, false).key(),
            ColumnSchema::new("order", ColumnType::Text, true),
        ];
        let statements = TableStatements::new(&TableSchema::new("sales", 2, COLUMNS));
        let load = r#"select "sales_v2"."id", "sales_v2"."order" from "sales_v2" where "sales_v2"."id" in (?)"#;
        assert_eq!(of_one(&statements.load), load);
        let write = r#"insert into "sales_v2" ("id", "order") values (?, ?) on conflict ("id") do update set "order" = excluded."order""#;
        assert_eq!(of_one(&statements.write), write);
        assert_eq!(of_one(&statements.remove), r#"delete from "sales_v2" where "sales_v2"."id" in (?)"#);
        assert_eq!(statements.find, r#"select "sales"."id", "sales"."order" from "sales""#);
    }

    #[test]
    fn a_table_of_nothing_but_a_key_replaces_nothing() {
        const COLUMNS: &[ColumnSchema] = &[ColumnSchema::new("id", ColumnType::Text, false).key()];
        let statements = TableStatements::new(&TableSchema::new("seen", 1, COLUMNS));
        assert!(of_one(&statements.write).ends_with("do nothing"));
    }
}
