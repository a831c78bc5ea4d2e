//! Load, a fault in the middle of it, and an audit; again and again, on the same stores in the same process.

use std::{
    fmt,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use es_core::recorded::StreamVersion;
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::server::Server;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};

use crate::{
    audit::Audit,
    dice::Dice,
    reader::{Reader, Table, reconnect},
    request::{Bank, Request, Size, TOKENS},
    tally::Tally,
    transactions::Writer,
    witness::Witness,
};

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `pg_ctl stop --mode=immediate`: no checkpoint, no good-bye.
    ImmediateStop,
    /// SIGKILL to all of its processes.
    Kill,
    /// SIGKILL to one of its processes: the server ends all others, and recovers by itself.
    KillOne,
    /// `pg_ctl stop --mode=fast`: as an operator would.
    Restart,
    /// SIGSTOP to all of its processes, and SIGCONT after a while.
    Pause,
    /// All connections are ended, and others take all the places.
    Crowd,
    /// There is no room on its disk for a while; for servers on a disk of their own.
    FullDisk,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ImmediateStop => "immediate stop",
            Self::Kill => "kill",
            Self::KillOne => "kill of one process",
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::Crowd => "crowd",
            Self::FullDisk => "full disk",
        })
    }
}

const SIZE: Size = Size { accounts: 60, events: 4, all_keyed: false };
/// After so many rounds the audit begins at the first event again.
const FULL_AUDIT: u64 = 20;

/// Who writes in a round.
struct Load {
    url: String,
    banks: [Bank; 2],
    witness: Arc<Witness>,
    next: Arc<AtomicU64>,
    writing: Arc<AtomicBool>,
}

impl Load {
    /// Tokens for one request after the other, while the round lasts.
    fn tokens(&self) -> impl FnMut() -> Option<u64> + Send + 'static {
        let (next, writing, witness) = (Arc::clone(&self.next), Arc::clone(&self.writing), Arc::clone(&self.witness));
        move || {
            let goes_on = writing.load(Ordering::Relaxed) && witness.accusation().is_none();
            goes_on.then(|| next.fetch_add(TOKENS, Ordering::Relaxed))
        }
    }

    /// Starts the writers: all of them, or only transactions, so that nobody else's commit takes theirs to the disk.
    fn start(&self, seed: u64, alone: bool) -> JoinSet<()> {
        self.writing.store(true, Ordering::Relaxed);
        let mut writers = JoinSet::new();
        for number in 0..if alone { 0 } else { 20 } {
            let bank = self.banks[usize::from(number % 4 == 0)].clone();
            let (witness, mut next) = (Arc::clone(&self.witness), self.tokens());
            let mut dice = Dice::of(seed, number);
            writers.spawn(async move {
                let mut known = StreamVersion::EMPTY;
                while let Some(first) = next() {
                    let mut request = Request::of(first, SIZE);
                    if dice.one_in(8) {
                        request = request.at(|_| known);
                    }
                    let places = request.settle(&bank, &witness).await;
                    known = places.last().map_or(known, |place| StreamVersion::new(place.version));
                }
            });
        }
        for number in 20..25 {
            let writer = Writer {
                url: self.url.clone(),
                bank: self.banks[0].clone(),
                size: SIZE,
                witness: Arc::clone(&self.witness),
                dice: Dice::of(seed, number),
                hasty: alone || number == 20,
            };
            let next = self.tokens();
            if number < 23 {
                writers.spawn(writer.append_within(next));
            } else if !alone {
                writers.spawn(writer.prepare(next));
            }
        }
        writers
    }
}

/// Runs so many rounds, with each fault in its turn.
///
/// # Panics
/// At the first failure; the server's folder is kept then.
pub async fn run(rounds: u64, faults: &[Fault], seed: u64) -> Option<Tally> {
    Some(run_on(Server::start()?, rounds, faults, seed).await)
}

