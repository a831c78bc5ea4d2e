//! Bringing the summaries up to date from the events.

use std::{collections::BTreeMap, pin::pin};

use chrono::NaiveDate;
use es_core::{
    Aggregate as _, Position,
    store::{EventStore, ReadAll, StoredEvent},
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::{PgConnection, PgPool};

use super::{AccountSummary, SummaryError};
use crate::domain::{Account, AccountEvent, AccountId};

/// How many events go into one transaction.
const BATCH: usize = 2_000;

/// Takes in the events that the summaries do not have yet, and answers how many those were.
///
/// It ends where the events end when it gets there, so it ends even while others write on.
///
/// # Why each event counts exactly once
///
/// - The checkpoint is the position of the last event that is in the summaries. It moves in the transaction that
///   writes their effects, so that both happen or neither: a crash at any point leaves the two in step.
/// - That transaction begins by locking the checkpoint's row, and reads events only then, behind the position that it
///   found. A second process waits for the row, finds the position where the first one left it, and goes on there.
/// - [`read_all`](EventStore::read_all) never passes a position that an unfinished append may still fill. So whatever
///   becomes visible later stands behind the checkpoint, and is read later.
///
/// # Errors
/// [`SummaryError`] when events cannot be read or rows not written; the batches before stay done.
pub async fn catch_up<S: EventStore>(store: &S, pool: &PgPool) -> Result<u64, SummaryError> {
    let mut total = 0;
    loop {
        let events = take_batch(store, pool).await?;
        total += events as u64;
        if events < BATCH {
            return Ok(total);
        }
    }
}

/// Takes in one batch, in one transaction; answers how many events were in it, fewer than [`BATCH`] at the end.
async fn take_batch<S: EventStore>(store: &S, pool: &PgPool) -> Result<usize, SummaryError> {
    // Whatever the database's default: at a stricter level, waiting for the lock would end in a failure.
    let mut transaction = pool.begin_with("begin isolation level read committed").await?;
    let checkpoint = lock_checkpoint(&mut transaction).await?;
    let events = read_batch(store, checkpoint).await?;
    let Some(last) = events.last().map(|event| event.position) else {
        return Ok(0);
    };
    let count = events.len();
    let mut summaries = load(&mut transaction, &events).await?;
    fold(&mut summaries, events)?;
    write(&mut transaction, summaries).await?;
    move_checkpoint(&mut transaction, last).await?;
    transaction.commit().await?;
    Ok(count)
}

async fn lock_checkpoint(connection: &mut PgConnection) -> Result<Position, sqlx::Error> {
    let query = sqlx::query_scalar("select position from bank.checkpoint for update");
    let position: i64 = query.fetch_one(connection).await?;
    // A position comes from the store, and is never negative.
    Ok(Position::new(position.unsigned_abs()))
}

async fn move_checkpoint(connection: &mut PgConnection, position: Position) -> Result<(), sqlx::Error> {
    let query = sqlx::query("update bank.checkpoint set position = $1");
    query.bind(position.get().cast_signed()).execute(connection).await?;
    Ok(())
}

/// The next events behind a position. Those of other aggregates are among them, because the checkpoint passes them.
async fn read_batch<S: EventStore>(store: &S, after: Position) -> Result<Vec<StoredEvent>, SummaryError> {
    let events = pin!(store.read_all(ReadAll::after(after)).take(BATCH));
    Ok(events.try_collect().await?)
}

/// The rows that the events concern, as far as there are any.
async fn load(
    connection: &mut PgConnection,
    events: &[StoredEvent],
) -> Result<BTreeMap<String, AccountSummary>, sqlx::Error> {
    let mut ids: Vec<_> = events.iter().filter(|event| is_account(event)).map(|event| event.stream.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    let query = sqlx::query_as("select * from bank.account_summaries where account_id = any($1)");
    let rows: Vec<AccountSummary> = query.bind(&ids).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|summary| (summary.account_id.0.clone(), summary)).collect())
}

fn is_account(event: &StoredEvent) -> bool {
    event.stream.stream_type() == Account::NAME
}

fn fold(summaries: &mut BTreeMap<String, AccountSummary>, events: Vec<StoredEvent>) -> Result<(), SummaryError> {
    for stored in events.into_iter().filter(is_account) {
        // A retired event has its place before the checkpoint, and no effect.
        let Some(event) = stored.decode_event::<AccountEvent>().map_err(es_core::StoreError::from)? else { continue };
        let id = stored.stream.id();
        if let Some(summary) = summaries.get_mut(id) {
            summary.apply(event);
        } else {
            let mut summary = AccountSummary::new(AccountId(id.to_owned()));
            summary.apply(event);
            summaries.insert(id.to_owned(), summary);
        }
    }
    Ok(())
}

async fn write(connection: &mut PgConnection, summaries: BTreeMap<String, AccountSummary>) -> Result<(), sqlx::Error> {
    let (mut ids, mut owners, mut closed) = (Vec::new(), Vec::new(), Vec::new());
    let (mut balances, mut counts) = (Vec::<i64>::new(), Vec::<i64>::new());
    let mut days = Vec::<Option<NaiveDate>>::new();
    for (id, summary) in summaries {
        ids.push(id);
        owners.push(summary.owner);
        balances.push(summary.balance.minor());
        counts.push(summary.transaction_count);
        days.push(summary.last_transaction_on);
        closed.push(summary.closed);
    }
    let query = sqlx::query(include_str!("upsert.sql"));
    query.bind(ids).bind(owners).bind(balances).bind(counts).bind(days).bind(closed).execute(connection).await?;
    Ok(())
}
