//! How a store is doing, for people who run it.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use es_core::{
    recorded::Position,
    store::{HistoryId, StoreError},
};
use sqlx::{Row as _, postgres::PgRow};

use crate::{
    error, frontier,
    row::{unreadable, unsigned},
    store::Parts,
};

const DOING: &str = "asking how the store is doing";

/// How many characters of a statement are shown to people.
const QUERY: usize = 80;

/// How far readers of all events can go, and who holds them up; from
/// [`PostgresStore::status`](crate::PostgresStore::status). Its `Display` is for people.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoreStatus {
    /// Which history the store has.
    pub history: HistoryId,
    /// The highest position that can be seen; [`Position::START`] in an empty store.
    pub highest: Position,
    /// The frontier: readers of all events go up to here. Lower than `highest` while an unfinished transaction holds it.
    pub settled: Position,
    /// When the frontier was last stored; `None` before the first time.
    pub settled_at: Option<DateTime<Utc>>,
    /// The transactions that may hold the frontier, the oldest first; none where it has reached `highest`. On a standby
    /// they cannot be seen.
    pub holders: Vec<Holder>,
}

/// An unfinished transaction that has written to the events. What the role may not see of it is `None`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Holder {
    /// Its virtual transaction id, as in `pg_locks`.
    pub transaction: String,
    /// Its process; `select pg_terminate_backend(pid)` ends it. A prepared transaction has none.
    pub pid: Option<i32>,
    /// The name of a prepared transaction, for `commit prepared` or `rollback prepared`.
    pub prepared: Option<String>,
    /// The `application_name` of its connection.
    pub application: Option<String>,
    /// The role that it belongs to.
    pub user: Option<String>,
    /// What its process does, such as `idle in transaction`.
    pub state: Option<String>,
    /// Its statement now, or its last one.
    pub query: Option<String>,
    /// How long ago it began, or was prepared.
    pub age: Option<Duration>,
}

pub(crate) async fn status(parts: &Arc<Parts>) -> Result<StoreStatus, StoreError> {
    let failed = |failure| error::store_error(DOING, failure);
    let answer = parts.connections.fetch_with_history(|| sqlx::query(parts.statements.status.clone())).await;
    let (history, rows) = answer.map_err(failed)?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound).map_err(unreadable)?;
    let position =
        |column| row.try_get::<Option<i64>, _>(column).map(|position| Position::new(position.map_or(0, unsigned)));
    let highest = position(1).map_err(unreadable)?;
    let mut status = StoreStatus {
        history,
        highest,
        settled: position(2).map_err(unreadable)?,
        settled_at: row.try_get(3).map_err(unreadable)?,
        holders: Vec::new(),
    };
    let standby: bool = row.try_get(0).map_err(unreadable)?;
    if standby {
        return Ok(status);
    }
    status.settled = frontier::advance(parts).await?.position;
    if status.settled < highest {
        let rows = parts.connections.fetch(|| sqlx::query(parts.statements.holders.clone())).await.map_err(failed)?;
        status.holders = rows.iter().map(Holder::of).collect::<Result<_, _>>().map_err(unreadable)?;
    }
    Ok(status)
}

impl Holder {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            transaction: row.try_get(0)?,
            pid: row.try_get(1)?,
            prepared: row.try_get(2)?,
            application: row.try_get(3)?,
            user: row.try_get(4)?,
            state: row.try_get(5)?,
            query: row.try_get(6)?,
            age: row.try_get::<Option<f64>, _>(7)?.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        })
    }
}

impl fmt::Display for StoreStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "all events are settled up to {} of {}", self.settled, self.highest)?;
        if let Some(at) = self.settled_at {
            write!(formatter, ", stored last at {}", at.format("%Y-%m-%d %H:%M:%S UTC"))?;
        }
        write!(formatter, "; history {}", self.history)?;
        for holder in &self.holders {
            write!(formatter, "\nheld by {holder}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.prepared, self.pid) {
            (Some(name), _) => write!(formatter, "the prepared transaction '{name}'")?,
            (None, Some(pid)) => write!(formatter, "process {pid}")?,
            (None, None) => write!(formatter, "transaction {}", self.transaction)?,
        }
        for (what, value) in [("application", &self.application), ("user", &self.user)] {
            if let Some(value) = value {
                write!(formatter, ", {what} {value}")?;
            }
        }
        if let Some(state) = &self.state {
            write!(formatter, ", {state}")?;
        }
        if let Some(age) = self.age {
            write!(formatter, ", for {} s", age.as_secs())?;
        }
        match &self.query {
            Some(query) => write!(formatter, ": {}", beginning(query)),
            None => Ok(()),
        }
    }
}

/// Of a statement as much as fits a line.
fn beginning(query: &str) -> String {
    let line = query.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUERY) {
        Some((end, _)) => format!("{} ..", line.get(..end).unwrap_or_default().trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use es_core::{recorded::Position, store::HistoryId};

    use super::{Holder, StoreStatus};

    #[test]
    fn a_status_is_for_people_to_read() {
        let process = Holder {
            transaction: "3/12".to_owned(),
            pid: Some(4_711),
            prepared: None,
            application: Some("psql".to_owned()),
            user: Some("bank".to_owned()),
            state: Some("idle in transaction".to_owned()),
            query: Some("insert into\n  es.events".to_owned()),
            age: Some(Duration::from_millis(61_500)),
        };
        let unseen =
            Holder { pid: None, application: None, user: None, state: None, query: None, age: None, ..process.clone() };
        let long = Holder { query: Some(format!("select '{}'", "\u{e9}".repeat(200))), ..process.clone() };
        let prepared = Holder { prepared: Some("transfer 7".to_owned()), ..unseen.clone() };
        let status = StoreStatus {
            history: HistoryId::from_uuid(uuid::Uuid::nil()),
            highest: Position::new(12),
            settled: Position::new(7),
            settled_at: None,
            holders: vec![process, long, prepared, unseen],
        };
        let cut = "\u{e9}".repeat(72);
        let expected = format!(
            "all events are settled up to 7 of 12; history 00000000-0000-0000-0000-000000000000\n\
             held by process 4711, application psql, user bank, idle in transaction, for 61 s: insert into es.events\n\
             held by process 4711, application psql, user bank, idle in transaction, for 61 s: select '{cut} ..\n\
             held by the prepared transaction 'transfer 7'\n\
             held by transaction 3/12"
        );
        assert_eq!(status.to_string(), expected);
    }
}