pub(crate) async fn run_on(server: Server, rounds: u64, faults: &[Fault], seed: u64) -> Tally {
    let server = Arc::new(server);
    let began = Instant::now();
    let witness = Arc::new(Witness::default());
    let url = server.url();
    let config = || PostgresConfig::new().acquire_timeout(Duration::from_secs(1));
    let open = async |config| PostgresStore::connect_with(&url, config).await.expect("the server is there");
    let store = open(config()).await;
    store.migrate().await.expect("it can be migrated");
    let small = open(config().max_connections(2)).await;
    let load = Load {
        url: url.clone(),
        banks: [Bank::new(store.clone()), Bank::new(small.clone())],
        witness: Arc::clone(&witness),
        next: Arc::new(AtomicU64::new(1)),
        writing: Arc::default(),
    };
    let subscribers = [
        Reader::subscribe("a subscriber", store.clone(), Arc::clone(&witness)),
        Reader::subscribe("a subscriber of another store", small.clone(), Arc::clone(&witness)),
        Reader::poll("a reader", small, Arc::clone(&witness)),
    ];
    let readers: Vec<_> = subscribers.iter().collect();
    let table = Table::keep(url.clone(), store.clone(), Arc::clone(&witness)).await;
    let mut dice = Dice::new(seed);
    let mut audit = Audit::default();
    for round in 1..=rounds {
        let fault = faults[usize::try_from(round).unwrap_or(0) % faults.len()];
        let mut writers = load.start(seed.wrapping_add(round), round % 4 == 2);
        sleep(Duration::from_millis(dice.within(150..900))).await;
        happen(&server, fault, &mut dice).await;
        sleep(Duration::from_millis(dice.within(50..300))).await;
        load.writing.store(false, Ordering::Relaxed);
        while let Some(writer) = writers.join_next().await {
            writer.expect("a writer");
        }
        witness.check();
        if round.is_multiple_of(FULL_AUDIT) || round == rounds {
            audit = Audit::all(&url, &store, &witness, &readers).await;
            audit.table(&mut reconnect(&url).await, &witness).await;
        } else {
            audit.go_on(&url, &witness, &readers).await;
        }
        println!("round {round} of {rounds}, {fault}: {} events", audit.events);
    }
    drop((subscribers, table));
    store.close().await;
    Tally::new(began, audit.events, &witness)
}

async fn happen(server: &Arc<Server>, fault: Fault, dice: &mut Dice) {
    let lasts = Duration::from_millis(dice.within(200..2_500));
    match fault {
        Fault::Crowd => return crowd(&server.url(), lasts / 2).await,
        Fault::KillOne => return kill_one(&server.url()).await,
        _ => {}
    }
    let server = Arc::clone(server);
    let done = spawn_blocking(move || match fault {
        Fault::ImmediateStop => server.crash_and_start(),
        Fault::Kill => {
            server.kill();
            server.go();
        }
        Fault::Restart => server.restart(),
        Fault::Pause => {
            server.pause();
            std::thread::sleep(lasts);
            server.resume();
        }
        Fault::FullDisk => {
            let file = crate::disk::fill(&server);
            std::thread::sleep(lasts);
            std::fs::remove_file(file).expect("it can be removed");
            // Where its log had no room, the server has given up.
            if !server.is_up() {
                server.go();
            }
        }
        Fault::Crowd | Fault::KillOne => {}
    });
    done.await.expect("the fault");
}

/// Kills the process behind any connection, and waits until the server has noticed.
async fn kill_one(url: &str) {
    let mut connection = reconnect(url).await;
    let some = "select pid from pg_stat_activity
                where backend_type = 'client backend' and pid <> pg_backend_pid() order by random() limit 1";
    let pid: i32 = sqlx::query_scalar(some).fetch_one(&mut connection).await.expect("others are connected");
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()), "process {pid} cannot be killed");
    while connection.ping().await.is_ok() {
        sleep(Duration::from_millis(5)).await;
    }
    drop(reconnect(url).await);
}

/// Ends the connections of all others, and takes their places for a while.
async fn crowd(url: &str, lasts: Duration) {
    let mut crowd = Vec::new();
    while let Ok(connection) = PgConnection::connect(&format!("{url}?application_name=crowd")).await {
        crowd.push(connection);
    }
    let end = "select pg_terminate_backend(pid) from pg_stat_activity
               where backend_type = 'client backend' and application_name <> 'crowd'";
    crowd[0].execute(end).await.expect("they can be ended");
    while let Ok(connection) = PgConnection::connect(&format!("{url}?application_name=crowd")).await {
        crowd.push(connection);
    }
    sleep(lasts).await;
    for connection in crowd {
        let _ = connection.close().await;
    }
}
