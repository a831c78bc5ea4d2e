//! Copies out of a file that is written to all the time, into another file and onto a server. The processes that copy are
//! killed, again and again, one or two at a time. Whatever stands in a target is the beginning of what is in the source, and in
//! the end it is all of it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use es_core::{
    copy::{CopiedEvent, CopyError, CopyStore, copy},
    event::EventSchema,
    recorded::{Metadata, Position, StreamId},
    store::{Append, EventStore, Expected, ListStreams, NewEvent, ReadAll},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_sqlite::SqliteStore;
use es_tests::server::Server;
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    dice::Dice,
    files::{Folder, open},
    tally::Tally,
    witness::Witness,
};

const WRITERS: u64 = 4;
/// So many events are there before anything is copied.
const BEGUN_WITH: usize = 1_500;
/// After so many kills the source and the targets are new ones.
const ROUNDS: u64 = 10;

async fn connect(url: &str) -> PostgresStore {
    PostgresStore::connect_with(url, PostgresConfig::new().max_connections(2)).await.expect("the server is there")
}

/// The process that is to be killed: copies a file into a target, the path of a file or the URL of a server, for ever.
///
/// # Panics
/// When a copy ends in a way that no kill excuses.
pub async fn child(source: &Path, target: &str, seed: u64) {
    let source = open(source).await;
    let mut dice = Dice::new(seed);
    if target.starts_with("postgres://") {
        copy_for_ever(&source, &connect(target).await, &mut dice).await;
    } else {
        copy_for_ever(&source, &open(Path::new(target)).await, &mut dice).await;
    }
}

