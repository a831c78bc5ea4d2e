//! Many writers on few and on many streams, in stores that share a file, and all that can happen to them at once; at the end
//! every event is counted.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use es_core::{
    recorded::{EventId, Position, StreamVersion},
    store::{Append, EventStore as _, Expected, NewSnapshot, ReadAll, StoreError},
};
use es_sqlite::{SqliteConfig, SqliteStore};
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::SqliteConnection;
use tokio::time::{sleep, timeout};

use crate::support::{File, append, hold, new_event, positions, read_all, run, stream};

const TIME: Duration = Duration::from_secs(6);
/// Each with connections of its own, as processes would have.
const STORES: u64 = 3;
const WRITERS: u64 = 20;

/// What a caller was told about an append, or knows by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// The first of it stands at this version, and the others behind it.
    Stored(u64),
    /// It was not stored, and never will be.
    NotStored,
    /// Nothing: the caller went away.
    Nothing,
}

#[derive(Debug)]
struct Record {
    stream: String,
    ids: Vec<EventId>,
    told: Told,
}

/// What stands together or not at all.
type Group = Vec<Record>;

/// How often each thing happened that the test is about.
#[derive(Debug, Default)]
struct Happened {
    stored: AtomicUsize,
    replayed: AtomicUsize,
    conflicts: AtomicUsize,
    refused: AtomicUsize,
    unavailable: AtomicUsize,
    cancelled: AtomicUsize,
    groups: AtomicUsize,
    held: AtomicUsize,
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

