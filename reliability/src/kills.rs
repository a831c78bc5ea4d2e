//! A process that writes and is killed, again and again. What it was told it has passed on before; what it had under
//! way, the next one sends again.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fmt::Write as _,
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use es_core::{EventStore, recorded::EventId};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::server::Server;
use sqlx::PgConnection;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};

use crate::{
    audit::Audit,
    dice::Dice,
    reader::{Reader, reconnect},
    request::{Bank, Request, Size, TOKENS},
    tally::Tally,
    witness::{Place, Witness},
};

pub(crate) const SIZE: Size = Size { accounts: 40, events: 5, all_keyed: true };
const WRITERS: u64 = 12;
/// Tokens for one process.
const PER_CHILD: u64 = 1 << 32;

/// The process that is to be killed: sends again what it is told on its input, and more of its own, for ever; `rounds` is
/// 0 for the last one, which only sends again, and ends.
///
/// # Panics
/// When the server is not there, or says what no fault excuses.
pub async fn child(url: &str, round: u64) {
    let store = PostgresStore::connect_with(url, PostgresConfig::new().max_connections(6)).await.expect("a store");
    send(Bank::new(store), round).await;
}

/// Sends what it is told, and more for ever, but in round 0.
pub(crate) async fn send<S: EventStore>(bank: Bank<S>, round: u64) {
    let witness = Arc::new(Witness::default());
    let again: Vec<u64> = io::stdin().lines().map(|line| line.expect("a line").parse().expect("a number")).collect();
    let mut writers = JoinSet::new();
    for first in again {
        let (bank, witness) = (bank.clone(), Arc::clone(&witness));
        writers.spawn(async move { write(first, &bank, &witness).await });
    }
    let next = Arc::new(AtomicU64::new(round * PER_CHILD + 1));
    for _ in 0..if round == 0 { 0 } else { WRITERS } {
        let (bank, witness, next) = (bank.clone(), Arc::clone(&witness), Arc::clone(&next));
        writers.spawn(async move {
            loop {
                let first = next.fetch_add(TOKENS, Ordering::Relaxed);
                say(&format!("try {first}\n"));
                write(first, &bank, &witness).await;
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.expect("a writer");
    }
}

async fn write(first: u64, bank: &Bank<impl EventStore>, witness: &Witness) {
    let places = Request::of(first, SIZE).settle(bank, witness).await;
    witness.check();
    let mut told = format!("done {first}");
    for Place { token, account, version, position, event_id } in places {
        let _ = write!(told, " {token} {account} {version} {position} {event_id}");
    }
    told.push('\n');
    say(&told);
}

/// In one piece: it is short enough for a pipe to take it whole.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    // Who listens may be gone before this process is.
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

/// What was asked for and not answered, and what was answered.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) under_way: BTreeSet<u64>,
    pub(crate) again: u64,
}

impl Heard {
    /// Takes one line; the last one of a killed process may be cut off.
    pub(crate) fn take(&mut self, line: &str, witness: &Witness) -> Option<()> {
        let mut words = line.split(' ');
        let what = words.next()?;
        let first = words.next()?.parse().ok()?;
        if what == "try" {
            self.under_way.insert(first);
            return Some(());
        }
        let words: Vec<&str> = words.collect();
        let mut places = Vec::new();
        for place in words.chunks(5) {
            let [token, account, version, position, event_id] = place else { return None };
            places.push(Place {
                token: token.parse().ok()?,
                account: account.parse().ok()?,
                version: version.parse().ok()?,
                position: position.parse().ok()?,
                event_id: EventId::from_uuid(event_id.parse().ok()?),
            });
        }
        witness.acknowledged(&places);
        self.under_way.remove(&first);
        Some(())
    }
}

/// Kills so many processes. `program` is this program, which as `child URL ROUND` calls [`child`].
///
/// # Panics
/// At the first failure; the server's folder is kept then.
pub async fn run(rounds: u64, seed: u64, program: &Path) -> Option<Tally> {
    let server = Server::start()?;
    let began = Instant::now();
    let witness = Arc::new(Witness::default());
    let url = server.url();
    let store = PostgresStore::connect(&url).await.expect("the server is there");
    store.migrate().await.expect("it can be migrated");
    let reader = Reader::subscribe("a subscriber", store.clone(), Arc::clone(&witness));
    let mut dice = Dice::new(seed);
    let mut heard = Heard::default();
    let mut audit = Audit::default();
    for round in 1..=rounds + 1 {
        let last = round > rounds;
        let under_way = heard.under_way.clone();
        heard.again += u64::try_from(under_way.len()).unwrap_or(0);
        let (child_url, number) = (format!("{url}?application_name=child"), if last { 0 } else { round }.to_string());
        let words = ["child", child_url.as_str(), number.as_str()].map(OsStr::new);
        let started = start(program, &words, under_way.iter().copied());
        let killed_after = (!last).then(|| Duration::from_millis(dice.within(200..900)));
        let lines = spawn_blocking(move || listen(started, killed_after)).await.expect("a listener");
        for line in &lines {
            // A line that is cut off is one of which nobody has heard.
            let _ = heard.take(line, &witness);
        }
        are_gone(&mut reconnect(&url).await).await;
        for &first in heard.under_way.difference(&under_way) {
            witness.together(Request::of(first, SIZE).tokens());
        }
        if last && !heard.under_way.is_empty() {
            witness.accuse(format_args!("sent again and not answered: {:?}", heard.under_way));
        }
        if round % 20 == 0 || last {
            audit = Audit::all(&url, &store, &witness, &[&reader]).await;
        } else {
            audit.go_on(&url, &witness, &[&reader]).await;
        }
        println!(
            "kill {} of {rounds}: {} events, {} under way",
            round.min(rounds),
            audit.events,
            heard.under_way.len()
        );
    }
    drop(reader);
    store.close().await;
    Some(Tally::new(began, audit.events, &witness).with("sent again", heard.again))
}

/// Starts a process, and tells it what to send again.
pub(crate) fn start(program: &Path, words: &[&OsStr], under_way: impl IntoIterator<Item = u64>) -> Child {
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut input = child.stdin.take().expect("a pipe");
    for first in under_way {
        writeln!(input, "{first}").expect("the child listens");
    }
    child
}

/// All that a process says until it is killed, or ends.
pub(crate) fn listen(mut child: Child, killed_after: Option<Duration>) -> Vec<String> {
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let listener = std::thread::spawn(move || output.lines().map_while(Result::ok).collect());
    if let Some(time) = killed_after {
        std::thread::sleep(time);
        assert!(child.try_wait().expect("its state").is_none(), "the child ended by itself");
        child.kill().expect("it can be killed");
    }
    let status = child.wait().expect("its end");
    assert!(killed_after.is_some() || status.success(), "the last child failed: {status}");
    listener.join().expect("the listener")
}

/// Waits until the server has noticed: what a killed process had sent is done until then.
async fn are_gone(connection: &mut PgConnection) {
    let left = "select count(*) from pg_stat_activity where application_name = 'child'";
    while sqlx::query_scalar::<_, i64>(left).fetch_one(&mut *connection).await.expect("a look") > 0 {
        sleep(Duration::from_millis(5)).await;
    }
}
