//! Those who read all events while everything happens: by subscription, by polling, and into a table.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use es_core::{
    recorded::{EventId, Position},
    store::{EventStore, ReadAll, StoreError, StoredEvent},
};
use es_postgres::PostgresStore;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::{Connection as _, PgConnection};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    account::{Moved, account_of},
    witness::Witness,
};

/// A reader comes up to a position in this time, or it has stopped for good.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);

/// How many events each account has, and what they sum up to.
pub(crate) type Fold = HashMap<u32, (u64, u64)>;

/// What a reader was given.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// In the order in which it came.
    pub(crate) seen: Vec<(u64, EventId)>,
    pub(crate) fold: Fold,
}

/// A task that reads, and what it has read.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    log: Arc<Mutex<Log>>,
    task: JoinHandle<()>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    fn take(&mut self, name: &str, event: &StoredEvent, witness: &Witness) {
        let position = event.position.get();
        if let Some(&(last, _)) = self.seen.last()
            && last >= position
        {
            witness.accuse(format_args!("{name} was given position {position} behind {last}"));
        }
        witness.yielded(position, event.event_id);
        self.seen.push((position, event.event_id));
        let (Some(account), Ok(moved)) =
            (account_of(event.stream.id()), serde_json::from_slice::<Moved>(&event.payload))
        else {
            return witness.accuse(format_args!("{name} was given what nobody wrote: {event:?}"));
        };
        let fold = self.fold.entry(account).or_default();
        fold.0 += 1;
        fold.1 += moved.amount;
        if fold.0 != event.version.get() {
            witness.accuse(format_args!(
                "{name} was given version {} as the {}th of {}",
                event.version, fold.0, event.stream
            ));
        }
    }

    fn last(&self) -> u64 {
        self.seen.last().map_or(0, |&(position, _)| position)
    }
}

impl Reader {
    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    /// Subscribes from the first event on.
    pub(crate) fn subscribe(name: &'static str, store: impl EventStore, witness: Arc<Witness>) -> Self {
        let log: Arc<Mutex<Log>> = Arc::default();
        let task = tokio::spawn({
            let log = Arc::clone(&log);
            async move {
                let mut events = pin!(store.subscribe(ReadAll::after(Position::START)));
                while let Some(event) = events.next().await {
                    match event {
                        Ok(event) => lock(&log).take(name, &event, &witness),
                        Err(error) => return witness.accuse(format_args!("{name} ended: {error:?}")),
                    }
                }
            }
        });
        Self { name, log, task }
    }

    /// Reads to the end, again and again, behind the last event that it was given.
    pub(crate) fn poll(name: &'static str, store: impl EventStore, witness: Arc<Witness>) -> Self {
        let log: Arc<Mutex<Log>> = Arc::default();
        let task = tokio::spawn({
            let log = Arc::clone(&log);
            async move {
                loop {
                    let after = lock(&log).last();
                    let mut events = pin!(store.read_all(ReadAll::after(Position::new(after))));
                    while let Some(event) = events.next().await {
                        match event {
                            Ok(event) => lock(&log).take(name, &event, &witness),
                            Err(error) if error.is_unavailable() => break,
                            Err(error) => return witness.accuse(format_args!("{name} ended: {error:?}")),
                        }
                    }
                    sleep(PAUSE).await;
                }
            }
        });
        Self { name, log, task }
    }

    /// Waits until it has come to a position.
    pub(crate) async fn reach(&self, position: u64, witness: &Witness) {
        let reached = async {
            while self.log().last() < position && witness.accusation().is_none() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        if timeout(PATIENCE, reached).await.is_err() {
            witness.accuse(format_args!(
                "{} stays at {} and does not come to {position}",
                self.name,
                self.log().last()
            ));
        }
    }
}

/// A read model in the database, whose checkpoint moves in the transaction that changes its rows. It may lose its last
/// transactions in a crash, and goes on from where it is then.
pub(crate) struct Table {
    task: JoinHandle<()>,
}

impl Drop for Table {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Table {
    pub(crate) async fn keep(url: String, store: PostgresStore, witness: Arc<Witness>) -> Self {
        let url = format!("{url}?options=-c%20synchronous_commit%3Doff");
        let mut connection = reconnect(&url).await;
        let tables = "create table if not exists totals (account bigint primary key, events bigint, total bigint);
                      create table if not exists reached (position bigint);
                      insert into reached select 0 where not exists (select from reached)";
        sqlx::raw_sql(tables).execute(&mut connection).await.expect("tables");
        let task = tokio::spawn(async move {
            loop {
                match turn(&mut connection, &store).await {
                    Err(Trouble::Store(error)) if !error.is_unavailable() => {
                        return witness.accuse(format_args!("the table ended: {error:?}"));
                    }
                    Ok(()) | Err(Trouble::Store(_)) => sleep(PAUSE).await,
                    Err(Trouble::Connection) => connection = reconnect(&url).await,
                }
            }
        });
        Self { task }
    }

    /// What it shows, and up to where; `None` while the server does not answer.
    pub(crate) async fn read(connection: &mut PgConnection) -> Result<(u64, Fold), sqlx::Error> {
        let reached: i64 = sqlx::query_scalar("select position from reached").fetch_one(&mut *connection).await?;
        let rows: Vec<(i64, i64, i64)> =
            sqlx::query_as("select account, events, total from totals").fetch_all(connection).await?;
        let number = i64::unsigned_abs;
        let fold = rows.into_iter().map(|(account, events, total)| {
            (u32::try_from(account).expect("an account"), (number(events), number(total)))
        });
        Ok((number(reached), fold.collect()))
    }
}

enum Trouble {
    Store(StoreError),
    Connection,
}

impl From<sqlx::Error> for Trouble {
    fn from(_: sqlx::Error) -> Self {
        Self::Connection
    }
}

/// A connection, as soon as there is one.
pub(crate) async fn reconnect(url: &str) -> PgConnection {
    loop {
        match timeout(Duration::from_secs(5), PgConnection::connect(url)).await {
            Ok(Ok(connection)) => return connection,
            _ => sleep(PAUSE).await,
        }
    }
}

/// Brings the table to where the events are settled, at most a thousand events further.
async fn turn(connection: &mut PgConnection, store: &PostgresStore) -> Result<(), Trouble> {
    let reached: i64 = sqlx::query_scalar("select position from reached").fetch_one(&mut *connection).await?;
    let read = store.read_all(ReadAll::after(Position::new(reached.unsigned_abs())));
    let events: Vec<StoredEvent> = read.take(1_000).try_collect().await.map_err(Trouble::Store)?;
    let Some(last) = events.last() else { return Ok(()) };
    let mut fold = HashMap::<u32, (i64, i64)>::new();
    for event in &events {
        let moved: Moved = serde_json::from_slice(&event.payload).expect("it is a movement");
        let row = fold.entry(account_of(event.stream.id()).expect("an account")).or_default();
        row.0 += 1;
        row.1 += moved.amount.cast_signed();
    }
    let mut transaction = connection.begin().await?;
    sqlx::query("update reached set position = $1 where position = $2")
        .bind(last.position.get().cast_signed())
        .bind(reached)
        .execute(&mut *transaction)
        .await?;
    for (account, (events, total)) in fold {
        sqlx::query(
            "insert into totals values ($1, $2, $3) on conflict (account) do update
             set events = totals.events + excluded.events, total = totals.total + excluded.total",
        )
        .bind(i64::from(account))
        .bind(events)
        .bind(total)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}
