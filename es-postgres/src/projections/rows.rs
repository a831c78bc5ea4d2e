//! Rows of read models: written and read by whole batches, as JSON.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use es_core::{
    projection::{Argument, ColumnSchema, ColumnType, ProjectionId, RowChanges, TableSchema, where_clause},
    store::{InvalidRequest, Misconfigured, StoreError},
};
use sqlx::{
    AssertSqlSafe, PgConnection, Postgres, Row as _, SqlSafeStr as _, SqlStr,
    error::DatabaseError,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{
    column::sql_type,
    sql::{identifier, qualified},
    transaction::{PgTransaction, failed},
};
use crate::{connections::Failure, row::unreadable, store::Parts};

const LOADING: &str = "loading rows of a read model";
const WRITING: &str = "writing rows of a read model";
const FINDING: &str = "reading a read model";

/// A function of the server takes no more arguments.
const MOST_ARGUMENTS: usize = 100;

/// The statements for tables, made when a table is first met.
#[derive(Debug)]
pub(super) struct Tables {
    schema: String,
    known: Mutex<HashMap<ProjectionId, Arc<TableStatements>>>,
}

#[derive(Debug)]
struct TableStatements {
    load: SqlStr,
    write: SqlStr,
    remove: SqlStr,
    /// `select .. from ..`, of the view that readers see.
    find: String,
    find_one: SqlStr,
}

impl Tables {
    pub(super) fn new(schema: &str) -> Self {
        Self { schema: schema.to_owned(), known: Mutex::default() }
    }

    fn of(&self, table: &TableSchema) -> Arc<TableStatements> {
        let id = ProjectionId { name: table.name, version: table.version };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(id).or_insert_with(|| Arc::new(TableStatements::new(&self.schema, table))))
    }
}

impl TableStatements {
    fn new(schema: &str, table: &TableSchema) -> Self {
        let own = qualified(schema, &TableSchema::physical_name(table.name, table.version));
        let seen = qualified(schema, table.name);
        let (key, row, row_seen) = (table.key(), row_of(table.columns, own_value), row_of(table.columns, seen_value));
        let (key_name, key_type) = (identifier(key.name), sql_type(key.ty));
        let names: Vec<_> = table.columns.iter().map(|column| identifier(column.name)).collect();
        let names = names.join(", ");
        let safe = |sql: String| AssertSqlSafe(sql).into_sql_str();
        Self {
            load: safe(format!("select {row} from {own} where {key_name} = any($1::text[]::{key_type}[])")),
            write: safe(format!(
                "insert into {own} ({names}) select {names} from json_populate_recordset(null::{own}, $1::text::json) \
                 on conflict ({key_name}) do {}",
                replacing(table.columns, key)
            )),
            remove: safe(format!("delete from {own} where {key_name} = any($1::text[]::{key_type}[])")),
            find: format!("select {row_seen} from {seen}"),
            find_one: safe(format!("select {row_seen} from {seen} where {key_name} = $1::text::{key_type}")),
        }
    }
}

/// A row as a JSON array.
fn row_of(columns: &[ColumnSchema], value: fn(&ColumnSchema) -> String) -> String {
    let arrays = columns.chunks(MOST_ARGUMENTS).map(|columns| {
        let values: Vec<_> = columns.iter().map(value).collect();
        format!("json_build_array({})::text", values.join(", "))
    });
    // The brackets between two arrays become a comma.
    arrays.reduce(|one, next| format!("left({one}, -1) || ',' || substr({next}, 2)")).unwrap_or_default()
}

/// A value of the version's own table. Numbers with a decimal point travel as text, so that none passes through a
/// floating-point number.
fn own_value(column: &ColumnSchema) -> String {
    match column.ty {
        ColumnType::Decimal => format!("{}::text", identifier(column.name)),
        _ => identifier(column.name),
    }
}

/// A value of the view, in which the column of another version may have another type: it is read as what the struct has.
fn seen_value(column: &ColumnSchema) -> String {
    match column.ty {
        ColumnType::Decimal => own_value(column),
        ty => format!("{}::{}", identifier(column.name), sql_type(ty)),
    }
}

fn replacing(columns: &[ColumnSchema], key: ColumnSchema) -> String {
    let others = columns.iter().filter(|column| column.name != key.name).map(|column| identifier(column.name));
    let others: Vec<_> = others.map(|name| format!("{name} = excluded.{name}")).collect();
    if others.is_empty() { "nothing".to_owned() } else { format!("update set {}", others.join(", ")) }
}

pub(super) async fn load(
    parts: &Parts,
    transaction: &mut PgTransaction,
    table: &TableSchema,
    keys: &[String],
) -> Result<Vec<Vec<u8>>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let statements = parts.projections.tables.of(table);
    let rows = transaction.fetch(LOADING, sqlx::query(statements.load.clone()).bind(keys)).await;
    arrays(&rows.map_err(without_nul)?)
}

pub(super) async fn write(
    parts: &Parts,
    transaction: &mut PgTransaction,
    table: &TableSchema,
    rows: String,
    removed: &[String],
) -> Result<(), StoreError> {
    let statements = parts.projections.tables.of(table);
    if rows.trim() != "[]" && !rows.is_empty() {
        let query = sqlx::query(statements.write.clone()).bind(rows);
        transaction.fetch(WRITING, query).await.map_err(without_nul)?;
    }
    if !removed.is_empty() {
        let query = sqlx::query(statements.remove.clone()).bind(removed);
        transaction.fetch(WRITING, query).await.map_err(without_nul)?;
    }
    Ok(())
}

