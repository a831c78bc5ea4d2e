//! The contract of [`ProjectionStore`] as a test suite that every store of projections runs.
//!
//! Each rule is to be checked on an empty store of its own, whose clock goes on: leases have to run out. It runs within a
//! Tokio runtime.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use es_core::{MemoryStore, testing::conformance};
//!
//! for rule in conformance::projections::rules::<MemoryStore>() {
//! #   if rule.name().contains("lease") { continue; }
//!     rule.check(MemoryStore::new()).await;
//! }
//! # }
//! ```

mod activity;
mod claims;
mod columns;
mod failures;
mod fence;
mod handlers;
mod leases;
mod prepare;
mod roster;
mod rows;
mod transactions;
mod versions;

use std::{future::Future, time::Duration};

use super::{Rule, store_events, stream};
use crate::{
    event::EventSchema,
    projection::{
        Advance, Claim, Column as _, ColumnSchema, EngineId, EngineInfo, ProjectionId, ProjectionKind,
        ProjectionSchema, ProjectionStore, ShardId, ShardState, TableSchema,
    },
    recorded::Position,
    store::StoreError,
};

/// All rules, each to be checked on an empty store of its own.
pub fn rules<S: ProjectionStore>() -> Vec<Rule<S>> {
    let mut rules = prepare::rules();
    rules.extend(handlers::rules());
    rules.extend(transactions::rules());
    rules.extend(fence::rules());
    rules.extend(claims::rules());
    rules.extend(leases::rules());
    rules.extend(roster::rules());
    rules.extend(rows::rules());
    rules.extend(columns::rules());
    rules.extend(versions::rules());
    rules.extend(failures::rules());
    rules.extend(activity::rules());
    rules
}

/// The rules of a module: a sentence and the test for each.
macro_rules! define_rules {
    ($($name:literal => $check:ident,)+) => {
        pub(super) fn rules<S: crate::projection::ProjectionStore>() -> Vec<super::Rule<S>> {
            vec![$(super::Rule { name: $name, check: |store| Box::pin($check(store)) }),+]
        }
    };
}
use define_rules;

