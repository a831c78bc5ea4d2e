//! Projections: the store keeps what they are, how far they have come and who runs them, and the rows of read models.
//!
//! `prepare.rs` makes ready: `known.rs` is what is there, `missing.rs` what is not, `make.rs` and `division.rs` put it there, with
//! `column.rs` and `table.rs`. `ownership.rs` and `roster.rs` say who runs what. `transaction.rs` is a batch: `registry.rs` knows
//! those that are open, `changes.rs` is what they are to change, `fence.rs` what they have to pass, and `held.rs` the one that has
//! the file; `context.rs` is what handlers get of it. `rows.rs` are those of read models, `value.rs` what is in them, and
//! `condition.rs` how they are found; `failures.rs` keeps what was set aside; `lifecycle.rs` is for people, and for new versions.

mod changes;
mod column;
mod condition;
mod context;
mod division;
mod failures;
mod fence;
mod held;
mod known;
mod lifecycle;
mod make;
mod ownership;
mod prepare;
mod registry;
mod roster;
mod rows;
mod sql;
mod table;
mod transaction;
mod transience;
mod value;

use std::sync::Arc;

use es_core::{
    projection::{
        Activity, Advance, Argument, Claim, DeadLetter, EngineId, EngineInfo, Failure, HandlerError, InlineReadModel,
        Lag, PrepareError, ProjectionId, ProjectionSchema, ProjectionStore, Roster, ShardId, TableSchema, Transience,
    },
    recorded::Position,
    store::{StoreError, StoredEvent},
};

pub use self::{
    context::{SqliteContext, SqliteContextConnection},
    transaction::SqliteTransaction,
};
pub(crate) use self::{
    make::end_of_events,
    ownership::finish,
    rows::{Changed, load as load_rows},
    sql::now,
};
use self::{registry::Registry, rows::Tables};
use crate::{
    inline::{self, Inline},
    store::SqliteStore,
};

/// What the store has for projections.
#[derive(Debug, Default)]
pub(crate) struct Projections {
    pub(crate) registry: Registry,
    pub(crate) tables: Tables,
    pub(crate) inline: Inline,
}

impl ProjectionStore for SqliteStore {
    type Context<'t> = SqliteContext<'t>;
    type Transaction = SqliteTransaction;

    async fn prepare(&self, projections: &[ProjectionSchema]) -> Result<(), PrepareError> {
        prepare::prepare(&self.parts, projections).await
    }

    async fn enlist(&self, read_model: Arc<dyn InlineReadModel>) -> Result<(), PrepareError> {
        self.parts.projections.inline.enlist(read_model);
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

    async fn begin(&self, claim: &Claim, advance: &Advance) -> Result<Option<SqliteTransaction>, StoreError> {
        transaction::begin(&self.parts, claim, advance).await
    }

    fn context<'t>(&self, transaction: &'t mut SqliteTransaction) -> SqliteContext<'t> {
        transaction.context()
    }

    async fn commit(&self, transaction: SqliteTransaction) -> Result<(), StoreError> {
        transaction.commit().await
    }

    async fn rollback(&self, transaction: SqliteTransaction) {
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
        transaction: &mut SqliteTransaction,
        table: &TableSchema,
        keys: &[String],
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        transaction.load_rows(table, keys).await
    }

    async fn write_rows(
        &self,
        transaction: &mut SqliteTransaction,
        table: &TableSchema,
        rows: String,
        removed: &[String],
    ) -> Result<(), StoreError> {
        transaction.write_rows(table, &rows, removed).await
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

    async fn set_aside(&self, transaction: &mut SqliteTransaction, letters: &[DeadLetter]) -> Result<(), StoreError> {
        transaction.set_aside(letters).await
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
        transaction: &mut SqliteTransaction,
        shard: ShardId,
        key: &str,
        upto: Position,
    ) -> Result<bool, StoreError> {
        transaction.unpark(shard, key, upto).await
    }

    async fn redriven(&self, transaction: &mut SqliteTransaction, shard: ShardId, wish: u64) -> Result<(), StoreError> {
        transaction.redriven(shard, wish).await
    }

    async fn set_activity(&self, projection: ProjectionId, activity: Activity) -> Result<(), StoreError> {
        lifecycle::set_activity(&self.parts, projection, activity).await
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
