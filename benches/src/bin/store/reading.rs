//! Loads and scans, beside the same rows fetched and decoded by hand.

use std::{
    env, fs,
    time::{Duration, Instant},
};

use es_benches::figures::spread;
use es_core::{
    prelude::*,
    store::{Append, EventStore, Expected, NewEvent, ReadAll},
};
use es_postgres::PostgresStore;
use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgRow};

use crate::Failure;

const LONG: u64 = 10_000;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct MeterId(String);

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(unlocked)]
struct Counted {
    amount: i64,
    booked_on: String,
    description: String,
}

#[derive(EventSet, Clone, Debug)]
#[event_set(unlocked)]
enum MeterEvent {
    Counted(Counted),
}

#[derive(Aggregate, Default, Clone, Debug)]
#[aggregate(name = "meter", id = MeterId, event = MeterEvent, unlocked)]
struct Meter {
    total: i64,
    counted: u64,
}

#[event_handler]
impl Meter {
    fn counted(&mut self, event: &Counted) {
        self.total += event.amount;
        self.counted += 1;
    }
}

#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug)]
#[aggregate(name = "kept-meter", id = MeterId, event = MeterEvent, snapshot(every = 10_000), unlocked)]
struct KeptMeter {
    total: i64,
    last: Option<Counted>,
}

#[event_handler]
impl KeptMeter {
    fn counted(&mut self, event: &Counted) {
        self.total += event.amount;
        self.last = Some(event.clone());
    }
}

struct Count;

#[command_handler]
impl KeptMeter {
    #[command(or_default)]
    fn count(&self, _: &Count) -> Result<Vec<Counted>, std::convert::Infallible> {
        Ok((0..10_000).map(counted).collect())
    }
}

fn counted(amount: i64) -> Counted {
    Counted { amount, booked_on: "1993-01-05".to_owned(), description: "PREVOD Z UCTU DUCHOD".to_owned() }
}

async fn fill(store: &PostgresStore, stream: StreamId, events: u64) -> Result<(), Failure> {
    let mut left = events;
    while left > 0 {
        let part = left.min(LONG);
        let new = |amount: u64| {
            NewEvent::encode(&MeterEvent::Counted(counted(amount.cast_signed())), Metadata::at(Utc::now()))
        };
        let events = (0..part).map(new).collect::<Result<_, _>>()?;
        store.append(Append::new(stream.clone(), Expected::Any, events)).await?;
        left -= part;
    }
    Ok(())
}

/// The JSON of a `jsonb` column, without the byte before it.
fn json(row: &PgRow, column: usize) -> Result<&[u8], sqlx::Error> {
    row.try_get_raw(column)?.as_bytes().map(|bytes| &bytes[1..]).map_err(sqlx::Error::Decode)
}

/// How often the second took as long as the first, round by round.
struct Rounds {
    ours: Vec<f64>,
    by_hand: Vec<f64>,
}

impl Rounds {
    fn new() -> Self {
        Self { ours: Vec::new(), by_hand: Vec::new() }
    }

    fn add(&mut self, ours: Duration, by_hand: Duration) {
        self.ours.push(ours.as_secs_f64() * 1e3);
        self.by_hand.push(by_hand.as_secs_f64() * 1e3);
    }

    /// The first round is left out: it is the one that fills the caches.
    fn print(mut self, what: &str) {
        self.ours.remove(0);
        self.by_hand.remove(0);
        let ratios = self.ours.iter().zip(&self.by_hand).map(|(ours, by_hand)| ours / by_hand).collect();
        let (ours, by_hand) = (spread(self.ours, 2), spread(self.by_hand, 2));
        println!("| {what} | {ours} ms | {by_hand} ms | {} |", spread(ratios, 2));
    }
}

/// A stream of 10,000 events, replayed; and one of as many with a snapshot behind the last.
pub(crate) async fn load(store: &PostgresStore, rounds: usize) -> Result<(), Failure> {
    let id = MeterId(Utc::now().timestamp_micros().to_string());
    let (meters, kept) = (store.repository::<Meter>(), store.repository::<KeptMeter>());
    fill(store, Repository::<Meter, PostgresStore>::stream(&id), LONG).await?;
    kept.execute(&id, Count).await?;
    store.flush().await;
    let mut connection = PgConnection::connect(&env::var("DATABASE_URL")?).await?;
    let (mut replayed, mut restored) = (Rounds::new(), Rounds::new());
    for _ in 0..=rounds {
        let begun = Instant::now();
        assert_eq!(meters.load(&id).await?.state.counted, LONG);
        let ours = begun.elapsed();
        let begun = Instant::now();
        let rows = sqlx::query(
            "select version, event_type, payload, position, schema_version, event_id, recorded_at from es.events
             where stream_type = 'meter' and stream_id = $1 order by version",
        )
        .bind(&id.0)
        .fetch_all(&mut connection)
        .await?;
        let mut total = 0;
        for row in &rows {
            total += serde_json::from_slice::<Counted>(json(row, 2)?)?.amount;
        }
        assert!(total > 0);
        replayed.add(ours, begun.elapsed());

        // Many at a time: one is over too soon for the clock of a machine with neighbours.
        let begun = Instant::now();
        for _ in 0..200 {
            kept.load(&id).await?;
        }
        let ours = begun.elapsed();
        let begun = Instant::now();
        for _ in 0..200 {
            let row = sqlx::query(
                "select version, position, state from es.snapshots
                 where stream_type = 'kept-meter' and stream_id = $1",
            )
            .bind(&id.0)
            .fetch_one(&mut connection)
            .await?;
            serde_json::from_slice::<KeptMeter>(json(&row, 2)?)?;
        }
        restored.add(ours, begun.elapsed());
    }
    replayed.print("load 10,000 events");
    restored.print("load 10,000 events with a snapshot, 200 times");
    Ok(())
}

/// All events of a store, decoded, one by one.
pub(crate) async fn scan(store: &PostgresStore, events: u64, rounds: usize) -> Result<(), Failure> {
    let mut connection = PgConnection::connect(&env::var("DATABASE_URL")?).await?;
    let there: i64 = sqlx::query_scalar("select count(*) from es.events").fetch_one(&mut connection).await?;
    for stream in there.cast_unsigned() / LONG..events / LONG {
        fill(store, StreamId::new("meter", format!("scanned-{stream}")), LONG).await?;
    }
    sqlx::query("vacuum analyze es.events").execute(&mut connection).await?;
    let mut scanned = Rounds::new();
    let before = memory()?;
    for _ in 0..=rounds {
        let begun = Instant::now();
        let mut read = 0_u64;
        let mut all = std::pin::pin!(store.read_all(ReadAll::after(Position::START)));
        while let Some(stored) = all.try_next().await? {
            read += u64::from(stored.decode_event::<MeterEvent>()?.is_some());
        }
        let ours = begun.elapsed();
        let begun = Instant::now();
        let mut by_hand = 0_u64;
        let query =
            "select position, stream_type, stream_id, version, event_type, payload, schema_version, event_id, metadata, recorded_at
                     from es.events order by position";
        let mut rows = sqlx::query(query).fetch(&mut connection);
        while let Some(row) = rows.try_next().await? {
            let event: Counted = serde_json::from_slice(json(&row, 5)?)?;
            by_hand += u64::from(event.amount >= 0);
        }
        drop(rows);
        assert_eq!(read, by_hand);
        scanned.add(ours, begun.elapsed());
    }
    scanned.print(&format!("read_all over {events} events"));
    println!("memory: {before} kB before, {} kB at the most", memory()?);
    Ok(())
}

/// The most memory that this process ever had, in kB.
fn memory() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
