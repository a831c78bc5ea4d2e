//! Projections: the store keeps what they are, how far they have come and who runs them, and the rows of read models.
//!
//! `prepare.rs` makes ready: `known.rs` is what is there, `missing.rs` what is not, `make.rs`, `division.rs` and `replace.rs`
//! put it there, in a transaction of `change.rs`, with `column.rs`, `table.rs`, `view.rs` and `rights.rs`. `ownership.rs` and `roster.rs` say who runs what; `transaction.rs` is a batch, `rows.rs` what read models do in it and
//! `context.rs` what others do; `failures.rs` keeps what was set aside; `lifecycle.rs` is for people, and for new versions.

mod change;
mod column;
mod context;
mod division;
mod failures;
mod known;
mod lifecycle;
mod make;
mod ownership;
mod prepare;
mod replace;
mod rights;
mod roster;
mod rows;
mod sql;
mod statements;
mod table;
mod transaction;
mod transience;
mod view;

use std::sync::Arc;

use es_core::{
    projection::{
        Activity, Advance, Argument, Claim, DeadLetter, EngineId, EngineInfo, Failure, HandlerError, InlineReadModel,
        Lag, PrepareError, ProjectionId, ProjectionKind, ProjectionSchema, ProjectionStore, Roster, ShardId,
        TableSchema, Transience,
    },
    recorded::Position,
    store::{StoreError, StoredEvent},
};
use tokio::sync::Semaphore;

pub use self::{context::PgContext, transaction::PgTransaction};
pub(crate) use self::{
    rights::grant_read_models,
    rows::{load_rows_on, write_rows_on},
    sql::literal,
};
use self::{rows::Tables, statements::ProjectionStatements};
use crate::{config::PostgresConfig, inline, statements::Statements, store::PostgresStore};

/// What the store has for projections.
#[derive(Debug)]
pub(crate) struct Projections {
    statements: ProjectionStatements,
    tables: Tables,
    /// How many batches may be open at once, so that others find a connection.
    batches: Arc<Semaphore>,
}

impl Projections {
    pub(crate) fn new(statements: &Statements, config: &PostgresConfig) -> Self {
        Self {
            statements: ProjectionStatements::new(statements),
            tables: Tables::new(&config.read_model_schema),
            batches: Arc::new(Semaphore::new((config.max_connections / 2).max(1))),
        }
    }
}

impl ProjectionStore for PostgresStore {
    type Context<'t> = PgContext<'t>;
    type Transaction = PgTransaction;

    async fn prepare(&self, projections: &[ProjectionSchema]) -> Result<(), PrepareError> {
        prepare::prepare(&self.parts, projections).await?;
        for schema in projections.iter().filter(|schema| matches!(schema.kind, ProjectionKind::ReadModel(_))) {
            inline::take_off_older(&self.parts, schema.id).await?;
        }
        Ok(())
    }

    async fn enlist(&self, read_model: Arc<dyn InlineReadModel>) -> Result<(), PrepareError> {
        self.parts.inline.enlist(read_model);
        Ok(())
    }

    async fn activate_inline(&self, read_model: &dyn InlineReadModel) -> Result<bool, StoreError> {
        inline::activate(&self.parts, read_model).await
    }

    async fn keep_alive(&self, engine: &EngineInfo, held: &[Claim]) -> Result<Roster, StoreError> {
        ownership::keep_alive(&self.parts, engine, held).await?;
        roster::roster(&self.parts, &engine.projections, false).await
    }

    async fn claim(&self, engine: &EngineInfo, shard: ShardId) -> Result<Option<Claim>, StoreError> {
        ownership::claim(&self.parts, engine, shard).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        ownership::release(&self.parts, claim).await
    }

    async fn leave(&self, engine: EngineId) -> Result<(), StoreError> {
        ownership::leave(&self.parts, engine).await
    }

    async fn roster(&self, projections: &[ProjectionId]) -> Result<Roster, StoreError> {
        roster::roster(&self.parts, projections, true).await
    }

