//! A store of which any call may fail, before it took place or behind it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

use es_core::{
    prelude::*,
    projection::{
        Activity, Advance, Argument, Claim, DeadLetter, EngineId, EngineInfo, Failure, HandlerError, Lag, PrepareError,
        ProjectionId, ProjectionSchema, Roster, ShardId, TableSchema, Transience,
    },
    store::{
        Append, Appended, HistoryId, KeptSnapshot, ListStreams, Load, LoadedStream, NewSnapshot, Page, ReadAll,
        ReadStream, StoredEvent, StreamInfo, Unavailable,
    },
};
use futures_util::Stream;

/// The store. Of its projections' calls one in so many fails; those of its events do not.
#[derive(Clone, Debug)]
pub(crate) struct Unreliable<S> {
    inner: S,
    chance: Arc<AtomicU32>,
    /// Counts on through the numbers of a generator, the same in every run.
    turn: Arc<AtomicU64>,
    failures: Arc<AtomicU64>,
    pages: Arc<AtomicU64>,
    refuses: Arc<AtomicBool>,
    passing: Arc<AtomicBool>,
    /// It is cut off as soon as a batch begins, or a checkpoint is to move.
    cuts: Arc<AtomicBool>,
    is_cut: Arc<AtomicBool>,
}

impl<S> Unreliable<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self {
            inner,
            chance: Arc::default(),
            turn: Arc::default(),
            failures: Arc::default(),
            pages: Arc::default(),
            refuses: Arc::default(),
            passing: Arc::default(),
            cuts: Arc::default(),
            is_cut: Arc::default(),
        }
    }

    /// As soon as a batch begins, or a checkpoint is to move, that fails, and all that is asked for behind it, until the
    /// connection is [mended](Self::mend).
    pub(crate) fn cut_at_next_batch(&self) {
        self.cuts.store(true, Ordering::SeqCst);
    }

    /// Waits until it was cut off.
    pub(crate) async fn until_cut(&self) {
        while !self.is_cut.load(Ordering::SeqCst) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }

    fn batch(&self) {
        if self.cuts.swap(false, Ordering::SeqCst) {
            self.is_cut.store(true, Ordering::SeqCst);
        }
    }

    /// One call in so many fails from here on; none for 0.
    pub(crate) fn fails_one_in(&self, calls: u32) {
        self.chance.store(calls, Ordering::SeqCst);
    }

    /// Refuses every commit from here on, as for a constraint that is looked at last.
    pub(crate) fn refuses_commits(&self) {
        self.refuses.store(true, Ordering::SeqCst);
    }

    /// Takes the errors of handlers for such as will pass.
    pub(crate) fn hopes(&self) {
        self.passing.store(true, Ordering::SeqCst);
    }

    /// How many calls have failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    /// How many pages of events were read since this was last asked.
    pub(crate) fn pages(&self) -> u64 {
        self.pages.swap(0, Ordering::SeqCst)
    }

    fn fate(&self) -> Fate {
        let chance = u64::from(self.chance.load(Ordering::SeqCst));
        let turn = self.turn.fetch_add(1, Ordering::SeqCst);
        // SplitMix64.
        let mut number = turn.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^= number >> 31;
        if chance == 0 || !number.is_multiple_of(chance) {
            return Fate::Well;
        }
        self.failures.fetch_add(1, Ordering::SeqCst);
        if (number / chance).is_multiple_of(2) { Fate::Before } else { Fate::Behind }
    }

    /// Makes a call, which may fail before or behind.
    async fn call<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let fate = self.fate();
        // Others have a turn, and whoever is aborted is so in the midst of it.
        tokio::task::yield_now().await;
        if fate == Fate::Before || self.is_cut.load(Ordering::SeqCst) {
            return Err(gone());
        }
        let answer = call.await?;
        tokio::task::yield_now().await;
        if fate == Fate::Behind { Err(gone()) } else { Ok(answer) }
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Well,
    /// It never takes place.
    Before,
    /// It takes place, and nobody is told.
    Behind,
}

fn gone() -> StoreError {
    Unavailable::new("it is gone", "the plug was pulled").into()
}

impl<S: EventStore> EventStore for Unreliable<S> {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        self.inner.append(append).await
    }

    async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        self.inner.append_all(appends).await
    }

    async fn load(&self, load: Load) -> Result<LoadedStream, StoreError> {
        self.inner.load(load).await
    }

    fn read_stream(&self, read: ReadStream) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<S> {
        self.inner.read_stream(read)
    }

    fn streams(&self, list: ListStreams) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<S> {
        self.inner.streams(list)
    }

    async fn archive(&self, stream: StreamId) -> Result<(), StoreError> {
        self.inner.archive(stream).await
    }

    async fn restore(&self, stream: StreamId) -> Result<(), StoreError> {
        self.inner.restore(stream).await
    }

    async fn read_page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        self.pages.fetch_add(1, Ordering::SeqCst);
        self.call(self.inner.read_page(read)).await
    }

    async fn wait_beyond(&self, position: Position, history: HistoryId) {
        self.inner.wait_beyond(position, history).await;
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        self.inner.settled().await
    }

    async fn save_snapshot(&self, snapshot: NewSnapshot) -> Result<(), StoreError> {
        self.inner.save_snapshot(snapshot).await
    }

    async fn kept_snapshot(&self, stream: StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
        self.inner.kept_snapshot(stream).await
    }

    async fn history(&self) -> Result<HistoryId, StoreError> {
        self.call(self.inner.history()).await
    }
}

