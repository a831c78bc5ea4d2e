//! What is looked at before a store is used: servers and tables that could not keep its promises are refused.

use std::borrow::Cow;

use es_core::store::{HistoryId, Misconfigured, StoreError};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqlSafeStr as _, error::DatabaseError, postgres::PgRow};
use uuid::Uuid;

use crate::{
    connections::{Connections, Failure},
    error, migrate,
    statements::Statements,
};

const DOING: &str = "looking at the server";

/// PostgreSQL 14.1: before it, a prepared transaction's locks lost their owner's name.
const OLDEST: i32 = 140_001;

/// Refuses servers that cannot keep the promises, and tables that a newer program made. Older tables, or none, are for
/// `migrate()`.
pub(crate) async fn check(connections: &Connections, statements: &Statements) -> Result<(), StoreError> {
    let failed = |source| error::store_error(DOING, error::failure(source));
    let mut connection = connections.open().await?;
    let row = sqlx::query(statements.check_server.clone()).fetch_one(&mut connection);
    let row = connections.answer(row).await.map_err(failed)?;
    Server::of(&row).map_err(failed)?.check().map_err(misconfigured)?;
    let found = connections.answer(migrate::version_of(&mut connection, statements)).await.map_err(failed)?;
    let _ = connection.close().await;
    match found {
        migrate::NEWEST => check_tables(connections, statements).await,
        found if found > migrate::NEWEST => Err(StoreError::WrongSchema { found, needed: migrate::NEWEST }),
        _ => Ok(()),
    }
}

/// Refuses tables whose positions are not given out as the order of all events needs it.
pub(crate) async fn check_tables(connections: &Connections, statements: &Statements) -> Result<(), StoreError> {
    let answer = connections.fetch_with_history(|| sqlx::query(statements.check_tables.clone())).await;
    let (history, rows) = match answer {
        Ok(answer) => answer,
        // A role that may not look finds out with its first request.
        Err(Failure::Refused(source)) if code(&source).as_deref() == Some("42501") => return Ok(()),
        Err(failure) => return Err(error::store_error(DOING, failure)),
    };
    for row in &rows {
        let mut tables = Tables::of(row).map_err(|source| error::store_error(DOING, Failure::Refused(source)))?;
        if tables.last_value.is_none() {
            tables.last_value = before_the_first(connections, tables.name.as_deref()).await?;
        }
        tables.check(history).map_err(misconfigured)?;
    }
    match connections.fetch(|| sqlx::query(statements.check_locks.clone())).await {
        Ok(rows) => locks_are_seen(&rows).map_err(misconfigured),
        // 42501: a role that does not write; 25006: a standby.
        Err(Failure::Refused(source)) if matches!(code(&source).as_deref(), Some("42501" | "25006")) => Ok(()),
        Err(failure) => Err(error::store_error(DOING, failure)),
    }
}

/// What a sequence that was set, and has given out nothing since, counts as its last value; `None` where the role may not
/// know. Its name is the database's own, quoted as it must be.
async fn before_the_first(connections: &Connections, name: Option<&str>) -> Result<Option<i64>, StoreError> {
    let Some(name) = name else { return Ok(None) };
    let sql = format!("select last_value - case when is_called then 0 else 1 end from {name}");
    let sql = AssertSqlSafe(sql).into_sql_str();
    match connections.fetch(|| sqlx::query(sql.clone())).await {
        Ok(rows) => Ok(rows.first().and_then(|row| row.try_get(0).ok())),
        Err(Failure::Refused(source)) if code(&source).as_deref() == Some("42501") => Ok(None),
        Err(failure) => Err(error::store_error(DOING, failure)),
    }
}

fn code(source: &sqlx::Error) -> Option<String> {
    source.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned)
}

fn misconfigured(reason: String) -> StoreError {
    Misconfigured::new(reason, None).into()
}

fn locks_are_seen(rows: &[PgRow]) -> Result<(), String> {
    if rows.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) {
        return Ok(());
    }
    Err("its pg_locks does not show the lock of a transaction that writes, by which readers know what is not settled; use \
         PostgreSQL itself"
        .to_owned())
}

