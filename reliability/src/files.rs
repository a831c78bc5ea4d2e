//! The embedded store: processes that write to one file are killed, again and again, or its disk is full for a while. Whatever
//! was acknowledged is there, once, in order; and the file can be opened at once.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use es_sqlite::{SqliteConfig, SqliteStore};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};

use crate::{
    audit::Audit,
    dice::Dice,
    disk::{self, Mounted},
    kills::{self, Heard, SIZE},
    reader::Reader,
    request::{Bank, Request, TOKENS},
    tally::Tally,
    witness::Witness,
};

const WRITERS: u64 = 12;
/// The disk of a file that is to be filled up.
const MEGABYTES: u32 = 64;

/// A folder for one file; kept when something fails.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("es-files-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept: {}", self.0.display());
        } else {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

async fn open(path: &Path) -> SqliteStore {
    // Two who write all the time wait for each other.
    let config = SqliteConfig::new().lock_timeout(Duration::from_secs(30));
    SqliteStore::open_with(path, config).await.expect("the file can be opened, whoever was killed")
}

/// The process that is to be killed, as [`kills::child`] is.
///
/// # Panics
/// When the file cannot be opened, or the store says what no fault excuses.
pub async fn child(path: &Path, round: u64) {
    kills::send(Bank::new(open(path).await), round).await;
}

/// A file, the processes that write to it, and what they were told.
struct Scene<'a> {
    program: &'a Path,
    path: PathBuf,
    witness: Arc<Witness>,
    heard: Heard,
    /// How many processes have been started.
    started: u64,
}

impl Scene<'_> {
    /// Lets so many processes write until they are killed, or, where no time is given, until all is answered. What earlier ones
    /// had under way they send again, each a part of it.
    async fn write(&mut self, processes: u64, killed_after: impl Fn() -> Option<Duration>) {
        let under_way = self.heard.under_way.clone();
        self.heard.again += u64::try_from(under_way.len()).unwrap_or(0);
        let mut listening = JoinSet::new();
        for process in 0..processes {
            let killed_after = killed_after();
            self.started += 1;
            let number = if killed_after.is_some() { self.started } else { 0 }.to_string();
            let words = [OsStr::new("file"), self.path.as_os_str(), OsStr::new(&number)];
            let part = under_way.iter().copied().filter(|first| first / TOKENS % processes == process);
            let child = kills::start(self.program, &words, part);
            listening.spawn_blocking(move || kills::listen(child, killed_after));
        }
        while let Some(lines) = listening.join_next().await {
            for line in lines.expect("a listener") {
                // A line that is cut off is one of which nobody has heard.
                let _ = self.heard.take(&line, &self.witness);
            }
        }
        for &first in self.heard.under_way.difference(&under_way) {
            self.witness.together(Request::of(first, SIZE).tokens());
        }
    }
}

/// Kills the processes of so many rounds: one, or every third time two at different moments. `program` is this program, which
/// as `file PATH ROUND` calls [`child`]. Every tenth file is a new one, so that some are killed while they make it.
///
/// # Panics
/// At the first failure; the folder is kept then.
pub async fn kills(rounds: u64, seed: u64, program: &Path) -> Tally {
    let began = Instant::now();
    let mut dice = Dice::new(seed);
    let (mut events, mut again, mut processes) = (0, 0, 0);
    let counts = Arc::new(Witness::default());
    for first in (0..rounds).step_by(10) {
        let folder = Folder::new();
        let witness = Arc::new(Witness::default());
        let path = folder.0.join("events.db");
        let mut scene =
            Scene { program, path: path.clone(), witness: Arc::clone(&witness), heard: Heard::default(), started: 0 };
        let last = (first + 10).min(rounds);
        for round in first..last {
            // The first are killed while they open the file.
            let longest = if round < first + 3 { 60 } else { 600 };
            let times = [dice.within(5..longest), dice.within(5..longest)].map(Duration::from_millis);
            let writing = if round % 3 == 2 { 2 } else { 1 };
            let next = AtomicU64::new(0);
            let time = || times.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(0)).copied();
            scene.write(writing, time).await;
            processes += writing;
            let store = open(&path).await;
            let reader = Reader::subscribe("a subscriber", store.clone(), Arc::clone(&witness));
            let audit = Audit::of_store(&store, &witness, &[&reader]).await;
            drop(reader);
            // Sometimes whoever looked goes away as the others do, and leaves the log as it is.
            if dice.one_in(2) {
                store.close().await;
            }
            println!(
                "kill {} of {rounds}: {} events, {} under way",
                round + 1,
                audit.events,
                scene.heard.under_way.len()
            );
        }
        scene.write(1, || None).await;
        if !scene.heard.under_way.is_empty() {
            witness.accuse(format_args!("sent again and not answered: {:?}", scene.heard.under_way));
        }
        let store = open(&path).await;
        events += Audit::of_store(&store, &witness, &[]).await.events;
        again += scene.heard.again;
        counts.counts.add(&witness.counts);
        store.close().await;
    }
    Tally::new(began, events, &counts).with("sent again", again).with("processes killed", processes)
}

/// Runs so many rounds in which the disk of a file is full for a while; `None` where none can be mounted.
///
/// # Panics
/// At the first failure; the folder is kept then.
pub async fn full(rounds: u64, seed: u64) -> Option<Tally> {
    let mounted = Mounted::new(MEGABYTES)?;
    let path = mounted.0.join("events.db");
    let began = Instant::now();
    let witness = Arc::new(Witness::default());
    let stores = [open(&path).await, open(&path).await];
    let reader = Reader::subscribe("a subscriber", stores[1].clone(), Arc::clone(&witness));
    let (mut dice, mut audit) = (Dice::new(seed), Audit::default());
    let next = Arc::new(AtomicU64::new(1));
    for round in 1..=rounds {
        let writing = Arc::new(AtomicBool::new(true));
        let mut writers = JoinSet::new();
        for number in 0..WRITERS {
            let bank = Bank::new(stores[usize::from(number % 4 == 0)].clone());
            let (witness, next, writing) = (Arc::clone(&witness), Arc::clone(&next), Arc::clone(&writing));
            writers.spawn(async move {
                while writing.load(Ordering::Relaxed) && witness.accusation().is_none() {
                    Request::of(next.fetch_add(TOKENS, Ordering::Relaxed), SIZE).settle(&bank, &witness).await;
                }
            });
        }
        sleep(Duration::from_millis(dice.within(50..300))).await;
        let folder = mounted.0.clone();
        let filled = spawn_blocking(move || disk::fill_up(&folder)).await.expect("it is full");
        sleep(Duration::from_millis(dice.within(200..800))).await;
        fs::remove_file(filled).expect("it can be removed");
        sleep(Duration::from_millis(dice.within(50..200))).await;
        writing.store(false, Ordering::Relaxed);
        while let Some(writer) = writers.join_next().await {
            writer.expect("a writer");
        }
        witness.check();
        audit = Audit::of_store(&stores[0], &witness, &[&reader]).await;
        println!("round {round} of {rounds}, full disk: {} events", audit.events);
    }
    drop(reader);
    for store in stores {
        store.close().await;
    }
    let again = open(&path).await;
    Audit::of_store(&again, &witness, &[]).await;
    again.close().await;
    Some(Tally::new(began, audit.events, &witness))
}