impl<S: ProjectionStore> ProjectionStore for Unreliable<S> {
    type Context<'t> = S::Context<'t>;
    type Transaction = S::Transaction;

    async fn prepare(&self, projections: &[ProjectionSchema]) -> Result<(), PrepareError> {
        self.inner.prepare(projections).await
    }

    async fn keep_alive(&self, engine: &EngineInfo, held: &[Claim]) -> Result<Roster, StoreError> {
        self.call(self.inner.keep_alive(engine, held)).await
    }

    async fn claim(&self, engine: &EngineInfo, shard: ShardId) -> Result<Option<Claim>, StoreError> {
        self.call(self.inner.claim(engine, shard)).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        self.call(self.inner.release(claim)).await
    }

    async fn leave(&self, engine: EngineId) -> Result<(), StoreError> {
        self.call(self.inner.leave(engine)).await
    }

    async fn roster(&self, projections: &[ProjectionId]) -> Result<Roster, StoreError> {
        self.inner.roster(projections).await
    }

    async fn begin(&self, claim: &Claim, advance: &Advance) -> Result<Option<S::Transaction>, StoreError> {
        self.batch();
        self.call(self.inner.begin(claim, advance)).await
    }

    fn context<'t>(&self, transaction: &'t mut S::Transaction) -> S::Context<'t> {
        self.inner.context(transaction)
    }

    async fn commit(&self, transaction: S::Transaction) -> Result<(), StoreError> {
        if self.refuses.load(Ordering::SeqCst) {
            self.inner.rollback(transaction).await;
            return Err(StoreError::Backend { doing: "committing", source: "there is one already".into() });
        }
        self.call(self.inner.commit(transaction)).await
    }

    async fn rollback(&self, transaction: S::Transaction) {
        self.inner.rollback(transaction).await;
    }

    async fn advance(&self, claim: &Claim, advance: &Advance) -> Result<bool, StoreError> {
        self.batch();
        self.call(self.inner.advance(claim, advance)).await
    }

    fn transience(&self, error: &HandlerError) -> Transience {
        match error.downcast_ref::<StoreError>() {
            Some(StoreError::Unavailable(_)) => Transience::Unavailable,
            None if self.passing.load(Ordering::SeqCst) => Transience::Passing,
            _ => self.inner.transience(error),
        }
    }

    async fn load_rows(
        &self,
        transaction: &mut S::Transaction,
        table: &TableSchema,
        keys: &[String],
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        self.call(self.inner.load_rows(transaction, table, keys)).await
    }

    async fn write_rows(
        &self,
        transaction: &mut S::Transaction,
        table: &TableSchema,
        rows: String,
        removed: &[String],
    ) -> Result<(), StoreError> {
        self.call(self.inner.write_rows(transaction, table, rows, removed)).await
    }

    async fn find_rows(
        &self,
        table: &TableSchema,
        condition: &str,
        arguments: Vec<Argument>,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        self.inner.find_rows(table, condition, arguments).await
    }

    async fn find_row(&self, table: &TableSchema, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.find_row(table, key).await
    }

    async fn set_aside(&self, transaction: &mut S::Transaction, letters: &[DeadLetter]) -> Result<(), StoreError> {
        self.call(self.inner.set_aside(transaction, letters)).await
    }

    async fn stop(&self, claim: &Claim, from: Position, failure: &Failure) -> Result<bool, StoreError> {
        self.call(self.inner.stop(claim, from, failure)).await
    }

    async fn parked_keys(&self, shard: ShardId) -> Result<Vec<String>, StoreError> {
        self.call(self.inner.parked_keys(shard)).await
    }

    async fn dead_letters(
        &self,
        projection: ProjectionId,
        limit: u32,
    ) -> Result<Vec<(DeadLetter, StoredEvent)>, StoreError> {
        self.inner.dead_letters(projection, limit).await
    }

    async fn redrive(&self, projection: ProjectionId) -> Result<(), StoreError> {
        self.inner.redrive(projection).await
    }

    async fn parked_events(&self, shard: ShardId, key: &str, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        self.call(self.inner.parked_events(shard, key, limit)).await
    }

    async fn unpark(
        &self,
        transaction: &mut S::Transaction,
        shard: ShardId,
        key: &str,
        upto: Position,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.unpark(transaction, shard, key, upto)).await
    }

    async fn redriven(&self, transaction: &mut S::Transaction, shard: ShardId, wish: u64) -> Result<(), StoreError> {
        self.call(self.inner.redriven(transaction, shard, wish)).await
    }

    async fn set_activity(&self, projection: ProjectionId, activity: Activity) -> Result<(), StoreError> {
        self.inner.set_activity(projection, activity).await
    }

    async fn switch(&self, projection: ProjectionId, upto: Position) -> Result<bool, StoreError> {
        self.call(self.inner.switch(projection, upto)).await
    }

    async fn drop_older(&self, name: &'static str) -> Result<(), StoreError> {
        self.inner.drop_older(name).await
    }

    async fn lag(&self, projection: &ProjectionSchema, after: Position) -> Result<Lag, StoreError> {
        self.inner.lag(projection, after).await
    }
}
