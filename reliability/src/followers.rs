//! What follows the events in a process of its own: a read model, two projections that write down each event, of which one
//! meets poison, and a reactor that writes into a file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    time::Duration,
};

use es_core::{RetryPolicy, engine::ProjectionEngine, prelude::*};
use es_postgres::{PgContext, PostgresConfig, PostgresStore};
use tokio::time::sleep;

use crate::account::{AccountEvent, AccountId, Moved};

/// One row for each account.
#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "balances", version = 1, shards = 3)]
pub(crate) struct Balance {
    #[read_model(key)]
    pub(crate) id: AccountId,
    pub(crate) events: i64,
    pub(crate) total: i64,
    /// How many events did not come behind the one before them.
    pub(crate) disorder: i64,
}

#[event_handler(covers(AccountEvent))]
impl Balance {
    fn moved(&mut self, event: &Moved, envelope: &Envelope) {
        self.events += 1;
        self.total += event.amount.cast_signed();
        self.disorder += i64::from(envelope.version.get().cast_signed() != self.events);
    }
}

/// Writes each event into its table, with a statement of its own. A second time is an error, at which it would stop.
#[derive(Projection, Debug)]
#[projection(name = "journal", shards = 3)]
struct Journal;

#[event_handler]
impl Journal {
    async fn moved(&self, _: &Moved, envelope: &Envelope, context: &mut PgContext<'_>) -> Result<(), sqlx::Error> {
        sqlx::query("insert into journal (account, version, position) values ($1, $2, $3)")
            .bind(envelope.stream.id())
            .bind(envelope.version.get().cast_signed())
            .bind(envelope.position.get().cast_signed())
            .execute(context.connection())
            .await?;
        Ok(())
    }
}

/// The same, but that it divides by zero at every 13th token while `poison` says so. Then the event is parked.
#[derive(Projection, Debug)]
#[projection(name = "tasting", shards = 2, policy = dead_letter)]
struct Tasting;

#[event_handler]
impl Tasting {
    async fn moved(&self, event: &Moved, envelope: &Envelope, context: &mut PgContext<'_>) -> Result<(), sqlx::Error> {
        sqlx::query(
            "insert into tasting (account, version, position)
             select $1, $2, $3 / case when acts and $4 then 0 else 1 end from poison",
        )
        .bind(envelope.stream.id())
        .bind(envelope.version.get().cast_signed())
        .bind(envelope.position.get().cast_signed())
        .bind(event.token.is_multiple_of(13))
        .execute(context.connection())
        .await?;
        Ok(())
    }
}

/// Appends a line for each delivery to a file that all processes share.
#[derive(Reactor, Debug)]
#[reactor(name = "courier", shards = 2)]
struct Courier {
    file: File,
}

#[event_handler]
impl Courier {
    async fn moved(&self, _: &Moved, delivery: &Delivery) -> io::Result<()> {
        let Delivery { id, envelope, .. } = delivery;
        // A process that is killed may leave a part of a line: the next one begins its own.
        let line = format!("\n{id} {} {} .\n", envelope.stream.id(), envelope.version);
        (&self.file).write_all(line.as_bytes())
    }
}

/// The tables that the projections write into, and the accounts with the shards that they belong to.
pub(crate) const TABLES: &str = "
    create table accounts (id text primary key, balances integer, journal integer, tasting integer, courier integer);
    create table journal (account text, version bigint, position bigint, number bigint generated always as identity,
                          primary key (account, version));
    create table tasting (like journal including all);
    create table poison (acts boolean);
    insert into poison values (false)";

/// All of them, to be run.
pub(crate) fn engine(store: &PostgresStore, file: File, lease: Duration) -> ProjectionEngine<PostgresStore> {
    // However long the server is away or busy, nothing is given up: what fails for good is what this is about.
    let retry = RetryPolicy::new().attempts(200).pause(Duration::from_millis(1)..Duration::from_millis(50));
    ProjectionEngine::new(store)
        .lease(lease)
        .batch_size(25)
        .retry(retry)
        .read_model::<Balance>()
        .projection(Journal)
        .projection(Tasting)
        .reactor(Courier { file })
}

/// The file of the reactor.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// The process that is to be killed, or to be held up: runs an engine, and says so as soon as it does.
///
/// # Panics
/// When it cannot begin for another reason than that the server is away.
pub async fn child(url: &str, path: &Path, lease: Duration) {
    let running = loop {
        let config = PostgresConfig::new().max_connections(8);
        let begun = match PostgresStore::connect_with(url, config).await {
            Ok(store) => {
                engine(&store, open(path).expect("a file"), lease).start().await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match begun {
            Ok(running) => break running,
            Err(error) => eprintln!("an engine waits for the server: {error}"),
        }
        sleep(Duration::from_millis(50)).await;
    };
    println!("it runs");
    std::future::pending::<()>().await;
    drop(running);
}