/// Asks again and again until there is an answer. No function, because its future would not be known to be `Send`.
macro_rules! eventually {
    ($what:literal, $ask:expr) => {{
        let given_up = tokio::time::Instant::now() + std::time::Duration::from_mins(2);
        loop {
            if let Some(answer) = $ask {
                break answer;
            }
            assert!(tokio::time::Instant::now() < given_up, "in two minutes it did not come about that {}", $what);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }};
}
use eventually;

/// Long enough that no lease runs out while a rule is checked.
const LONG: Duration = Duration::from_mins(10);

const NAME: &str = "conformance_counts";
const EVENTS: &[EventSchema] = &[EventSchema::new("Counted", 1)];
const COLUMNS: &[ColumnSchema] = &[
    ColumnSchema::of::<String>("id").key(),
    ColumnSchema::of::<i64>("count").indexed(),
    ColumnSchema::new("note", String::TYPE, true),
];

fn id(version: u32) -> ProjectionId {
    ProjectionId { name: NAME, version }
}

fn shard(projection: ProjectionId, shard: u32) -> ShardId {
    ShardId { projection, shard }
}

fn table(version: u32) -> TableSchema {
    TableSchema::new(NAME, version, COLUMNS)
}

fn read_model(version: u32) -> ProjectionSchema {
    ProjectionSchema::new(id(version), ProjectionKind::ReadModel(table(version)), EVENTS)
}

fn sharded(version: u32, shards: u32) -> ProjectionSchema {
    ProjectionSchema { shards, ..read_model(version) }
}

fn engine(label: &str, lease: Duration) -> EngineInfo {
    EngineInfo::new(EngineId::random(), label.to_owned(), vec![id(1)], lease)
}

fn at(position: u64) -> Position {
    Position::new(position)
}

async fn prepare<S: ProjectionStore>(store: &S, schema: ProjectionSchema) {
    store.prepare(&[schema]).await.expect("nothing stands against this projection");
}

/// An engine that is alive.
async fn alive<S: ProjectionStore>(store: &S, label: &str, lease: Duration) -> EngineInfo {
    let engine = engine(label, lease);
    store.keep_alive(&engine, &[]).await.expect("an engine can make itself known");
    engine
}

async fn claim<S: ProjectionStore>(store: &S, engine: &EngineInfo, shard: ShardId) -> Option<Claim> {
    store.claim(engine, shard).await.expect("a shard can be asked for")
}

/// A claim to the first shard of a version, by an engine of its own.
async fn owned<S: ProjectionStore>(store: &S, version: u32) -> Claim {
    let engine = alive(store, "owner", LONG).await;
    claim(store, &engine, shard(id(version), 0)).await.expect("nobody owns it")
}

/// A move in the history of the store, of as many events as there are positions.
async fn from_to<S: ProjectionStore>(store: &S, from: u64, to: u64) -> Advance {
    Advance::new(at(from), at(to), to - from, store.history().await.expect("a store says its history"))
}

async fn begin<S: ProjectionStore>(store: &S, claim: &Claim, from: u64, to: u64) -> S::Transaction {
    let advance = from_to(store, from, to).await;
    store.begin(claim, &advance).await.expect("a transaction can be opened").expect("the claim holds")
}

async fn commit<S: ProjectionStore>(store: &S, transaction: S::Transaction) {
    store.commit(transaction).await.expect("a transaction can be committed");
}

async fn advance<S: ProjectionStore>(store: &S, claim: &Claim, from: u64, to: u64) -> bool {
    let advance = from_to(store, from, to).await;
    store.advance(claim, &advance).await.expect("a checkpoint can be moved")
}

/// Whether a fence lets nothing through. That the history differs may be said.
fn is_refused<T>(outcome: Result<Option<T>, StoreError>) -> bool {
    match outcome {
        Ok(passed) => passed.is_none(),
        Err(StoreError::HistoryDiverged(_)) => true,
        Err(error) => panic!("a fence refuses, and does not fail: {error}"),
    }
}

async fn state<S: ProjectionStore>(store: &S, shard: ShardId) -> ShardState {
    let roster = store.roster(&[shard.projection]).await.expect("a store says where shards stand");
    roster.shards.into_iter().find(|state| state.shard == shard).expect("the shard is there")
}

async fn position<S: ProjectionStore>(store: &S, version: u32) -> u64 {
    state(store, shard(id(version), 0)).await.position.get()
}

fn row(id: &str, count: i64) -> serde_json::Value {
    serde_json::json!({ "id": id, "count": count, "note": null })
}

async fn write<S: ProjectionStore>(
    store: &S,
    transaction: &mut S::Transaction,
    version: u32,
    rows: &[serde_json::Value],
    removed: &[&str],
) {
    let rows = serde_json::to_string(rows).expect("rows are JSON");
    let removed: Vec<_> = removed.iter().map(|&key| key.to_owned()).collect();
    store.write_rows(transaction, &table(version), rows, &removed).await.expect("rows can be written");
}

/// Writes rows of a version in a transaction that moves its checkpoint on by one.
async fn store_rows<S: ProjectionStore>(store: &S, claim: &Claim, rows: &[serde_json::Value], removed: &[&str]) {
    let version = claim.shard.projection.version;
    let from = position(store, version).await;
    let mut transaction = begin(store, claim, from, from + 1).await;
    write(store, &mut transaction, version, rows, removed).await;
    commit(store, transaction).await;
}

/// A row as it is read: key and count.
fn counted(row: &[u8]) -> (String, i64) {
    let (id, count, _): (String, i64, Option<String>) = serde_json::from_slice(row).expect("an array of the columns");
    (id, count)
}

/// The count that readers see for a key.
async fn seen<S: ProjectionStore>(store: &S, version: u32, key: &str) -> Option<i64> {
    let row = store.find_row(&table(version), key).await.expect("a row can be looked for");
    row.map(|row| counted(&row).1)
}

/// All rows that readers see, by their key.
async fn all_seen<S: ProjectionStore>(store: &S, version: u32) -> Vec<(String, i64)> {
    let rows = store.find_rows(&table(version), "", Vec::new()).await.expect("rows can be looked for");
    let mut rows: Vec<_> = rows.iter().map(|row| counted(row)).collect();
    rows.sort();
    rows
}

/// An answer that must not wait for anybody.
async fn at_once<T>(what: &str, answer: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(Duration::from_mins(1), answer).await;
    answer.unwrap_or_else(|_| panic!("{what} waited for somebody else"))
}
