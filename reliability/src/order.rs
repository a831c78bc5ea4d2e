//! Many writers that finish out of order, readers that follow, and one that only remembers the last position it saw.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::server::Server;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use crate::{
    audit::Audit,
    dice::Dice,
    reader::{Reader, reconnect},
    request::{Bank, Request, Size, TOKENS},
    tally::Tally,
    transactions::{Writer, insert},
    witness::{Witness, count, one_more},
};

const SIZE: Size = Size { accounts: 2_000, events: 60, all_keyed: false };
const PROGRESS: Duration = Duration::from_secs(10);

/// What all writers share.
#[derive(Clone)]
struct Scene {
    url: String,
    witness: Arc<Witness>,
    next: Arc<AtomicU64>,
    writing: Arc<AtomicBool>,
    /// Whether the last writer has ended.
    written: Arc<AtomicBool>,
    kills: Arc<AtomicU64>,
}

impl Scene {
    fn goes_on(&self) -> bool {
        self.writing.load(Ordering::Relaxed) && self.witness.accusation().is_none()
    }

    /// Tokens for a request.
    fn next(&self) -> Option<u64> {
        self.goes_on().then(|| self.next.fetch_add(TOKENS, Ordering::Relaxed))
    }

    fn writer(&self, bank: &Bank, dice: Dice) -> (Writer, impl FnMut() -> Option<u64> + Send + use<>) {
        let (url, witness) = (self.url.clone(), Arc::clone(&self.witness));
        let scene = self.clone();
        (Writer { url, bank: bank.clone(), size: SIZE, witness, dice, hasty: false }, move || scene.next())
    }
}

/// Writes until at least so many events are acknowledged.
///
/// # Panics
/// At the first failure; the server's folder is kept then.
pub async fn run(events: u64, seed: u64) -> Option<Tally> {
    let server = Server::start()?;
    let began = Instant::now();
    let witness = Arc::new(Witness::default());
    let url = server.url();
    let open = async |name: &str| {
        let url = format!("{url}?application_name={name}");
        PostgresStore::connect_with(&url, PostgresConfig::new()).await.expect("the server is there")
    };
    // Readers have stores of their own, as other processes would.
    let (written_to, read_from) = (open("writers").await, open("readers").await);
    written_to.migrate().await.expect("it can be migrated");
    let bank = Bank::new(written_to.clone());
    let scene = Scene {
        url: url.clone(),
        witness: Arc::clone(&witness),
        next: Arc::new(AtomicU64::new(1)),
        writing: Arc::new(AtomicBool::new(true)),
        written: Arc::default(),
        kills: Arc::default(),
    };
    let subscriber = Reader::subscribe("a subscriber", read_from.clone(), Arc::clone(&witness));
    let reader = Reader::poll("a reader", read_from.clone(), Arc::clone(&witness));
    let naive = naive(scene.clone());

    let mut tasks = JoinSet::new();
    for number in 0..24 {
        let dice = Dice::of(seed, number);
        match number {
            0..10 => drop(tasks.spawn(plain(scene.clone(), number, dice))),
            10..16 => {
                let (scene, bank) = (scene.clone(), bank.clone());
                drop(tasks.spawn(async move {
                    while let Some(first) = scene.next() {
                        Request::of(first, SIZE).settle(&bank, &scene.witness).await;
                    }
                }));
            }
            16..20 => {
                let (writer, next) = scene.writer(&bank, dice);
                drop(tasks.spawn(writer.append_within(next)));
            }
            20..22 => {
                let (writer, next) = scene.writer(&bank, dice);
                drop(tasks.spawn(writer.prepare(next)));
            }
            22 => drop(tasks.spawn(idle(scene.clone(), dice))),
            _ => drop(tasks.spawn(killer(scene.clone(), dice))),
        }
    }
    let mut told = Instant::now();
    while count(&witness.counts.acknowledged) < events {
        sleep(Duration::from_millis(20)).await;
        witness.check();
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            println!("{} of {events} events", count(&witness.counts.acknowledged));
        }
    }
    scene.writing.store(false, Ordering::Relaxed);
    while let Some(task) = tasks.join_next().await {
        task.expect("a task");
    }
    scene.written.store(true, Ordering::Relaxed);
    let wrote = began.elapsed();
    let naive = naive.await.expect("the naive reader");
    let audit = Audit::all(&url, &read_from, &witness, &[&subscriber, &reader]).await;
    let missed = audit.positions().filter(|position| !naive.contains(position)).count();
    println!("the naive reader missed {missed} of {} events", audit.events);
    drop((subscriber, reader));
    written_to.close().await;
    read_from.close().await;
    let tally = Tally::new(began, audit.events, &witness)
        .with("missed by the naive reader", u64::try_from(missed).unwrap_or(0))
        .with("connections killed", count(&scene.kills))
        .with("events per second", u64::try_from(audit.events).unwrap_or(0) / wrote.as_secs().max(1));
    Some(tally)
}

