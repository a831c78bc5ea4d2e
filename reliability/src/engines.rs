//! Engines in processes of their own, that are killed, or held up for longer than their lease, under writes; and what they
//! made of the events, looked at in the middle of it.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use es_core::{
    engine::Controls,
    prelude::*,
    projection::{Rows, ShardId},
    store::{Append, NewEvent},
};
use es_postgres::PostgresStore;
use es_tests::server::Server;
use sqlx::{Executor as _, PgConnection};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};

use crate::{
    account::{AccountEvent, account_id, movement},
    agreement::Agreement,
    dice::Dice,
    followers::{Balance, TABLES, engine, open},
    reader::reconnect,
    tally::Tally,
    witness::Witness,
};

const ACCOUNTS: u32 = 24;
const WRITERS: u64 = 3;
/// Shorter than a pause, and long enough for a statement on a machine that has other things to do.
const LEASE: Duration = Duration::from_millis(300);
/// How long the engines may take to come to the end when nothing is in their way any more.
const PATIENCE: Duration = Duration::from_mins(2);

/// An engine in a process of its own.
struct Process(Child);

impl Process {
    fn start(program: &Path, url: &str, path: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(["engine", &format!("{url}?application_name=engine")]).arg(path);
        command.arg(LEASE.as_millis().to_string()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self(command.spawn().expect("the program runs"))
    }

    /// Waits until it says that its engine runs.
    async fn runs(&mut self) {
        let output = BufReader::new(self.0.stdout.take().expect("a pipe"));
        let line = spawn_blocking(move || output.lines().next()).await.expect("a listener");
        assert!(line.is_some(), "the engine's process has ended by itself");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.0.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the engine's process has ended by itself");
    }

    fn kill(&mut self) {
        assert!(self.0.try_wait().expect("its state").is_none(), "the engine's process has ended by itself");
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("its end");
    }
}

/// None outlives a failure.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server, writers who never stop, and what is held against what they write.
struct Scene {
    server: Arc<Server>,
    url: String,
    path: PathBuf,
    store: PostgresStore,
    controls: Controls<PostgresStore>,
    writing: Arc<AtomicBool>,
    writers: JoinSet<Position>,
    witness: Arc<Witness>,
    agreement: Agreement,
    dice: Dice,
    began: Instant,
}

impl Scene {
    async fn new(seed: u64) -> Option<Self> {
        let server = Arc::new(Server::start()?);
        let url = server.url();
        let path = server.folder().join("deliveries");
        let store = PostgresStore::connect(&url).await.expect("the server is there");
        store.migrate().await.expect("it can be migrated");
        let mut connection = reconnect(&url).await;
        connection.execute(TABLES).await.expect("tables");
        for account in 0..ACCOUNTS {
            let (id, shard) = (account_id(account), |key: &str, shards| ShardId::of_key(key, shards).cast_signed());
            let stream = format!("account/{id}");
            sqlx::query("insert into accounts values ($1, $2, $3, $4, $5)")
                .bind(&id)
                .bind(shard(&id, 3))
                .bind(shard(&stream, 3))
                .bind(shard(&stream, 2))
                .bind(shard(&stream, 2))
                .execute(&mut connection)
                .await
                .expect("an account");
        }
        let engine = engine(&store, open(&path).expect("a file"), LEASE);
        engine.prepare().await.expect("projections can be made ready");
        let controls = engine.controls();
        let (writing, next) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(1)));
        let mut writers = JoinSet::new();
        for number in 0..WRITERS {
            let dice = Dice::of(seed, number);
            writers.spawn(write(store.clone(), Arc::clone(&writing), Arc::clone(&next), dice));
        }
        let (agreement, witness) = (Agreement::new(path.clone()), Arc::default());
        let (dice, began) = (Dice::new(seed), Instant::now());
        Some(Self { server, url, path, store, controls, writing, writers, witness, agreement, dice, began })
    }

    fn start(&self, program: &Path) -> Process {
        Process::start(program, &self.url, &self.path)
    }

    /// Compares while everybody goes on.
    async fn check(&mut self) {
        loop {
            let mut connection = reconnect(&self.url).await;
            match self.agreement.check(&mut connection, &self.witness).await {
                Ok(()) => return,
                // The server has just been stopped; or what else it says is shown when it never stops.
                Err(error) => assert!(
                    error.as_database_error().is_none_or(|error| error.code().as_deref() == Some("57P01")),
                    "{error}"
                ),
            }
        }
    }

    /// Poison begins or ends to act, and what is parked is to be tried again, whether it does or not.
    async fn poison(&mut self) {
        let mut connection = reconnect(&self.url).await;
        let acts = self.dice.one_in(2);
        // Where the server goes away just now it stays as it was.
        let _ = sqlx::query("update poison set acts = $1").bind(acts).execute(&mut connection).await;
        if self.dice.one_in(2) {
            let _ = self.controls.redrive("tasting").await;
        }
    }

    /// Ends the writers, and lets an engine come to the end; then all must be there.
    async fn end(mut self, program: &Path) -> Tally {
        self.writing.store(false, Ordering::Relaxed);
        let mut last = Position::START;
        while let Some(written) = self.writers.join_next().await {
            last = last.max(written.expect("a writer"));
        }
        let mut connection = reconnect(&self.url).await;
        let parked: i64 = sqlx::query_scalar("select count(*) from es.dead_letters")
            .fetch_one(&mut connection)
            .await
            .expect("a look");
        connection.execute("update poison set acts = false").await.expect("poison ends");
        let process = self.start(program);
        // Reactors are waited for by their names only.
        for waited in [self.controls.wait_for(last), self.controls.wait_for(last).projection("courier")] {
            let waited = waited.timeout(PATIENCE).await;
            waited.unwrap_or_else(|error| panic!("they do not come to the end: {error}"));
        }
        let begun = Instant::now();
        loop {
            self.controls.redrive("tasting").await.expect("it can be asked for");
            let left = self.controls.dead_letters("tasting", 1).await.expect("a look");
            if left.is_empty() {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "an event stays parked: {left:?}");
            sleep(Duration::from_millis(20)).await;
        }
        self.check().await;
        drop(process);
        let events = self.everything(&mut connection).await;
        let (takeovers, repeats): (i64, u64) = (
            sqlx::query_scalar("select sum(epoch)::bigint from es.projection_shards")
                .fetch_one(&mut connection)
                .await
                .expect("a look"),
            self.agreement.again(),
        );
        self.store.close().await;
        Tally::new(self.began, events, &self.witness)
            .with("parked at the end", parked.unsigned_abs())
            .with("delivered again", repeats)
            .with("claims", takeovers.unsigned_abs())
    }

    /// Each event is everywhere, and the read model is a fold from zero as the library makes one.
    async fn everything(&mut self, connection: &mut PgConnection) -> usize {
        let counts: (i64, i64, i64, i64) = sqlx::query_as(
            "select (select count(*) from es.events), (select count(*) from journal), (select count(*) from tasting),
                    (select sum(events)::bigint from balances)",
        )
        .fetch_one(connection)
        .await
        .expect("a look");
        let (events, ..) = counts;
        assert_eq!(counts, (events, events, events, events));
        let mut expected = Rows::<Balance>::new();
        expected.catch_up(&self.store).await.expect("a fold");
        let rows = self.store.read_model::<Balance>().all().await.expect("rows");
        assert_eq!(rows.len(), expected.len());
        for row in rows {
            assert_eq!(expected.get(&row.id), Some(&row));
            assert_eq!(self.agreement.delivered(&row.id.0), usize::try_from(row.events).unwrap_or(0), "{}", row.id.0);
        }
        usize::try_from(events).unwrap_or(0)
    }
}

