//! Many writers on few and on many streams, and all that can happen to them at once; at the end every event is counted.

mod several;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{append, open_with, raw, read_all};
use es_core::{
    event::EventSchema,
    recorded::{EventId, Metadata, Position, StreamVersion},
    store::{Append, EventStore as _, Expected, NewEvent, StoreError},
};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{sleep, timeout};

const TIME: Duration = Duration::from_secs(6);
/// Each with connections of its own, as processes would have.
const STORES: u64 = 3;
const WRITERS: u64 = 40;
/// Writers to several streams by one request, and as many by transactions of their own.
const SEVERAL: u64 = 3;

/// What a caller was told about an append, or knows by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// It stands at this version and those that follow.
    Stored(u64),
    /// It was not stored, and never will be.
    NotStored,
    /// Nothing: the caller went away, or the outcome could not be found out.
    Nothing,
}

#[derive(Debug)]
struct Record {
    stream: String,
    ids: Vec<EventId>,
    told: Told,
}

/// How often each thing happened that the test is about.
#[derive(Debug, Default)]
struct Happened {
    stored: AtomicUsize,
    replayed: AtomicUsize,
    conflicts: AtomicUsize,
    refused: AtomicUsize,
    unavailable: AtomicUsize,
    unknown: AtomicUsize,
    cancelled: AtomicUsize,
    /// Appends to several streams, and transactions with appends in them.
    groups: AtomicUsize,
    within: AtomicUsize,
    retried: AtomicUsize,
    kills: AtomicUsize,
    holds: AtomicUsize,
}

