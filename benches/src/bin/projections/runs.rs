//! The measurements.

use std::{env, time::Duration};

use es_benches::figures::memory;
use es_core::{engine::ProjectionEngine, projection::ProjectionStore as _, store::EventStore as _};
use es_postgres::PostgresStore;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{
    Failure, by_hand,
    domain::{Balance, Sums},
    processor::{Processor, Took},
    rounds::Rounds,
};

const SHARDS: u32 = 4;
/// How long a run may take.
const PATIENCE: Duration = Duration::from_hours(1);

/// The tables that are written.
const ROWS: &str = "balances_v1";
const SUMS: &str = "sums";

/// The connection beside the store's, the clocks, and how many events there are.
struct Bench {
    connection: PgConnection,
    processor: Processor,
    events: u64,
}

impl Bench {
    async fn begin() -> Result<Self, Failure> {
        let mut connection = PgConnection::connect(&env::var("DATABASE_URL")?).await?;
        sqlx::query("vacuum analyze es.events").execute(&mut connection).await?;
        let events: i64 = sqlx::query_scalar("select count(*) from es.events").fetch_one(&mut connection).await?;
        let processor = Processor::of(&mut connection).await?;
        Ok(Self { connection, processor, events: events.cast_unsigned() })
    }

    /// Nothing was projected yet, whatever was before.
    async fn reset(&mut self, table: &str) -> Result<(), Failure> {
        let sql = format!("truncate {table}; update es.projection_shards set position = 0");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Runs it from the start to the end of all events.
    async fn time(
        &mut self,
        store: &PostgresStore,
        table: &str,
        engine: ProjectionEngine<PostgresStore>,
    ) -> Result<Took, Failure> {
        engine.prepare().await?;
        self.reset(table).await?;
        let begun = self.processor.begin()?;
        let engine = engine.start().await?;
        engine.wait_for(store.settled().await?).timeout(PATIENCE).await?;
        let took = self.processor.end(&begun)?;
        engine.shutdown().await;
        Ok(took)
    }
}

fn folded(store: &PostgresStore, shards: u32) -> ProjectionEngine<PostgresStore> {
    ProjectionEngine::new(store).read_model::<Balance>().shards(shards)
}

fn handled(store: &PostgresStore, shards: u32) -> ProjectionEngine<PostgresStore> {
    ProjectionEngine::new(store).projection(Sums).shards(shards)
}

/// A read model from the start, and the same events fetched and decoded by hand.
pub(crate) async fn rebuild(store: &PostgresStore, name: &str, rounds: usize) -> Result<(), Failure> {
    let mut bench = Bench::begin().await?;
    let mut measured = Rounds::of(bench.events);
    for _ in 0..=rounds {
        let ours = bench.time(store, ROWS, folded(store, 1)).await?;
        let begun = bench.processor.begin()?;
        let sum = by_hand::scan(&mut bench.connection).await?;
        let reference = bench.processor.end(&begun)?;
        let rows = store.read_model::<Balance>().all().await?;
        assert_eq!(rows.iter().map(|row| row.minor).sum::<i64>(), sum);
        measured.add(ours, reference);
    }
    measured.print(name);
    Ok(())
}

/// One statement for each event, by the engine and by hand.
pub(crate) async fn sql(store: &PostgresStore, rounds: usize) -> Result<(), Failure> {
    let mut bench = Bench::begin().await?;
    let mut measured = Rounds::of(bench.events);
    make_sums(&mut bench.connection).await?;
    for _ in 0..=rounds {
        let ours = bench.time(store, SUMS, handled(store, 1)).await?;
        let sum = sum(&mut bench.connection).await?;
        let again = "truncate sums; update checkpoint set position = 0";
        sqlx::raw_sql(again).execute(&mut bench.connection).await?;
        let begun = bench.processor.begin()?;
        by_hand::sums(&mut bench.connection).await?;
        let reference = bench.processor.end(&begun)?;
        assert_eq!(self::sum(&mut bench.connection).await?, sum);
        measured.add(ours, reference);
    }
    measured.print("a statement for each event; reference: by hand");
    Ok(())
}

async fn make_sums(connection: &mut PgConnection) -> Result<(), Failure> {
    let make = r#"drop table if exists sums, checkpoint;
        create table sums (id text collate "C" primary key, minor bigint not null);
        create table checkpoint (position bigint not null); insert into checkpoint values (0)"#;
    sqlx::raw_sql(make).execute(connection).await?;
    Ok(())
}

async fn sum(connection: &mut PgConnection) -> Result<i64, Failure> {
    Ok(sqlx::query_scalar("select sum(minor)::bigint from sums").fetch_one(connection).await?)
}

/// Four shards, each with a connection of its own while its batch is open, beside one.
pub(crate) async fn shards(store: &PostgresStore, rounds: usize) -> Result<(), Failure> {
    let mut bench = Bench::begin().await?;
    let (mut rows, mut statements) = (Rounds::of(bench.events), Rounds::of(bench.events));
    make_sums(&mut bench.connection).await?;
    for _ in 0..=rounds {
        let four = bench.time(store, ROWS, folded(store, SHARDS)).await?;
        let one = bench.time(store, ROWS, folded(store, 1)).await?;
        rows.add(four, one);
        let four = bench.time(store, SUMS, handled(store, SHARDS)).await?;
        let one = bench.time(store, SUMS, handled(store, 1)).await?;
        statements.add(four, one);
    }
    rows.print("read model with 4 shards; reference: 1 shard");
    statements.print("a statement for each event, with 4 shards; reference: 1 shard");
    Ok(())
}

/// The most memory that a rebuild takes.
pub(crate) async fn memory_of_a_rebuild(store: &PostgresStore) -> Result<(), Failure> {
    let mut bench = Bench::begin().await?;
    let before = memory()?;
    let took = bench.time(store, ROWS, folded(store, 1)).await?;
    println!(
        "Memory of a rebuild of {} events: {before} kB before, {} kB at the most; {:.1} s.",
        bench.events,
        memory()?,
        took.clock
    );
    Ok(())
}