/// Appends one to four events to some account, again and again; what is not answered is sent again.
async fn write(store: PostgresStore, writing: Arc<AtomicBool>, next: Arc<AtomicU64>, mut dice: Dice) -> Position {
    let mut last = Position::START;
    while writing.load(Ordering::Relaxed) {
        let id = account_id(u32::try_from(dice.roll(u64::from(ACCOUNTS))).unwrap_or(0));
        let events = (0..dice.within(1..5)).map(|_| {
            let event = AccountEvent::Moved(movement(next.fetch_add(1, Ordering::Relaxed)));
            NewEvent::encode(&event, Metadata::at(Utc::now())).expect("it can be encoded")
        });
        let append = Append::new(StreamId::new("account", id), Expected::Any, events.collect());
        last = loop {
            match store.append(append.clone()).await {
                Ok(appended) => break appended.position(),
                Err(StoreError::Unavailable(_) | StoreError::OutcomeUnknown { .. }) => {
                    sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("no fault excuses this: {error:?}"),
            }
        };
        sleep(Duration::from_millis(dice.within(5..40))).await;
    }
    last
}

/// Kills so many engines, each at a random moment, with one that follows. `program` is this program, which as
/// `engine URL FILE LEASE` calls [`child`](crate::followers::child).
///
/// # Panics
/// At the first failure; the server's folder is kept then.
pub async fn kills(rounds: u64, seed: u64, program: &Path) -> Option<Tally> {
    let mut scene = Scene::new(seed).await?;
    for round in 1..=rounds {
        let mut process = scene.start(program);
        // Now and then it does not come so far.
        if !scene.dice.one_in(8) {
            process.runs().await;
        }
        // It often has to wait for the lease of the one before it.
        let upto = if scene.dice.one_in(3) { 100 } else { 500 };
        sleep(Duration::from_millis(scene.dice.within(10..upto))).await;
        process.kill();
        scene.poison().await;
        if round % 5 == 0 {
            scene.check().await;
        }
        if round % 100 == 0 {
            println!("engine {round} of {rounds} killed");
        }
    }
    Some(scene.end(program).await)
}

/// Runs three engines at once, and so often one of them is paused for longer than its lease, or killed, or loses its
/// connections, or the server crashes. The clocks of their machines do not matter: only the server's is asked.
///
/// # Panics
/// At the first failure; the server's folder is kept then.
pub async fn pauses(rounds: u64, seed: u64, program: &Path) -> Option<Tally> {
    let mut scene = Scene::new(seed).await?;
    let mut processes: Vec<Process> = (0..3).map(|_| scene.start(program)).collect();
    for process in &mut processes {
        process.runs().await;
    }
    for round in 1..=rounds {
        let some = usize::try_from(scene.dice.roll(3)).unwrap_or(0);
        sleep(Duration::from_millis(scene.dice.within(10..150))).await;
        match scene.dice.roll(8) {
            0 => {
                processes[some].kill();
                processes[some] = scene.start(program);
            }
            1 => {
                let end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'engine'";
                reconnect(&scene.url).await.execute(end).await.expect("they can be ended");
            }
            fate => {
                let paused = if fate == 2 { vec![some, (some + 1) % 3] } else { vec![some] };
                for &process in &paused {
                    processes[process].signal("-STOP");
                }
                sleep(LEASE.mul_f64(1.1) + Duration::from_millis(scene.dice.within(0..500))).await;
                for &process in &paused {
                    processes[process].signal("-CONT");
                }
            }
        }
        if round % 16 == 8 {
            let server = Arc::clone(&scene.server);
            spawn_blocking(move || server.crash_and_start()).await.expect("the fault");
        }
        scene.poison().await;
        scene.check().await;
        if round % 20 == 0 {
            println!("pause {round} of {rounds}");
        }
    }
    drop(processes);
    Some(scene.end(program).await)
}
