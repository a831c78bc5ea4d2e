//! What the tests of projections share.

use std::time::Duration;

use es_core::{
    projection::{
        Advance, Claim, ColumnSchema, ColumnType, EngineId, EngineInfo, ProjectionId, ProjectionKind, ProjectionSchema,
        ProjectionStore as _, ShardId, TableSchema,
    },
    recorded::{Metadata, Position, StreamId},
    store::{Append, EventStore as _, Expected, NewEvent, StoreError},
};
use es_sqlite::{
    SqliteStore, SqliteTransaction,
    sqlx::{self, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions},
};

use crate::support::File;

/// Longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_mins(10);
/// A lease that runs out.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

pub(crate) const ID: ColumnSchema = ColumnSchema::new("id", ColumnType::Text, false).key();

/// Lamps, and how often they were lit.
pub(crate) const LAMPS: TableSchema =
    TableSchema::new("lamps", 1, &[ID, ColumnSchema::new("lit", ColumnType::BigInt, false)]);

/// The same, and where they hang.
pub(crate) const LAMPS_2: TableSchema = TableSchema::new(
    "lamps",
    2,
    &[
        ID,
        ColumnSchema::new("lit", ColumnType::BigInt, false),
        ColumnSchema::new("place", ColumnType::Text, true).indexed(),
    ],
);

pub(crate) const MAILS: ProjectionId = ProjectionId { name: "mails", version: 1 };

pub(crate) fn read_model(table: TableSchema) -> ProjectionSchema {
    let id = ProjectionId { name: table.name, version: table.version };
    ProjectionSchema::new(id, ProjectionKind::ReadModel(table), &[])
}

/// A projection of no table, in so many shards.
pub(crate) fn mails(shards: u32) -> ProjectionSchema {
    let mut schema = ProjectionSchema::new(MAILS, ProjectionKind::Projection, &[]);
    schema.shards = shards;
    schema
}

pub(crate) fn shard(projection: ProjectionId, shard: u32) -> ShardId {
    ShardId { projection, shard }
}

pub(crate) fn engine(label: &str, lease: Duration) -> EngineInfo {
    EngineInfo::new(EngineId::random(), label.to_owned(), vec![MAILS], lease)
}

/// A store with projections that are made ready.
pub(crate) async fn open_with(file: &File, schemas: &[ProjectionSchema]) -> SqliteStore {
    let store = file.open().await;
    store.prepare(schemas).await.expect("they can be made ready");
    store
}

pub(crate) async fn claim(store: &SqliteStore, engine: &EngineInfo, shard: ShardId) -> Claim {
    store.claim(engine, shard).await.expect("claims can be made").expect("nobody else has it")
}

/// The claim of an engine of its own, as soon as it can be had.
pub(crate) async fn takes_over(store: &SqliteStore, shard: ShardId) -> Claim {
    let engine = engine("takes over", LONG);
    for _ in 0..1_000 {
        if let Some(claim) = store.claim(&engine, shard).await.expect("an answer") {
            return claim;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the claim is not taken over");
}

pub(crate) async fn moved(store: &SqliteStore, from: u64, to: u64) -> Advance {
    let history = store.history().await.expect("a store knows its history");
    Advance::new(Position::new(from), Position::new(to), to - from, history)
}

pub(crate) async fn begin(store: &SqliteStore, claim: &Claim, from: u64, to: u64) -> SqliteTransaction {
    let advance = moved(store, from, to).await;
    store.begin(claim, &advance).await.expect("a transaction can begin").expect("the claim holds")
}

pub(crate) async fn position(store: &SqliteStore, shard: ShardId) -> u64 {
    let roster = store.roster(&[shard.projection]).await.expect("a roster");
    let state = roster.shards.iter().find(|state| state.shard == shard).expect("the shard is there");
    state.position.get()
}

/// Stores an event that nobody handles.
pub(crate) async fn append(store: &SqliteStore) -> Result<(), StoreError> {
    let schema = es_core::event::EventSchema::new("Ticked", 1);
    let event = NewEvent::new(schema, "{}".to_owned(), Metadata::at(chrono::Utc::now()));
    store.append(Append::new(StreamId::new("clock", "one"), Expected::Any, vec![event])).await.map(drop)
}

/// A connection of another program.
pub(crate) async fn raw(file: &File) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file.path()).busy_timeout(Duration::from_secs(20));
    SqliteConnection::connect_with(&options).await.expect("the file can be opened")
}

pub(crate) async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
}

/// A number that a statement answers.
pub(crate) async fn number(connection: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.expect(sql)
}