/// Plain SQL: several events for a stream of its own, with savepoints and pauses, and about a third rolled back.
async fn plain(scene: Scene, number: u64, mut dice: Dice) {
    let account = 100_000 + u32::try_from(number).unwrap_or(0);
    let mut connection = reconnect(&scene.url).await;
    let mut version = 0;
    while let Some(first) = scene.next() {
        let tokens: Vec<u64> = (first..first + dice.within(1..100)).collect();
        let commits = !dice.one_in(3);
        match transaction(&mut connection, account, version, &tokens, commits, &mut dice).await {
            Ok(()) if commits => {
                version += u64::try_from(tokens.len()).unwrap_or(0);
                scene.witness.committed(tokens);
            }
            outcome => {
                if commits {
                    scene.witness.together(tokens);
                } else {
                    one_more(&scene.witness.counts.rolled_back);
                    scene.witness.refused(tokens);
                }
                if outcome.is_err() {
                    connection = reconnect(&scene.url).await;
                    version = stored(&mut connection, account).await.unwrap_or(version);
                }
            }
        }
    }
}

async fn transaction(
    connection: &mut PgConnection,
    account: u32,
    version: u64,
    tokens: &[u64],
    commits: bool,
    dice: &mut Dice,
) -> Result<(), sqlx::Error> {
    let (one, other) = tokens.split_at(tokens.len() / 2);
    let mut transaction = connection.begin().await?;
    if dice.one_in(3) {
        // Drawn and given up, in the middle of what may be committed.
        transaction.execute("savepoint one").await?;
        insert(&mut transaction, account, version + 1, tokens).await?;
        transaction.execute("rollback to one").await?;
    }
    insert(&mut transaction, account, version + 1, one).await?;
    if dice.one_in(2) {
        sleep(Duration::from_millis(dice.roll(15))).await;
    }
    if dice.one_in(60) {
        sleep(Duration::from_millis(300)).await;
    }
    insert(&mut transaction, account, version + 1 + u64::try_from(one.len()).unwrap_or(0), other).await?;
    if commits { transaction.commit().await } else { transaction.rollback().await }
}

async fn stored(connection: &mut PgConnection, account: u32) -> Result<u64, sqlx::Error> {
    let sql = "select coalesce(max(version), 0) from es.events where stream_type = 'account' and stream_id = $1";
    let version: i64 = sqlx::query_scalar(sql).bind(crate::account::account_id(account)).fetch_one(connection).await?;
    Ok(version.unsigned_abs())
}

/// A transaction that has written and stays open for seconds, now and then.
async fn idle(scene: Scene, mut dice: Dice) {
    while let Some(first) = scene.next() {
        let mut connection = reconnect(&scene.url).await;
        let Ok(mut transaction) = connection.begin().await else { continue };
        scene.witness.together(vec![first]);
        let account = 200_000_000 + u32::try_from(first % 1_000_000_000).unwrap_or(0);
        let _ = insert(&mut transaction, account, 1, &[first]).await;
        let until = Instant::now() + Duration::from_millis(dice.within(500..3_000));
        while Instant::now() < until && scene.goes_on() {
            sleep(Duration::from_millis(20)).await;
        }
        let _ = if dice.one_in(2) { transaction.commit().await } else { transaction.rollback().await };
        sleep(Duration::from_millis(dice.within(100..1_000))).await;
    }
}

/// Ends one connection after the other, whosever it is.
async fn killer(scene: Scene, mut dice: Dice) {
    let mut connection = reconnect(&scene.url).await;
    let sql = "select count(pg_terminate_backend(pid)) from (
                   select pid from pg_stat_activity
                   where backend_type = 'client backend' and pid <> pg_backend_pid() order by random() limit 1) as one";
    while scene.goes_on() {
        sleep(Duration::from_millis(dice.within(100..600))).await;
        connection.execute(AssertSqlSafe(sql.to_owned())).await.expect("one can be ended");
        one_more(&scene.kills);
    }
}

/// The reader that many have written: it goes on behind the highest position that it saw.
fn naive(scene: Scene) -> JoinHandle<HashSet<u64>> {
    tokio::spawn(async move {
        let mut seen = HashSet::new();
        let mut last = 0_i64;
        let mut connection = reconnect(&scene.url).await;
        loop {
            let ends = scene.written.load(Ordering::Relaxed);
            let sql = "select position from es.events where position > $1 order by position limit 5000";
            let Ok(found) = sqlx::query_scalar::<_, i64>(sql).bind(last).fetch_all(&mut connection).await else {
                connection = reconnect(&scene.url).await;
                continue;
            };
            if found.is_empty() && ends {
                return seen;
            }
            last = found.last().copied().unwrap_or(last);
            seen.extend(found.into_iter().map(i64::unsigned_abs));
            sleep(Duration::from_millis(2)).await;
        }
    })
}