fn one_more(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

pub(crate) async fn nothing_is_lost_doubled_or_out_of_order_whatever_happens(database: Database) {
    let happened = Arc::new(Happened::default());
    let writing = Arc::new(AtomicBool::new(true));
    let end = Instant::now() + TIME;
    let mut stores = Vec::new();
    let mut writers = Vec::new();
    let mut of_several = Vec::new();
    for number in 0..STORES {
        // Two of them have one lane, so that their batches are large.
        let connections = if number == 0 { 10 } else { 2 };
        let set = |config: es_postgres::PostgresConfig| {
            config.lock_timeout(Duration::from_millis(400)).max_connections(connections)
        };
        let store = open_with(&database, set).await;
        for writer in 0..WRITERS {
            let random = Random::new(number * WRITERS + writer + 1);
            writers.push(tokio::spawn(write(store.clone(), random, end, Arc::clone(&happened))));
        }
        for writer in 0..SEVERAL {
            let random = || Random::new(1_000 + number * SEVERAL + writer);
            of_several.push(tokio::spawn(several::together(store.clone(), random(), end, Arc::clone(&happened))));
            let url = database.url().to_owned();
            of_several.push(tokio::spawn(several::within(url, store.clone(), random(), end, Arc::clone(&happened))));
        }
        stores.push(store);
    }
    let killer = tokio::spawn(kill(raw(&database).await, end, Arc::clone(&happened)));
    let mut holders = Vec::new();
    for number in 0..2 {
        holders.push(tokio::spawn(hold(raw(&database).await, Random::new(700 + number), end, Arc::clone(&happened))));
    }
    let reader = tokio::spawn(crate::order::follow(stores[0].clone(), Arc::clone(&writing)));
    let mut records = Vec::new();
    for writer in writers {
        records.extend(writer.await.expect("a writer"));
    }
    let mut groups = Vec::new();
    for writer in of_several {
        groups.extend(writer.await.expect("a writer to several streams"));
    }
    killer.await.expect("the killer");
    let mut held = HashSet::new();
    for holder in holders {
        held.extend(holder.await.expect("a holder"));
    }
    for store in &stores[1..] {
        store.close().await;
    }
    // What was sent on a connection that was killed may still be on its way.
    sleep(Duration::from_millis(500)).await;
    writing.store(false, Ordering::SeqCst);
    let seen = reader.await.expect("the reader");
    assert_eq!(seen, positions(&stores[0]).await, "a reader that follows sees each event once, in order");
    let mut connection = raw(&database).await;
    let appends = records.len();
    let there = audit(&mut connection, records.iter().chain(groups.iter().flatten()), &held).await;
    several::audit(&groups, &there);
    let transactions = crate::group::transactions(&mut connection).await;
    eprintln!("{appends} appends, {transactions} statements: {happened:?}");
    let done = |counter: &AtomicUsize| i64::try_from(counter.load(Ordering::Relaxed)).unwrap_or(0);
    let transactions = transactions - done(&happened.groups) - done(&happened.within);
    let done = done(&happened.stored);
    assert!(transactions * 4 < done * 3, "{done} appends took {transactions} statements: these are no batches");
    let Happened { conflicts, refused, cancelled, groups, within, retried, kills, holds, .. } = &*happened;
    for (what, counter) in [
        ("conflicts", conflicts),
        ("refused", refused),
        ("cancelled", cancelled),
        ("groups", groups),
        ("within", within),
        ("retried", retried),
        ("kills", kills),
        ("holds", holds),
    ] {
        assert!(counter.load(Ordering::Relaxed) > 0, "there were no {what}: the test does not test them");
    }
}

async fn positions(store: &PostgresStore) -> Vec<u64> {
    read_all(store, Position::START).await.iter().map(|event| event.position.get()).collect()
}

async fn write(store: PostgresStore, mut random: Random, end: Instant, happened: Arc<Happened>) -> Vec<Record> {
    let mut records = Vec::new();
    let mut versions: HashMap<String, u64> = HashMap::new();
    while Instant::now() < end {
        let stream = match random.below(10) {
            0..3 => format!("hot{}", random.below(3)),
            _ => format!("cold{}", random.below(200)),
        };
        let known = versions.get(&stream).copied().unwrap_or(0);
        let expected = match random.below(10) {
            0..5 => Expected::Any,
            5..8 => Expected::Exact(StreamVersion::new(known)),
            8 => Expected::StreamExists,
            _ => Expected::NoStream,
        };
        let mut request = append(&stream, expected, usize::try_from(1 + random.below(4)).unwrap_or(1));
        if random.below(5) == 0 {
            request = request.idempotency_key(uuid::Uuid::now_v7().to_string());
        }
        if random.below(50) == 0 {
            let metadata = Metadata::at(chrono::Utc::now());
            request.events.push(NewEvent::new(EventSchema::new("Tested", 1), "{no json".to_owned(), metadata));
        }
        let told = tell(&store, &request, &mut random, &happened).await;
        match told {
            Ok(told) => {
                if let Told::Stored(first) = told {
                    versions.insert(stream.clone(), first + request.events.len() as u64 - 1);
                }
                let ids = request.events.iter().map(|event| event.metadata.event_id).collect();
                records.push(Record { stream, ids, told });
            }
            Err(actual) => {
                versions.insert(stream.clone(), actual);
                let ids = request.events.iter().map(|event| event.metadata.event_id).collect();
                records.push(Record { stream, ids, told: Told::NotStored });
            }
        }
    }
    records
}

/// Sends an append as a caller would who is sometimes impatient. A conflict gives the actual version.
async fn tell(store: &PostgresStore, request: &Append, random: &mut Random, happened: &Happened) -> Result<Told, u64> {
    // What was sent before may be stored, whatever is said of the next attempt.
    let mut doubtful = random.below(6) == 0;
    if doubtful {
        let limit = Duration::from_micros(random.below(5_000));
        if timeout(limit, store.append(request.clone())).await.is_err() {
            one_more(&happened.cancelled);
            if random.below(2) == 0 {
                return Ok(Told::Nothing);
            }
        }
    }
    for _ in 0..50 {
        match store.append(request.clone()).await {
            Ok(appended) => {
                one_more(if appended.replayed { &happened.replayed } else { &happened.stored });
                let first = appended.events.first().expect("an event").version.get();
                return Ok(Told::Stored(first));
            }
            Err(StoreError::Conflict(conflict)) => {
                one_more(&happened.conflicts);
                return Err(conflict.actual.get());
            }
            Err(StoreError::Backend { .. }) => {
                one_more(&happened.refused);
                return Ok(Told::NotStored);
            }
            Err(StoreError::Unavailable(_)) if doubtful => one_more(&happened.unavailable),
            Err(StoreError::Unavailable(_)) => {
                one_more(&happened.unavailable);
                return Ok(Told::NotStored);
            }
            Err(StoreError::OutcomeUnknown { .. }) => {
                one_more(&happened.unknown);
                doubtful = true;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    Ok(Told::Nothing)
}

/// Ends connections that have appended, some of them in the middle of a batch.
async fn kill(mut connection: PgConnection, end: Instant, happened: Arc<Happened>) {
    let one = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid()
                 and query like '%''lock\\_timeout''%' and state = 'active'
               order by random() limit 1";
    while Instant::now() < end {
        sleep(Duration::from_millis(40)).await;
        let killed: Option<bool> = sqlx::query_scalar(one).fetch_optional(&mut connection).await.expect("a kill");
        if killed == Some(true) {
            one_more(&happened.kills);
        }
    }
}

/// Holds a stream from within a transaction, as users' code does; answers what it has committed.
async fn hold(
    mut connection: PgConnection,
    mut random: Random,
    end: Instant,
    happened: Arc<Happened>,
) -> HashSet<EventId> {
    let mut committed = HashSet::new();
    while Instant::now() < end {
        let stream = if random.below(2) == 0 { "hot0".to_owned() } else { format!("cold{}", random.below(200)) };
        let mut transaction = connection.begin().await.expect("a transaction");
        let id = EventId::from_uuid(uuid::Uuid::now_v7());
        let inserted = sqlx::query(
            "insert into es.events
                 (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
             select 'test', $1, coalesce(max(version), 0) + 1, 'Tested', 1, $2, '{}',
                    '{\"occurred_at\":\"2026-01-01T00:00:00Z\"}'
             from es.events where stream_type = 'test' and stream_id = $1",
        )
        .bind(&stream)
        .bind(id.as_uuid())
        .execute(&mut *transaction)
        .await;
        if inserted.is_err() {
            transaction.rollback().await.expect("a rollback");
            continue;
        }
        one_more(&happened.holds);
        sleep(Duration::from_millis(random.below(12) * 100)).await;
        if random.below(2) == 0 {
            transaction.commit().await.expect("a commit");
            committed.insert(id);
        } else {
            transaction.rollback().await.expect("a rollback");
        }
    }
    committed
}

/// Looks at all that is stored, and answers the ids of it.
async fn audit<'r>(
    connection: &mut PgConnection,
    records: impl Iterator<Item = &'r Record>,
    held: &HashSet<EventId>,
) -> HashSet<EventId> {
    let rows: Vec<(String, i64, i64, uuid::Uuid)> =
        sqlx::query_as("select stream_id, version, position, event_id from es.events order by stream_id, version")
            .fetch_all(connection)
            .await
            .expect("a look past the store");
    let mut places = HashMap::new();
    let mut last = (String::new(), 0, 0);
    for (stream, version, position, id) in rows {
        if stream != last.0 {
            last = (stream.clone(), 0, 0);
        }
        assert_eq!(version, last.1 + 1, "the versions of {stream} have a gap");
        assert!(position > last.2, "the positions of {stream} do not rise with its versions");
        last = (stream.clone(), version, position);
        let id = EventId::from_uuid(id);
        let before = places.insert(id, (stream, version.unsigned_abs()));
        assert!(before.is_none(), "event {id} is stored twice");
    }
    let mut known: HashSet<_> = held.iter().copied().collect();
    for Record { stream, ids, told } in records {
        known.extend(ids.iter().copied());
        let found: Vec<_> = ids.iter().filter_map(|id| places.get(id)).collect();
        assert!(found.is_empty() || found.len() == ids.len(), "{ids:?} is stored in part: {found:?}");
        assert!(found.iter().all(|(at, _)| at == stream), "{ids:?} is stored in another stream: {found:?}");
        assert!(found.windows(2).all(|pair| pair[0].1 + 1 == pair[1].1), "{ids:?} is torn apart: {found:?}");
        match told {
            Told::Stored(first) => {
                assert_eq!(found.first().map(|place| place.1), Some(*first), "{stream} {ids:?} was acknowledged");
            }
            Told::NotStored => assert!(found.is_empty(), "{stream} {ids:?} was refused, and is there: {found:?}"),
            Told::Nothing => {}
        }
    }
    assert!(places.keys().all(|id| known.contains(id)), "there are events that nobody sent");
    places.into_keys().collect()
}