    async fn begin(&self, claim: &Claim, advance: &Advance) -> Result<Option<PgTransaction>, StoreError> {
        transaction::begin(&self.parts, claim, advance).await
    }

    fn context<'t>(&self, transaction: &'t mut PgTransaction) -> PgContext<'t> {
        transaction.context()
    }

    async fn commit(&self, transaction: PgTransaction) -> Result<(), StoreError> {
        transaction.commit().await
    }

    async fn rollback(&self, transaction: PgTransaction) {
        transaction.rollback().await;
    }

    async fn advance(&self, claim: &Claim, advance: &Advance) -> Result<bool, StoreError> {
        transaction::advance(&self.parts, claim, advance).await
    }

    fn transience(&self, error: &HandlerError) -> Transience {
        transience::of(error)
    }

    fn advice(&self, error: &HandlerError) -> Option<String> {
        transience::advice(error)
    }

    async fn load_rows(
        &self,
        transaction: &mut PgTransaction,
        table: &TableSchema,
        keys: &[String],
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        rows::load(&self.parts, transaction, table, keys).await
    }

    async fn write_rows(
        &self,
        transaction: &mut PgTransaction,
        table: &TableSchema,
        rows: String,
        removed: &[String],
    ) -> Result<(), StoreError> {
        rows::write(&self.parts, transaction, table, rows, removed).await
    }

    async fn find_rows(
        &self,
        table: &TableSchema,
        condition: &str,
        arguments: Vec<Argument>,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        rows::find(&self.parts, table, condition, &arguments).await
    }

    async fn find_row(&self, table: &TableSchema, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        rows::find_one(&self.parts, table, key).await
    }

    async fn set_aside(&self, transaction: &mut PgTransaction, letters: &[DeadLetter]) -> Result<(), StoreError> {
        failures::set_aside(&self.parts, transaction, letters).await
    }

    async fn stop(&self, claim: &Claim, from: Position, failure: &Failure) -> Result<bool, StoreError> {
        failures::stop(&self.parts, claim, from, failure).await
    }

    async fn parked_keys(&self, shard: ShardId) -> Result<Vec<String>, StoreError> {
        failures::parked_keys(&self.parts, shard).await
    }

    async fn dead_letters(
        &self,
        projection: ProjectionId,
        limit: u32,
    ) -> Result<Vec<(DeadLetter, StoredEvent)>, StoreError> {
        failures::dead_letters(&self.parts, projection, limit).await
    }

    async fn redrive(&self, projection: ProjectionId) -> Result<(), StoreError> {
        lifecycle::redrive(&self.parts, projection).await
    }

    async fn parked_events(&self, shard: ShardId, key: &str, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        failures::parked_events(&self.parts, shard, key, limit).await
    }

    async fn unpark(
        &self,
        transaction: &mut PgTransaction,
        shard: ShardId,
        key: &str,
        upto: Position,
    ) -> Result<bool, StoreError> {
        failures::unpark(&self.parts, transaction, shard, key, upto).await
    }

    async fn redriven(&self, transaction: &mut PgTransaction, shard: ShardId, wish: u64) -> Result<(), StoreError> {
        failures::redriven(&self.parts, transaction, shard, wish).await
    }

    async fn set_activity(&self, projection: ProjectionId, activity: Activity) -> Result<(), StoreError> {
        lifecycle::set_activity(&self.parts, projection, activity).await
    }

    async fn end_inline(&self, projection: ProjectionId) -> Result<(), StoreError> {
        inline::take_off(&self.parts, (projection.name, sql::integer(projection.version)), Activity::Running).await
    }

    async fn switch(&self, projection: ProjectionId, upto: Position) -> Result<bool, StoreError> {
        lifecycle::switch(&self.parts, projection, upto).await
    }

    async fn drop_older(&self, name: &'static str) -> Result<(), StoreError> {
        prepare::drop_older(&self.parts, name).await
    }

    async fn lag(&self, projection: &ProjectionSchema, after: Position) -> Result<Lag, StoreError> {
        lifecycle::lag(&self.parts, projection, after).await
    }
}