    fn count(&mut self, bound: u64) -> usize {
        usize::try_from(1 + self.below(bound)).unwrap_or(1)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_out_of_order_whatever_happens() {
    let file = File::new();
    let happened = Arc::new(Happened::default());
    let writing = Arc::new(AtomicBool::new(true));
    let end = Instant::now() + TIME;
    let (mut stores, mut writers) = (Vec::new(), Vec::new());
    for number in 0..STORES {
        // One of them is impatient.
        let patience = Duration::from_millis(if number == 0 { 60 } else { 20_000 });
        let store = file.open_with(SqliteConfig::new().lock_timeout(patience)).await;
        for writer in 0..WRITERS {
            let random = Random::new(number * WRITERS + writer + 1);
            writers.push(tokio::spawn(write(store.clone(), random, end, Arc::clone(&happened))));
        }
        stores.push(store);
    }
    let holder = tokio::spawn(keep(file.raw().await, end, Arc::clone(&happened)));
    let followers: Vec<_> =
        stores.iter().map(|store| tokio::spawn(follow(store.clone(), Arc::clone(&writing)))).collect();
    let mut groups = Vec::new();
    for writer in writers {
        groups.extend(writer.await.expect("a writer"));
    }
    let held = holder.await.expect("the holder");
    // What was sent by callers that are gone is answered by then.
    for store in &stores[1..] {
        store.flush().await;
    }
    stores[0].flush().await;
    writing.store(false, Ordering::SeqCst);
    let there = positions(&read_all(&stores[0], Position::START).await);
    assert_eq!(there, (1..=there.len() as u64).collect::<Vec<_>>(), "positions have no gaps");
    for follower in followers {
        assert_eq!(follower.await.expect("a follower"), there, "who follows sees each event once, in order");
    }
    audit(&mut file.raw().await, &groups, &held).await;
    eprintln!("{} events, {} requests: {happened:?}", there.len(), groups.len());
    let Happened { stored, replayed, conflicts, refused, unavailable, cancelled, groups, held } = &*happened;
    for (what, counter) in [
        ("stored", stored),
        ("replayed", replayed),
        ("conflicts", conflicts),
        ("refused", refused),
        ("unavailable", unavailable),
        ("cancelled", cancelled),
        ("groups", groups),
        ("held", held),
    ] {
        assert!(counter.load(Ordering::Relaxed) > 0, "there were no {what}: the test does not test them");
    }
    for store in stores {
        store.close().await;
    }
}

/// Follows to the end of all writing.
async fn follow(store: SqliteStore, writing: Arc<AtomicBool>) -> Vec<u64> {
    let mut seen: Vec<u64> = Vec::new();
    loop {
        let last = !writing.load(Ordering::SeqCst);
        let events = store.subscribe(ReadAll::after(Position::new(seen.last().copied().unwrap_or(0))));
        let mut events = std::pin::pin!(events);
        // Whoever follows goes away now and then, and comes back.
        let _ = timeout(Duration::from_millis(if last { 1_000 } else { 300 }), async {
            while let Some(event) = events.next().await {
                seen.push(event.expect("a subscription goes on").position.get());
            }
        })
        .await;
        if last {
            return seen;
        }
    }
}

fn requests(random: &mut Random, versions: &HashMap<String, u64>) -> Vec<Append> {
    let several = if random.below(6) == 0 { random.count(4) } else { 1 };
    let mut appends: Vec<Append> = Vec::new();
    for _ in 0..several {
        let id = match random.below(10) {
            0..3 => format!("hot{}", random.below(3)),
            _ => format!("cold{}", random.below(200)),
        };
        if appends.iter().any(|append| append.stream.id() == id) {
            continue;
        }
        let known = versions.get(&id).copied().unwrap_or(0);
        let expected = match random.below(10) {
            0..5 => Expected::Any,
            5..8 => Expected::Exact(StreamVersion::new(known)),
            8 => Expected::StreamExists,
            _ => Expected::NoStream,
        };
        let mut request = append(&id, expected, random.count(4));
        if random.below(5) == 0 {
            request = request.idempotency_key(uuid::Uuid::now_v7().to_string());
        }
        if random.below(50) == 0 {
            request.events.push(new_event("{no json"));
        }
        appends.push(request);
    }
    appends
}

async fn write(store: SqliteStore, mut random: Random, end: Instant, happened: Arc<Happened>) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut versions: HashMap<String, u64> = HashMap::new();
    while Instant::now() < end {
        let appends = requests(&mut random, &versions);
        let told = tell(&store, &appends, &mut random, &happened).await;
        let firsts = match told {
            Ok(told) => told,
            Err((stream, actual)) => {
                versions.insert(stream, actual);
                vec![Told::NotStored; appends.len()]
            }
        };
        let mut group = Group::new();
        for (append, told) in appends.iter().zip(firsts) {
            let stream = append.stream.id().to_owned();
            if let Told::Stored(first) = told {
                let last = first + append.events.len() as u64 - 1;
                versions.insert(stream.clone(), last);
                if random.below(20) == 0 {
                    let snapshot = NewSnapshot::new(append.stream.clone(), last.into(), 1.into(), "f", "{}".to_owned());
                    store.save_snapshot(snapshot).await.expect("it is taken in or dropped");
                }
            }
            let ids = append.events.iter().map(|event| event.metadata.event_id).collect();
            group.push(Record { stream, ids, told });
        }
        groups.push(group);
    }
    groups
}

async fn send(store: &SqliteStore, appends: &[Append]) -> Result<Vec<es_core::store::Appended>, StoreError> {
    match appends {
        [append] => Ok(vec![store.append(append.clone()).await?]),
        several => store.append_all(several.to_vec()).await,
    }
}

/// Sends appends as a caller would who is sometimes impatient. A conflict gives the actual version.
async fn tell(
    store: &SqliteStore,
    appends: &[Append],
    random: &mut Random,
    happened: &Happened,
) -> Result<Vec<Told>, (String, u64)> {
    let all = |told: Told| vec![told; appends.len()];
    let mut doubtful = false;
    if random.below(6) == 0 {
        let limit = Duration::from_micros(random.below(8_000));
        if timeout(limit, send(store, appends)).await.is_err() {
            one_more(&happened.cancelled);
            if random.below(2) == 0 {
                return Ok(all(Told::Nothing));
            }
        }
        doubtful = true;
    }
    loop {
        match send(store, appends).await {
            Ok(answers) => {
                let replayed = answers.iter().any(|appended| appended.replayed);
                one_more(if replayed { &happened.replayed } else { &happened.stored });
                if appends.len() > 1 {
                    one_more(&happened.groups);
                }
                return Ok(answers.iter().map(|appended| Told::Stored(appended.events[0].version.get())).collect());
            }
            Err(StoreError::Conflict(conflict)) => {
                one_more(&happened.conflicts);
                return Err((conflict.stream.id().to_owned(), conflict.actual.get()));
            }
            Err(StoreError::Backend { .. }) => {
                one_more(&happened.refused);
                return Ok(all(Told::NotStored));
            }
            Err(StoreError::Unavailable(_)) => {
                one_more(&happened.unavailable);
                if !doubtful {
                    return Ok(all(Told::NotStored));
                }
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Another program that writes to the file, and holds it for moments; answers what it has committed.
async fn keep(mut connection: SqliteConnection, end: Instant, happened: Arc<Happened>) -> HashSet<EventId> {
    let mut random = Random::new(4_711);
    let mut committed = HashSet::new();
    while Instant::now() < end {
        sleep(Duration::from_millis(random.below(100))).await;
        hold(&mut connection).await;
        one_more(&happened.held);
        let id = uuid::Uuid::now_v7();
        let insert = "insert into es_events
                (position, stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata, recorded_at)
            select (select coalesce(max(position), 0) + 1 from es_events), ?1, ?2,
                   (select coalesce(max(version), 0) + 1 from es_events where stream_type = ?1 and stream_id = ?2), 'Tested', 1,
                   ?3, '{}', '{\"occurred_at\":\"2026-01-01T00:00:00Z\"}',
                   (select coalesce(max(recorded_at), 0) from es_events)";
        let hot = stream(&format!("hot{}", random.below(3)));
        let insert = sqlx::query(insert).bind(hot.stream_type()).bind(hot.id()).bind(id);
        insert.execute(&mut connection).await.expect("an insert");
        sleep(Duration::from_millis(random.below(150))).await;
        if random.below(2) == 0 {
            run(&mut connection, "commit").await;
            committed.insert(EventId::from_uuid(id));
        } else {
            run(&mut connection, "rollback").await;
        }
    }
    committed
}

/// Looks at all that is stored, past the store.
async fn audit(connection: &mut SqliteConnection, groups: &[Group], held: &HashSet<EventId>) {
    let all = "select stream_id, version, position, event_id from es_events order by stream_id, version";
    let rows: Vec<(String, i64, i64, uuid::Uuid)> =
        sqlx::query_as(all).fetch(connection).try_collect().await.expect("rows");
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
        assert!(places.insert(id, (stream, version.unsigned_abs())).is_none(), "event {id} is stored twice");
    }
    let mut known: HashSet<_> = held.iter().copied().collect();
    assert!(held.iter().all(|id| places.contains_key(id)), "what another program has committed is there");
    for group in groups {
        let there = |record: &&Record| record.ids.iter().all(|id| places.contains_key(id));
        let count = group.iter().filter(there).count();
        assert!(count == 0 || count == group.len(), "{count} of {} appends stand: {group:?}", group.len());
        for Record { stream, ids, told } in group {
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
    }
    assert!(places.keys().all(|id| known.contains(id)), "there are events that nobody sent");
}
