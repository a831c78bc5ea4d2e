//! What the tests of projections share.

use std::time::Duration;

use es_core::{
    projection::{
        Advance, Claim, ColumnSchema, ColumnType, EngineId, EngineInfo, ProjectionId, ProjectionKind, ProjectionSchema,
        ProjectionStore as _, ShardId, TableSchema,
    },
    recorded::Position,
    store::EventStore as _,
};
use es_postgres::{PgTransaction, PostgresStore};
use es_tests::database::Database;

use crate::support::open;

/// Longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_mins(10);

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

/// With a number in another type, and without the place.
pub(crate) const LAMPS_3: TableSchema =
    TableSchema::new("lamps", 3, &[ID, ColumnSchema::new("lit", ColumnType::Decimal, false)]);

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

/// The owner of the tables prepares.
pub(crate) async fn prepare(database: &Database, schemas: &[ProjectionSchema]) {
    let owner = PostgresStore::connect(database.url()).await.expect("the database is there");
    owner.prepare(schemas).await.expect("they can be made ready");
    owner.close().await;
}

/// A store that runs as the role that only runs, with projections that the owner has prepared.
pub(crate) async fn open_with(database: &Database, schemas: &[ProjectionSchema]) -> PostgresStore {
    let store = open(database).await;
    prepare(database, schemas).await;
    store.prepare(schemas).await.expect("all is there already");
    store
}

pub(crate) async fn claim(store: &PostgresStore, engine: &EngineInfo, shard: ShardId) -> Claim {
    store.claim(engine, shard).await.expect("claims can be made").expect("nobody else has it")
}

pub(crate) async fn moved(store: &PostgresStore, from: u64, to: u64) -> Advance {
    let history = store.history().await.expect("a store knows its history");
    Advance::new(Position::new(from), Position::new(to), to - from, history)
}

pub(crate) async fn begin(store: &PostgresStore, claim: &Claim, from: u64, to: u64) -> PgTransaction {
    let advance = moved(store, from, to).await;
    store.begin(claim, &advance).await.expect("a transaction can begin").expect("the claim holds")
}

pub(crate) async fn position(store: &PostgresStore, shard: ShardId) -> u64 {
    let roster = store.roster(&[shard.projection]).await.expect("a roster");
    let state = roster.shards.iter().find(|state| state.shard == shard).expect("the shard is there");
    state.position.get()
}
