//! The references: what somebody would write with sqlx alone.

use bank::domain::{AccountOpened, MoneyDeposited, MoneyWithdrawn};
use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgRow};

use crate::{Failure, domain::ADD};

/// How many events go into one transaction: as many as with an engine that was told nothing else.
const BATCH: i64 = 10_000;

/// The JSON of a `jsonb` column, without the byte before it.
fn json(row: &PgRow, column: usize) -> Result<&[u8], sqlx::Error> {
    row.try_get_raw(column)?.as_bytes().map(|bytes| &bytes[1..]).map_err(sqlx::Error::Decode)
}

/// By how much an event changes a balance.
fn minor(row: &PgRow, ty: usize, payload: usize) -> Result<i64, Failure> {
    let payload = json(row, payload)?;
    Ok(match row.try_get::<&str, _>(ty)? {
        "MoneyDeposited" => serde_json::from_slice::<MoneyDeposited>(payload)?.amount.minor(),
        "MoneyWithdrawn" => -serde_json::from_slice::<MoneyWithdrawn>(payload)?.amount.minor(),
        "AccountOpened" => i64::from(serde_json::from_slice::<AccountOpened>(payload)?.owner.is_empty()),
        _ => 0,
    })
}

/// All events, decoded, and the sum of them; nothing is kept.
pub(crate) async fn scan(connection: &mut PgConnection) -> Result<i64, Failure> {
    let query =
        "select position, stream_type, stream_id, version, event_type, payload, schema_version, event_id, metadata, recorded_at
         from es.events order by position";
    let mut rows = sqlx::query(query).fetch(connection);
    let mut sum = 0;
    while let Some(row) = rows.try_next().await? {
        sum += minor(&row, 4, 5)?;
    }
    Ok(sum)
}

/// One statement for each event, and for each batch the checkpoint in the same transaction.
pub(crate) async fn sums(connection: &mut PgConnection) -> Result<(), Failure> {
    let next = "select position, stream_id, event_type, payload from es.events
        where position > $1 and event_type in ('MoneyDeposited', 'MoneyWithdrawn') order by position limit $2";
    loop {
        let mut transaction = connection.begin().await?;
        let from: i64 =
            sqlx::query_scalar("select position from checkpoint for update").fetch_one(&mut *transaction).await?;
        let rows = sqlx::query(next).bind(from).bind(BATCH).fetch_all(&mut *transaction).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        for row in &rows {
            let minor = minor(row, 2, 3)?;
            sqlx::query(ADD).bind(row.try_get::<&str, _>(1)?).bind(minor).execute(&mut *transaction).await?;
        }
        let upto: i64 = last.try_get(0)?;
        sqlx::query("update checkpoint set position = $1").bind(upto).execute(&mut *transaction).await?;
        transaction.commit().await?;
    }
}
