//! What only the store in memory promises; all else is in the rules that every store is held to.

use std::{error::Error, time::Duration};

use chrono::{DateTime, Utc};

use super::NoQueryLanguage;
use crate::{
    event::EventSchema,
    memory::MemoryStore,
    projection::{
        Advance, Claim, ColumnSchema, EngineId, EngineInfo, ProjectionId, ProjectionKind, ProjectionSchema,
        ProjectionStore, ShardId, TableSchema,
    },
    recorded::{Metadata, Position, StreamId},
    store::{Append, EventStore, Expected, ListStreams, NewEvent, StoreError},
    testing::{FakeClock, conformance},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_for_events() {
    for rule in conformance::rules::<MemoryStore>() {
        rule.check(MemoryStore::new()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_for_projections() {
    for rule in conformance::projections::rules::<MemoryStore>() {
        rule.check(MemoryStore::new()).await;
    }
}

const ID: ProjectionId = ProjectionId { name: "tested", version: 1 };
const SHARD: ShardId = ShardId { projection: ID, shard: 0 };
const TABLE: TableSchema = TableSchema::new("tested", 1, &[ColumnSchema::of::<String>("id").key()]);
const EVENTS: &[EventSchema] = &[EventSchema::new("Tested", 1)];
const SCHEMA: ProjectionSchema = ProjectionSchema::new(ID, ProjectionKind::ReadModel(TABLE), EVENTS);
const LEASE: Duration = Duration::from_mins(1);

fn start() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn engine() -> EngineInfo {
    EngineInfo::new(EngineId::random(), "a test".to_owned(), vec![ID], LEASE)
}

async fn claimed(store: &MemoryStore) -> Claim {
    store.prepare(&[SCHEMA]).await.unwrap();
    store.claim(&engine(), SHARD).await.unwrap().unwrap()
}

async fn advance(store: &MemoryStore, from: u64, to: u64) -> Advance {
    Advance::new(Position::new(from), Position::new(to), to - from, store.history().await.unwrap())
}

#[tokio::test]
async fn leases_go_by_the_clock_of_the_store() {
    let clock = FakeClock::at(start());
    let store = MemoryStore::with_clock(clock.clone());
    let held = claimed(&store).await;
    clock.advance(LEASE.mul_f64(0.999));
    assert_eq!(store.claim(&engine(), SHARD).await.unwrap(), None);
    clock.advance(LEASE.mul_f64(0.001));
    let taken = store.claim(&engine(), SHARD).await.unwrap().unwrap();
    assert!(taken.epoch > held.epoch);
    assert!(!store.advance(&held, &advance(&store, 0, 1).await).await.unwrap());
}

#[tokio::test]
async fn a_transaction_is_abandoned_behind_its_last_use() {
    let clock = FakeClock::at(start());
    let store = MemoryStore::with_clock(clock.clone());
    let held = claimed(&store).await;
    let mut transaction = store.begin(&held, &advance(&store, 0, 1).await).await.unwrap().unwrap();
    clock.advance(LEASE / 2);
    assert_eq!(store.context(&mut transaction).projection(), ID);
    clock.advance(LEASE / 2);
    assert_eq!(store.claim(&engine(), SHARD).await.unwrap(), None, "its lease has run out, but it is used");
    clock.advance(LEASE / 2);
    store.claim(&engine(), SHARD).await.unwrap().unwrap();
    let late = store.load_rows(&mut transaction, &TABLE, &[]).await;
    assert!(matches!(&late, Err(error) if error.is_unavailable()), "{late:?}");
    let late = store.commit(transaction).await;
    assert!(matches!(&late, Err(error) if error.is_unavailable()), "{late:?}");
}

#[tokio::test]
async fn all_times_are_those_of_the_clock() {
    let clock = FakeClock::at(start());
    let store = MemoryStore::with_clock(clock.clone());
    let stream = StreamId::new("test", "a");
    let event = || NewEvent::new(EventSchema::new("Tested", 1), "{}".to_owned(), Metadata::at(start()));
    let append = |expected| Append::new(stream.clone(), expected, vec![event()]);
    let appended = store.append(append(Expected::NoStream)).await.unwrap();
    assert_eq!(appended.events[0].recorded_at, start());
    let day = Duration::from_hours(24);
    clock.advance(day);
    store.archive(stream.clone()).await.unwrap();
    let listed = futures_util::TryStreamExt::try_collect::<Vec<_>>(store.streams(ListStreams::all().only_archived()));
    assert_eq!(listed.await.unwrap()[0].archived_at, Some(start() + day));
    let lag = store.lag(&SCHEMA, Position::START).await.unwrap();
    assert_eq!((lag.events, lag.time), (1, day));
    clock.set(start());
    assert_eq!(store.lag(&SCHEMA, Position::START).await.unwrap().time, Duration::ZERO);
}

#[tokio::test]
async fn conditions_are_refused_with_what_to_do_instead() {
    let store = MemoryStore::new();
    claimed(&store).await;
    assert_eq!(store.find_rows(&TABLE, " ", Vec::new()).await.unwrap(), Vec::<Vec<u8>>::new());
    let refused = store.find_rows(&TABLE, "id = $1", vec!["a".into()]).await.unwrap_err();
    assert!(refused.source().is_some_and(<dyn Error>::is::<NoQueryLanguage>));
    assert_eq!(
        refused.to_string(),
        "the store failed while finding rows: the store in memory has no language for conditions: ask for all rows, \
         with an empty condition, and filter them in Rust"
    );
}

#[tokio::test]
async fn rows_that_do_not_fit_their_table_are_refused() {
    let store = MemoryStore::new();
    let held = claimed(&store).await;
    let unknown = TableSchema::new("unknown", 1, TABLE.columns);
    let refused = store.find_row(&unknown, "a").await.unwrap_err();
    assert!(refused.to_string().contains("there is no read model `unknown`"), "{refused}");
    let mut transaction = store.begin(&held, &advance(&store, 0, 1).await).await.unwrap().unwrap();
    let refused = store.load_rows(&mut transaction, &unknown, &[]).await.unwrap_err();
    assert!(refused.to_string().contains("there is no table `unknown` of version 1"), "{refused}");
    for rows in ["[{}]", "[{\"id\":null}]", "{", "[1]"] {
        let refused = store.write_rows(&mut transaction, &TABLE, rows.to_owned(), &[]).await;
        assert!(matches!(refused, Err(StoreError::Backend { .. })), "{rows}");
    }
}