async fn copy_for_ever(source: &impl CopyStore, target: &impl CopyStore, dice: &mut Dice) {
    loop {
        let batch = usize::try_from(dice.within(1..60)).unwrap_or(1);
        match copy(source, target).batch(batch).await {
            // Of two at once one loses; and a batch of one that was killed may have been stored just now.
            Ok(_) | Err(CopyError::Overtaken) => {}
            Err(error) if error.is_unavailable() => sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn event(number: u64) -> NewEvent {
    let payload = format!(r#"{{"number":{number},"b":[1.50,{{"z":null,"aa":-7}}],"a":"ä \"\n"}}"#);
    NewEvent::new(EventSchema::new("Moved", 1), payload, Metadata::at(Utc::now()))
}

fn append(stream: String, events: u64) -> Append {
    Append::new(StreamId::new("account", stream), Expected::Any, (0..events).map(event).collect())
}

/// Appends in every form, and archives and restores, until it is told to end. Answers what it sent under a key.
async fn write(store: SqliteStore, number: u64, seed: u64, writing: Arc<AtomicBool>) -> Vec<Append> {
    let (mut dice, mut keyed) = (Dice::of(seed, number), Vec::new());
    while writing.load(Ordering::Relaxed) {
        let stream = format!("{number}-{}", dice.roll(8));
        match dice.roll(8) {
            0 => {
                let both = vec![append(stream, dice.within(1..4)), append("shared".to_owned(), 1)];
                store.append_all(both).await.expect("appends");
            }
            1 => {
                let old = StreamId::new("account", format!("old-{number}-{}", dice.roll(3)));
                let first = Append::new(old.clone(), Expected::NoStream, vec![event(0)]);
                // It may be there already.
                let _ = store.append(first).await;
                let changed = if dice.one_in(3) { store.restore(old).await } else { store.archive(old).await };
                changed.expect("it is there");
            }
            2..5 => {
                let append = append(stream, dice.within(1..5)).idempotency_key(format!("{number} {}", keyed.len()));
                store.append(append.clone()).await.expect("an append");
                keyed.push(append);
            }
            _ => drop(store.append(append(stream, dice.within(1..5))).await.expect("an append")),
        }
        sleep(Duration::from_millis(dice.roll(6))).await;
    }
    keyed
}

/// All that would be copied, as it is the same in every store: without positions, and with JSON as what it says.
async fn everything(store: &impl CopyStore) -> Vec<(CopiedEvent, [serde_json::Value; 2])> {
    let (mut events, mut read) = (Vec::new(), ReadAll::after(Position::START));
    loop {
        let page = store.read_copy(&read).await.expect("a page");
        for mut copied in page.events {
            let json = [&mut copied.event.payload, &mut copied.event.metadata]
                .map(|text| serde_json::from_slice(&std::mem::take(text)).expect("JSON"));
            copied.event.position = Position::START;
            events.push((copied, json));
        }
        if !page.more {
            return events;
        }
        read = read.go_on(page.upto);
    }
}

async fn archived(store: &impl EventStore) -> Vec<(StreamId, Option<DateTime<Utc>>)> {
    let list = store.streams(ListStreams::all().only_archived());
    list.map_ok(|info| (info.stream, info.archived_at)).try_collect().await.expect("a list")
}

async fn come(target: &impl CopyStore) -> usize {
    let progress = target.copy_progress().await.expect("it can be asked");
    progress.map_or(0, |progress| usize::try_from(progress.events).unwrap_or(usize::MAX))
}

/// That a target is the beginning of the source, and is so far as it says. Answers how far that is.
async fn check_beginning(source: &impl CopyStore, target: &impl CopyStore) -> usize {
    let before = come(target).await;
    let here = everything(target).await;
    // On a server the last batch of a process that was killed may be stored just now.
    assert!((before..=come(target).await).contains(&here.len()), "it says that it has come to {before}");
    let there = everything(source).await;
    assert!(there.starts_with(&here), "the target is not the beginning of the source");
    here.len()
}

/// Copies the rest, and holds all against all, without the means of the copy.
async fn check_all(source: &SqliteStore, target: &impl CopyStore, keyed: &[Append]) {
    let report = loop {
        match copy(source, target).await {
            Ok(report) => break report,
            Err(CopyError::Overtaken) => {}
            Err(error) => panic!("{error:?}"),
        }
    };
    let (there, here) = (everything(source).await, everything(target).await);
    assert!(there == here, "the target is not what the source is");
    assert_eq!((report.events, report.verified), (here.len() as u64, here.len() as u64));
    assert_eq!(archived(source).await, archived(target).await);
    let again = copy(source, target).await.expect("there is nothing to copy");
    assert_eq!((again.copied, again.hash), (0, report.hash));
    for append in keyed {
        let (first, answer) = (source.append(append.clone()).await, target.append(append.clone()).await);
        let (first, answer) = (first.expect("a repeat"), answer.expect("a repeat"));
        assert!(answer.replayed, "it was stored once more: {append:?}");
        let ids =
            |appended: &es_core::store::Appended| appended.events.iter().map(|it| it.event_id).collect::<Vec<_>>();
        assert_eq!(ids(&first), ids(&answer));
    }
}

/// What came of all kills.
#[derive(Default)]
struct Figures {
    killed: u64,
    /// Whose target was behind its source when they were killed.
    in_the_midst: u64,
    moved: u64,
    events: usize,
}

/// A source, its targets, and the program that copies.
struct Scene<'a> {
    program: &'a Path,
    folder: Folder,
    url: Option<String>,
    source: SqliteStore,
    figures: &'a mut Figures,
}

impl Scene<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    fn start(&self, target: &str, seed: u64) -> Child {
        let mut command = Command::new(self.program);
        command.arg("copy").arg(self.path("source.db")).arg(target).arg(seed.to_string());
        command.spawn().expect("the program runs")
    }

    /// Lets one process copy, or two, and kills them.
    async fn kill(&mut self, round: u64, dice: &mut Dice, target: &impl CopyStore, name: &str) {
        let before = come(target).await;
        let mut children: Vec<_> =
            (0..if round % 4 == 3 { 2 } else { 1 }).map(|_| self.start(name, dice.roll(1 << 32))).collect();
        for child in &mut children {
            sleep(Duration::from_millis(dice.within(30..500))).await;
            assert!(child.try_wait().expect("its state").is_none(), "the child ended by itself");
            child.kill().expect("it can be killed");
            child.wait().expect("its end");
            self.figures.killed += 1;
        }
        let here = check_beginning(&self.source, target).await;
        let there = everything(&self.source).await.len();
        self.figures.in_the_midst += u64::from(here < there);
        self.figures.moved += u64::from(here > before);
        println!("copy killed {round}: {here} of {there} events, {before} before");
    }

    /// So many kills, while the source is written to, and the rest of the copies.
    async fn run(&mut self, rounds: std::ops::Range<u64>, dice: &mut Dice) {
        for _ in 0..BEGUN_WITH / 5 {
            self.source.append(append(format!("first-{}", dice.roll(9)), 5)).await.expect("an append");
        }
        let (writing, seed) = (Arc::new(AtomicBool::new(true)), dice.roll(1 << 32));
        let mut writers = JoinSet::new();
        for number in 0..WRITERS {
            writers.spawn(write(self.source.clone(), number, seed, Arc::clone(&writing)));
        }
        let name = self.path("target.db").to_str().expect("the path is text").to_owned();
        let target = open(Path::new(&name)).await;
        let server = match &self.url {
            Some(url) => Some((connect(url).await, url.clone())),
            None => None,
        };
        if let Some((server, _)) = &server {
            server.migrate().await.expect("it can be migrated");
        }
        for round in rounds {
            match &server {
                Some((server, url)) if dice.one_in(3) => self.kill(round, dice, server, url).await,
                _ => self.kill(round, dice, &target, &name).await,
            }
        }
        writing.store(false, Ordering::Relaxed);
        let keyed = writers.join_all().await.concat();
        check_all(&self.source, &target, &keyed).await;
        if let Some((server, _)) = &server {
            check_all(&self.source, server, &keyed).await;
            server.close().await;
        }
        self.figures.events += everything(&self.source).await.len();
        target.close().await;
        self.source.close().await;
    }
}

/// Kills so many processes that copy a file, the same number each time; where there is a PostgreSQL a third of them copy onto a
/// server. `program` is this program, which as `copy SOURCE TARGET SEED` calls [`child`].
///
/// # Panics
/// At the first failure; the folder is kept then.
pub async fn kills(rounds: u64, seed: u64, program: &Path) -> Tally {
    let (began, mut dice, server) = (Instant::now(), Dice::new(seed), Server::start());
    let mut figures = Figures::default();
    for first in (0..rounds).step_by(usize::try_from(ROUNDS).unwrap_or(1)) {
        let folder = Folder::new();
        let url = match &server {
            Some(server) => {
                let create = AssertSqlSafe(format!("create database copy_{first}"));
                server.connect().await.execute(create).await.expect("a database");
                server.url().rsplit_once('/').map(|(server, _)| format!("{server}/copy_{first}"))
            }
            None => None,
        };
        let source = open(&folder.0.join("source.db")).await;
        let mut scene = Scene { program, folder, url, source, figures: &mut figures };
        scene.run(first..(first + ROUNDS).min(rounds), &mut dice).await;
    }
    let Figures { killed, in_the_midst, moved, events } = figures;
    Tally::new(began, events, &Witness::default())
        .with("in the midst", in_the_midst)
        .with("after a step", moved)
        .with("processes killed", killed)
}