/// As [`load`], on a connection in any transaction.
pub(crate) async fn load_rows_on(
    parts: &Parts,
    connection: &mut PgConnection,
    table: &TableSchema,
    keys: &[String],
) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    let statements = parts.projections.tables.of(table);
    let rows = sqlx::query(statements.load.clone()).bind(keys).fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get::<String, _>(0).map(String::into_bytes)).collect()
}

/// As [`write`], on a connection in any transaction.
pub(crate) async fn write_rows_on(
    parts: &Parts,
    connection: &mut PgConnection,
    table: &TableSchema,
    changes: &RowChanges,
) -> Result<(), sqlx::Error> {
    let statements = parts.projections.tables.of(table);
    if changes.rows != "[]" {
        sqlx::query(statements.write.clone()).bind(&changes.rows).execute(&mut *connection).await?;
    }
    if !changes.removed.is_empty() {
        sqlx::query(statements.remove.clone()).bind(&changes.removed).execute(connection).await?;
    }
    Ok(())
}

pub(super) async fn find(
    parts: &Parts,
    table: &TableSchema,
    condition: &str,
    arguments: &[Argument],
) -> Result<Vec<Vec<u8>>, StoreError> {
    let statements = parts.projections.tables.of(table);
    // The condition is the caller's SQL: what it may do is what the role may do.
    let sql = AssertSqlSafe(format!("{}{}", statements.find, where_clause(condition))).into_sql_str();
    let query = || arguments.iter().fold(sqlx::query(sql.clone()), bind);
    let rows = parts.connections.fetch_within(parts.connections.long_silence(), query).await;
    let rows = rows.map_err(|failure| unread(table, failure))?;
    arrays(&rows)
}

pub(super) async fn find_one(parts: &Parts, table: &TableSchema, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let statements = parts.projections.tables.of(table);
    let query = || sqlx::query(statements.find_one.clone()).bind(key);
    let rows = parts.connections.fetch(query).await.map_err(|failure| unread(table, failure))?;
    Ok(arrays(&rows)?.pop())
}

fn bind<'q>(query: Query<'q, Postgres, PgArguments>, argument: &'q Argument) -> Query<'q, Postgres, PgArguments> {
    match argument {
        Argument::Bool(value) => query.bind(value),
        Argument::BigInt(value) => query.bind(value),
        Argument::Double(value) => query.bind(value),
        Argument::Text(value) => query.bind(value),
        Argument::Uuid(value) => query.bind(value),
        Argument::Timestamp(value) => query.bind(value),
        Argument::Date(value) => query.bind(value),
        // There is none yet; one that is added later has no meaning here before it has a line of its own.
        _ => query.bind(Option::<String>::None),
    }
}

fn arrays(rows: &[PgRow]) -> Result<Vec<Vec<u8>>, StoreError> {
    let array = |row: &PgRow| row.try_get::<String, _>(0).map(String::into_bytes);
    rows.iter().map(array).collect::<Result<_, _>>().map_err(unreadable)
}

/// 22P05 and 22021: a text with a NUL, in JSON and by itself.
fn without_nul(error: StoreError) -> StoreError {
    let StoreError::Backend { source, .. } = &error else { return error };
    let code =
        source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error).and_then(DatabaseError::code);
    match code.as_deref() {
        Some("22P05" | "22021") => InvalidRequest::Nul { what: "row of a read model" }.into(),
        _ => error,
    }
}

/// What a reader is told. What is missing is not the store's own tables.
fn unread(table: &TableSchema, failure: Failure) -> StoreError {
    let Failure::Refused(source) = failure else { return failed(FINDING, failure) };
    match source.as_database_error().and_then(DatabaseError::code).as_deref() {
        Some("42P01") => {
            let reason = format!(
                "there is no read model `{}`, or no table that the condition names: run an engine with it, or `prepare` it; \
                 its schema is that of `PostgresConfig::read_model_schema`",
                table.name
            );
            Misconfigured::new(reason, Some(source.into())).into()
        }
        Some("42703") => StoreError::Backend { doing: FINDING, source: source.into() },
        _ => without_nul(failed(FINDING, Failure::Refused(source))),
    }
}

#[cfg(test)]
mod tests {
    use es_core::projection::{ColumnSchema, ColumnType, TableSchema};

    use super::TableStatements;

    #[test]
    fn statements_name_only_what_is_the_tables() {
        const COLUMNS: &[ColumnSchema] = &[
            ColumnSchema::new("id", ColumnType::Uuid, false).key(),
            ColumnSchema::new("price", ColumnType::Decimal, false),
            ColumnSchema::new("order", ColumnType::Text, true),
        ];
        let statements = TableStatements::new("s", &TableSchema::new("sales", 2, COLUMNS));
        let row = r#"json_build_array("id", "price"::text, "order")::text"#;
        let load = format!(r#"select {row} from "s"."sales_v2" where "id" = any($1::text[]::uuid[])"#);
        assert_eq!(statements.load.as_str(), load);
        let write = r#"insert into "s"."sales_v2" ("id", "price", "order") select "id", "price", "order" from json_populate_recordset(null::"s"."sales_v2", $1::text::json) on conflict ("id") do update set "price" = excluded."price", "order" = excluded."order""#;
        assert_eq!(statements.write.as_str(), write);
        let seen = r#"json_build_array("id"::uuid, "price"::text, "order"::text)::text"#;
        assert_eq!(statements.find, format!(r#"select {seen} from "s"."sales""#));
    }

    #[test]
    fn a_table_of_nothing_but_a_key_replaces_nothing() {
        const COLUMNS: &[ColumnSchema] = &[ColumnSchema::new("id", ColumnType::Text, false).key()];
        let statements = TableStatements::new("s", &TableSchema::new("seen", 1, COLUMNS));
        assert!(statements.write.as_str().ends_with("do nothing"));
    }
}
