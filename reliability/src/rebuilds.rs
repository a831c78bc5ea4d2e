//! The embedded store: processes that build read models from the start, some while others write to the file, are killed again
//! and again. What they leave behind is taken up by the next; in the end each event is in once.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use es_core::{
    RetryPolicy,
    engine::ProjectionEngine,
    prelude::*,
    projection::Rows,
    store::{Append, NewEvent},
};
use es_sqlite::{SqliteConfig, SqliteContext, SqliteStore};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{process::Command, time::sleep};

use crate::{
    account::{AccountEvent, Moved, account_id, movement},
    dice::Dice,
    files::Folder,
    followers::Balance,
    tally::Tally,
    witness::Witness,
};

const ACCOUNTS: u32 = 24;
/// How many events there are before the first round of a file, and how many each round adds.
const BEFORE: u64 = 3_000;
const EACH: u64 = 200;
/// So short that a process that was killed is followed soon.
const LEASE: Duration = Duration::from_millis(200);
/// How many rounds one file sees.
const ROUNDS: u64 = 10;

/// Writes each event into its table, with a statement of its own. A second time is an error, at which it would stop.
#[derive(Projection, Debug)]
#[projection(name = "journal", shards = 2)]
struct Journal;

#[event_handler(covers(AccountEvent))]
impl Journal {
    async fn moved(&self, _: &Moved, envelope: &Envelope, context: &mut SqliteContext<'_>) -> Result<(), sqlx::Error> {
        sqlx::query("insert into journal (account, version, position) values (?1, ?2, ?3)")
            .bind(envelope.stream.id())
            .bind(envelope.version.get().cast_signed())
            .bind(envelope.position.get().cast_signed())
            .execute(&mut *context.connection().await?)
            .await?;
        Ok(())
    }
}

const TABLE: &str = "create table if not exists journal (
    account text not null, version integer not null, position integer not null, number integer primary key autoincrement,
    unique (account, version)
)";

async fn open(path: &Path) -> SqliteStore {
    let config = SqliteConfig::new().lock_timeout(Duration::from_secs(30));
    SqliteStore::open_with(path, config).await.expect("the file can be opened, whoever was killed")
}

fn engine(store: &SqliteStore) -> ProjectionEngine<SqliteStore> {
    let retry = RetryPolicy::new().attempts(200).pause(Duration::from_millis(1)..Duration::from_millis(50));
    ProjectionEngine::new(store).lease(LEASE).batch_size(25).retry(retry).read_model::<Balance>().projection(Journal)
}

/// The process that is to be killed: runs an engine, and appends to the file so often.
///
/// # Panics
/// When it cannot begin, or an append fails.
pub async fn child(path: &Path, first: u64, events: u64) {
    let store = open(path).await;
    let running = engine(&store).start().await.expect("it can be started");
    append(&store, first, events).await;
    std::future::pending::<()>().await;
    drop(running);
}

async fn append(store: &SqliteStore, first: u64, events: u64) {
    for token in first..first + events {
        let account = u32::try_from(token % u64::from(ACCOUNTS)).unwrap_or(0);
        let event = AccountEvent::Moved(movement(token));
        let event = NewEvent::encode(&event, Metadata::at(Utc::now())).expect("it can be stored");
        let append = Append::new(StreamId::new("account", account_id(account)), Expected::Any, vec![event]);
        store.append(append).await.expect("nothing stands against it");
    }
}

/// Kills the processes of so many rounds, one or two at a time. `program` is this program, which as
/// `rebuild PATH FIRST EVENTS` calls [`child`]. Every tenth file is a new one.
///
/// # Panics
/// At the first failure; the folder is kept then.
pub async fn kills(rounds: u64, seed: u64, program: &Path) -> Tally {
    let (began, mut dice) = (Instant::now(), Dice::new(seed));
    let (mut events, mut processes) = (0, 0);
    for first in (0..rounds).step_by(usize::try_from(ROUNDS).unwrap_or(1)) {
        let folder = Folder::new();
        let path = folder.0.join("events.db");
        let store = open(&path).await;
        let options = SqliteConnectOptions::new().filename(&path);
        let mut connection = SqliteConnection::connect_with(&options).await.expect("the file is there");
        sqlx::query(TABLE).execute(&mut connection).await.expect("a table");
        append_many(&store, BEFORE).await;
        store.close().await;
        for round in first..(first + ROUNDS).min(rounds) {
            let together = 1 + u64::from(dice.one_in(3));
            let mut running = Vec::new();
            for process in 0..together {
                let token = 1_000_000 * (round + 1) + process * 1_000;
                let words = [path.display().to_string(), token.to_string(), (EACH / together).to_string()];
                let mut command = Command::new(program);
                command.arg("rebuild").args(words).stdout(Stdio::null()).kill_on_drop(true);
                running.push(command.spawn().expect("the program runs"));
            }
            for mut child in running {
                sleep(Duration::from_millis(dice.within(20..500))).await;
                child.kill().await.expect("it runs until it is killed");
            }
            processes += together;
            if dice.one_in(4) {
                agree(&path, &mut connection).await;
            }
            println!("rebuild {} of {rounds} killed", round + 1);
        }
        events += agree(&path, &mut connection).await;
    }
    Tally::new(began, events, &Witness::default()).with("processes killed", processes)
}

/// Events of one append for each account, as many as there are to be.
async fn append_many(store: &SqliteStore, events: u64) {
    let mut streams: BTreeMap<u32, Vec<NewEvent>> = BTreeMap::new();
    for token in 0..events {
        let account = u32::try_from(token % u64::from(ACCOUNTS)).unwrap_or(0);
        let event = NewEvent::encode(&AccountEvent::Moved(movement(token)), Metadata::at(Utc::now()));
        streams.entry(account).or_default().push(event.expect("it can be stored"));
    }
    for (account, events) in streams {
        let stream = StreamId::new("account", account_id(account));
        store.append(Append::new(stream, Expected::Any, events)).await.expect("nothing stands against it");
    }
}

/// Has all taken in, and holds the rows against a fold from the first event, and the journal against the events. Answers how
/// many there are.
async fn agree(path: &Path, connection: &mut SqliteConnection) -> usize {
    let store = open(path).await;
    engine(&store).run_to_frontier().await.expect("nothing has stopped");
    let mut known = Rows::<Balance>::new();
    known.catch_up(&store).await.expect("a fold from the first event");
    let by_id = |rows: Vec<Balance>| rows.into_iter().map(|row| (row.id.0.clone(), row)).collect::<BTreeMap<_, _>>();
    let rows = by_id(store.read_model::<Balance>().all().await.expect("the rows can be read"));
    assert_eq!(rows, by_id(known.iter().cloned().collect()), "a fold from the first event");
    assert!(rows.values().all(|row| row.disorder == 0), "{rows:?}");
    let differences = "select
        (select count(*) from es_events),
        (select count(*) from es_events left join journal on account = stream_id and journal.version = es_events.version
            and journal.position = es_events.position where number is null),
        (select count(*) from journal) - (select count(*) from es_events),
        (select count(*) from journal as one join journal as next using (account)
            where next.version = one.version + 1 and next.number < one.number)";
    let (events, missing, more, disorder): (i64, i64, i64, i64) =
        sqlx::query_as(differences).fetch_one(connection).await.expect("the journal can be read");
    assert_eq!((missing, more, disorder), (0, 0, 0), "missing, too many, out of order in the journal");
    store.close().await;
    usize::try_from(events).unwrap_or(0)
}