/// An answer of `sql/check_server.sql`.
#[derive(Debug)]
struct Server {
    number: i32,
    release: String,
    version: String,
    encoding: String,
    fsync: String,
    full_page_writes: String,
}

impl Server {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            number: row.try_get(0)?,
            release: row.try_get(1)?,
            version: row.try_get(2)?,
            encoding: row.try_get(3)?,
            fsync: row.try_get(4)?,
            full_page_writes: row.try_get(5)?,
        })
    }

    fn check(&self) -> Result<(), String> {
        // Those that only speak its protocol have other locks. YugabyteDB calls itself `PostgreSQL 15.2-YB-2.25`.
        if !self.version.starts_with("PostgreSQL ") || self.release.contains("-YB-") {
            return Err(format!(
                "PostgreSQL itself is needed, and this is `{}`: readers rely on how PostgreSQL locks and gives out positions",
                self.version
            ));
        }
        if self.number < OLDEST {
            return Err(format!("PostgreSQL 14.1 or newer is needed, this is {}", self.release));
        }
        if self.encoding != "UTF8" {
            return Err(format!("a database with encoding UTF8 is needed, this one has {}", self.encoding));
        }
        for (name, value) in [("fsync", &self.fsync), ("full_page_writes", &self.full_page_writes)] {
            if value != "on" {
                return Err(format!(
                    "the server has `{name} = {value}`: a crash could lose what was acknowledged; set `{name} = on`"
                ));
            }
        }
        Ok(())
    }
}

/// An answer of `sql/check_tables.sql`. There may be no sequence at all.
#[derive(Debug)]
struct Tables {
    cache: Option<i64>,
    increment: Option<i64>,
    cycles: Option<bool>,
    logged: Option<bool>,
    always: bool,
    last_value: Option<i64>,
    highest: i64,
    stored: Option<i64>,
    stored_history: Option<Uuid>,
    /// The sequence, as SQL names it.
    name: Option<String>,
    subscribed: bool,
}

impl Tables {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            cache: row.try_get(0)?,
            increment: row.try_get(1)?,
            cycles: row.try_get(2)?,
            logged: row.try_get(3)?,
            always: row.try_get(4)?,
            last_value: row.try_get(5)?,
            highest: row.try_get(6)?,
            stored: row.try_get(7)?,
            stored_history: row.try_get(8)?,
            name: row.try_get(9)?,
            subscribed: row.try_get(10)?,
        })
    }

    fn check(&self, history: HistoryId) -> Result<(), String> {
        let change = "alter table events alter column position";
        if !self.always || self.cache.is_none() {
            return Err(
                "the column `position` of its events is not `generated always as identity`: two events could get \
                        one position, and readers could miss events; restore the definition of migration 1"
                    .to_owned(),
            );
        }
        for (what, is_wrong, set) in [
            ("draws positions in advance", self.cache != Some(1), "cache 1"),
            ("does not go up by one", self.increment != Some(1), "increment by 1"),
            ("begins again at its end", self.cycles != Some(false), "no cycle"),
        ] {
            if is_wrong {
                return Err(format!(
                    "the sequence of its positions {what}, and with such a one readers miss events; `{change} set {set}`"
                ));
            }
        }
        if self.logged == Some(false) {
            return Err(
                "its events, or the sequence of their positions, are unlogged, and lost or set back by a crash; \
                        `alter table events set logged`"
                    .to_owned(),
            );
        }
        if self.subscribed {
            return Err("its events come from another server by logical replication, which keeps no order; read them \
                        there, or drop the subscription before this becomes a store of its own"
                .to_owned());
        }
        let stored = self.stored.filter(|_| self.stored_history == Some(history.as_uuid())).unwrap_or(0);
        let given_out = self.highest.max(stored);
        match self.last_value {
            Some(last) if last < given_out => Err(format!(
                "the sequence of its positions is at {last}, and {given_out} was given out before: readers would miss what is \
                 given out again; `{change} restart with {}`, while nobody writes",
                given_out + 1
            )),
            _ => Ok(()),
        }
    }
}
