//! The contract, by its methods.

use super::transaction::{MemoryContext, MemoryTransaction};
use crate::{
    memory::MemoryStore,
    projection::{
        Activity, Advance, Argument, Claim, DeadLetter, EngineId, EngineInfo, Failure, HandlerError, Lag, PrepareError,
        ProjectionId, ProjectionSchema, ProjectionStore, Roster, ShardId, Transience, column::TableSchema,
    },
    recorded::Position,
    store::{StoreError, StoredEvent},
};

impl ProjectionStore for MemoryStore {
    type Context<'t> = MemoryContext<'t>;
    type Transaction = MemoryTransaction;

    async fn prepare(&self, projections: &[ProjectionSchema]) -> Result<(), PrepareError> {
        self.state().prepare(projections)
    }

    async fn keep_alive(&self, engine: &EngineInfo, held: &[Claim]) -> Result<Roster, StoreError> {
        Ok(self.state().keep_alive(engine, held))
    }

    async fn claim(&self, engine: &EngineInfo, shard: ShardId) -> Result<Option<Claim>, StoreError> {
        let claim = self.state().claim(engine, shard);
        // It may have ended an abandoned transaction.
        self.ended.notify_waiters();
        Ok(claim)
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        self.when_closed(|state| state.release(claim)).await;
        Ok(())
    }

    async fn leave(&self, engine: EngineId) -> Result<(), StoreError> {
        self.when_closed(|state| state.leave(engine)).await;
        Ok(())
    }

    async fn roster(&self, projections: &[ProjectionId]) -> Result<Roster, StoreError> {
        Ok(self.state().roster(projections, true))
    }

    async fn begin(&self, claim: &Claim, advance: &Advance) -> Result<Option<MemoryTransaction>, StoreError> {
        Ok(self.open(claim, advance).await)
    }

    fn context<'t>(&self, transaction: &'t mut MemoryTransaction) -> MemoryContext<'t> {
        transaction.context()
    }

    async fn commit(&self, transaction: MemoryTransaction) -> Result<(), StoreError> {
        transaction.commit()
    }

    async fn rollback(&self, transaction: MemoryTransaction) {
        drop(transaction);
    }

    async fn advance(&self, claim: &Claim, advance: &Advance) -> Result<bool, StoreError> {
        Ok(self.when_closed(|state| state.advance(claim, advance)).await)
    }

    fn transience(&self, error: &HandlerError) -> Transience {
        Transience::of(error, |_| None)
    }

    async fn load_rows(
        &self,
        transaction: &mut MemoryTransaction,
        table: &TableSchema,
        keys: &[String],
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        transaction.load_rows(table, keys)
    }

    async fn write_rows(
        &self,
        transaction: &mut MemoryTransaction,
        table: &TableSchema,
        rows: String,
        removed: &[String],
    ) -> Result<(), StoreError> {
        transaction.write_rows(table, &rows, removed)
    }

    async fn find_rows(
        &self,
        table: &TableSchema,
        condition: &str,
        _: Vec<Argument>,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        self.state().find_rows(table, condition)
    }

    async fn find_row(&self, table: &TableSchema, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.state().find_row(table, key)
    }

    async fn set_aside(&self, transaction: &mut MemoryTransaction, letters: &[DeadLetter]) -> Result<(), StoreError> {
        transaction.set_aside(letters)
    }

    async fn stop(&self, claim: &Claim, from: Position, failure: &Failure) -> Result<bool, StoreError> {
        Ok(self.when_closed(|state| state.stop(claim, from, failure)).await)
    }

    async fn parked_keys(&self, shard: ShardId) -> Result<Vec<String>, StoreError> {
        Ok(self.state().parked_keys(shard))
    }

    async fn dead_letters(
        &self,
        projection: ProjectionId,
        limit: u32,
    ) -> Result<Vec<(DeadLetter, StoredEvent)>, StoreError> {
        Ok(self.state().dead_letters(projection, limit))
    }

    async fn redrive(&self, projection: ProjectionId) -> Result<(), StoreError> {
        self.state().redrive(projection);
        Ok(())
    }

    async fn parked_events(&self, shard: ShardId, key: &str, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.state().parked_events(shard, key, limit))
    }

    async fn unpark(
        &self,
        transaction: &mut MemoryTransaction,
        shard: ShardId,
        key: &str,
        upto: Position,
    ) -> Result<bool, StoreError> {
        transaction.unpark(shard, key, upto)
    }

    async fn redriven(&self, transaction: &mut MemoryTransaction, shard: ShardId, wish: u64) -> Result<(), StoreError> {
        transaction.redriven(shard, wish)
    }

    async fn set_activity(&self, projection: ProjectionId, activity: Activity) -> Result<(), StoreError> {
        self.when_closed(|state| state.set_activity(projection, activity)).await;
        Ok(())
    }

    async fn switch(&self, projection: ProjectionId, upto: Position) -> Result<bool, StoreError> {
        Ok(self.state().switch(projection, upto))
    }

    async fn drop_older(&self, name: &'static str) -> Result<(), StoreError> {
        self.when_closed(|state| state.drop_older(name)).await;
        Ok(())
    }

    async fn lag(&self, projection: &ProjectionSchema, after: Position) -> Result<Lag, StoreError> {
        Ok(self.state().lag(projection, after))
    }
}
