//! The questions of the protocol as statements, and what the database says to them.

use es_core::store::{HistoryId, StoreError};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{
    DOING,
    proof::{Answer, Question, Scan, Transaction, Writer},
};
use crate::{
    error,
    row::{signed, unreadable, unsigned},
    store::Parts,
};

/// How many positions one scan looks at. Who is further behind asks for writers at once.
const FAR: i64 = 4_096;

/// An answer, and who gave it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) history: HistoryId,
    /// A standby shows no locks of the primary's writers; of it only what was stored can be used.
    pub(super) standby: bool,
    pub(super) answer: Answer,
}

pub(super) async fn ask(parts: &Parts, question: Question) -> Result<Told, StoreError> {
    let statements = &parts.statements;
    let query = || match question {
        Question::Stored => sqlx::query(statements.frontier_stored.clone()),
        Question::Scan { after } => sqlx::query(statements.frontier_scan.clone()).bind(signed(after)).bind(FAR),
        Question::Highest => sqlx::query(statements.frontier_highest.clone()),
        Question::Writers => sqlx::query(statements.frontier_writers.clone()),
    };
    let answer = parts.connections.fetch_with_history(query).await;
    let (history, rows) = answer.map_err(|failure| error::store_error(DOING, failure))?;
    told(question, history, &rows).map_err(unreadable)
}

/// The first column of every answer says whether a standby gave it.
fn told(question: Question, history: HistoryId, rows: &[PgRow]) -> Result<Told, sqlx::Error> {
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let standby = row.try_get(0)?;
    let answer = match question {
        Question::Stored => Answer::Stored(stored(row, history, standby)?),
        Question::Scan { after } => {
            let position =
                |column| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.map_or(after, unsigned));
            Answer::Scan(Scan { dense: position(1)?, last: position(2)?, full: row.try_get::<i64, _>(3)? >= FAR })
        }
        Question::Highest => Answer::Highest(row.try_get::<Option<i64>, _>(1)?.map_or(0, unsigned)),
        Question::Writers => {
            Answer::Writers(rows.iter().filter_map(|row| writer(row).transpose()).collect::<Result<_, _>>()?)
        }
    };
    Ok(Told { history, standby, answer })
}

/// What was stored holds in the history in which it was. A standby does not know the name of its primary's; but it has the
/// record only with everything that was written before it, so there it is enough that both have one origin.
fn stored(row: &PgRow, history: HistoryId, standby: bool) -> Result<Option<u64>, sqlx::Error> {
    let Some(position) = row.try_get::<Option<i64>, _>(1)? else { return Ok(None) };
    let same_history = HistoryId::from_uuid(row.try_get::<Uuid, _>(2)?) == history;
    let same_origin: bool = row.try_get(3)?;
    Ok((same_history || (standby && same_origin)).then(|| unsigned(position)))
}

fn writer(row: &PgRow) -> Result<Option<Writer>, sqlx::Error> {
    let Some(text) = row.try_get::<Option<&str>, _>(1)? else { return Ok(None) };
    let transaction = Transaction::parse(text)
        .ok_or_else(|| sqlx::Error::Decode(format!("`{text}` is no virtual transaction id").into()))?;
    Ok(Some(Writer { transaction, prepared: row.try_get(2)? }))
}
