//! What a store must do so that projections can run on it.

use std::{future::Future, sync::Arc};

use super::{
    ReadModel, Table,
    arguments::Argument,
    column::TableSchema,
    error::HandlerError,
    inline::InlineReadModel,
    ownership::{Activity, Advance, Claim, DeadLetter, EngineId, EngineInfo, Failure, Roster},
    prepare::PrepareError,
    schema::{ProjectionId, ProjectionSchema, ShardId},
};
use crate::{
    recorded::Position,
    store::{EventStore, StoreError, StoredEvent},
};

/// A store that keeps projections beside its events.
///
/// # The contract
///
/// **One transaction.** What is written between [`begin`] and [`commit`] is there as a whole or not at all, together with
/// the move of the checkpoint that `begin` made. A transaction that is dropped has done nothing.
///
/// **The fence.** [`begin`], [`advance`] and [`stop`] first compare, in the row that holds the checkpoint, the claim's
/// engine and epoch, the position from which they move, and that the shard is running; and the history in which the
/// events were read. Where any of it differs they do nothing and say `None` or `false`. In the same step they extend the
/// lease, or give it back where the shard stops. Until the transaction ends nobody can claim the shard, renew the claim or move the checkpoint.
///
/// **Claims.** Of any number of claims to one shard one succeeds; its epoch is higher than all before it. A claim of
/// another engine can be taken over only after its lease has run out by the clock of the store, and never while one of
/// its transactions is open; a store ends those of an owner that has stopped to answer for longer than its lease. An
/// engine that claims what it owns already has a new epoch, and its older claim is void.
///
/// **Versions.** Each version of a read model has a table of its own; readers see that of the active one under the name of
/// the read model, in one view of the data whatever their isolation level. [`switch`] makes a newer version the active
/// one, in one step; never an older one.
///
/// **Nothing waits for the wrong one.** No call waits for a transaction of another shard.
///
/// Rows of read models travel as JSON: in, as objects whose members are the columns; out, as arrays in the order of
/// the columns. Keys travel as text.
///
/// [`begin`]: Self::begin
/// [`commit`]: Self::commit
/// [`advance`]: Self::advance
/// [`stop`]: Self::stop
/// [`switch`]: Self::switch
pub trait ProjectionStore: EventStore {
    /// What the handlers of projections take as their context.
    type Context<'t>: Send;
    /// A transaction that is open.
    type Transaction: Send + 'static;

    // ── Making ready ────────────────────────────────────────────────────────

    /// Makes known what is to run, and makes the tables for it; again changes nothing. A version that is older than one
    /// that the store knows is not made anew: it goes on if it is there still, and is absent from rosters if it is not.
    ///
    /// Of each version the events are kept that it [handles](ProjectionSchema::events), and where it began. Where they
    /// [changed](ProjectionSchema::changed_events), those are looked for that lie behind where it began, and not behind where
    /// any of its shards stands: it has [passed](PrepareError::of_passed) them. Without any the events are kept anew.
    ///
    /// A name that is new becomes active in the version that comes with it.
    fn prepare(&self, projections: &[ProjectionSchema]) -> impl Future<Output = Result<(), PrepareError>> + Send;

    /// Has every append to this store and its clones change the rows of a read model, in the append's own transaction and as
    /// long as the store keeps it as [`Activity::Inline`]; until [`activate_inline`](Self::activate_inline) nothing
    /// changes. Prepared before. A store that cannot do so says [`PrepareError::NoInline`].
    fn enlist(&self, read_model: Arc<dyn InlineReadModel>) -> impl Future<Output = Result<(), PrepareError>> + Send {
        async move { Err(PrepareError::NoInline { projection: read_model.schema().id }) }
    }

    /// Makes a read model one that changes with the appends, if its shard runs, it is nearly at the end of all events, none
    /// of its events is parked, and no newer version is known: in one step that lets no append pass, it takes in what is
    /// left. From here on an append that would not change its rows is refused. `false` where it is not so far.
    fn activate_inline(
        &self,
        read_model: &dyn InlineReadModel,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let _ = read_model;
        async { Ok(false) }
    }

    // ── Ownership ───────────────────────────────────────────────────────────

    /// Says that an engine is alive, extends the leases of its claims, and tells who else is there and where all shards
    /// stand. A claim whose transaction is open is left as it is: its own `begin` has extended it.
    fn keep_alive(
        &self,
        engine: &EngineInfo,
        held: &[Claim],
    ) -> impl Future<Output = Result<Roster, StoreError>> + Send;

    /// Claims a shard; `None` where another engine owns it, or it is not there, or somebody is just doing something to it:
    /// nobody is waited for.
    fn claim(
        &self,
        engine: &EngineInfo,
        shard: ShardId,
    ) -> impl Future<Output = Result<Option<Claim>, StoreError>> + Send;

    /// Gives a claim back, so that another engine can have the shard at once. One that is void changes nothing.
    fn release(&self, claim: &Claim) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes an engine, and gives back all its claims.
    fn leave(&self, engine: EngineId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The shards of these projections, in their order, and which versions are active; those that are not there are
    /// left out. For every name all other versions are told too, older and newer, that are kept.
    fn roster(&self, projections: &[ProjectionId]) -> impl Future<Output = Result<Roster, StoreError>> + Send;

    // ── A batch ─────────────────────────────────────────────────────────────

    /// Opens a transaction whose first statement is the [fence](Self#the-contract), and moves the checkpoint. `None`
    /// where the claim is void, or the store has another history by now: claim again, and read on from where that says.
    fn begin(
        &self,
        claim: &Claim,
        advance: &Advance,
    ) -> impl Future<Output = Result<Option<Self::Transaction>, StoreError>> + Send;

    /// What handlers are given in this transaction.
    fn context<'t>(&self, transaction: &'t mut Self::Transaction) -> Self::Context<'t>;

    /// Ends a transaction. Where the answer is an error that is [`Unavailable`](Transience::Unavailable), whether it took
    /// place is to be read from the checkpoint; after any other it did not.
    fn commit(&self, transaction: Self::Transaction) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Undoes a transaction. As dropping it, but that what it used can be used again sooner.
    fn rollback(&self, transaction: Self::Transaction) -> impl Future<Output = ()> + Send;

    /// Moves the checkpoint behind the fence, where nothing else is to be written. `false` where the claim is void.
    fn advance(&self, claim: &Claim, advance: &Advance) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Whether an error of a handler, or a store's in the midst of a batch, will pass: then the batch is tried again as
    /// a whole. Looks along the causes of the error, as [`Transience::of`] does.
    fn transience(&self, error: &HandlerError) -> Transience;

    /// What is to be said to people of an error of a handler besides itself, such as that it tells only of another one that
    /// the handler has passed over.
    fn advice(&self, error: &HandlerError) -> Option<String> {
        let _ = error;
        None
    }

    // ── Rows of read models ─────────────────────────────────────────────────

    /// The rows of these keys in the table of just this version, each as a JSON array of its columns; those that are not
    /// there are left out.
    fn load_rows(
        &self,
        transaction: &mut Self::Transaction,
        table: &TableSchema,
        keys: &[String],
    ) -> impl Future<Output = Result<Vec<Vec<u8>>, StoreError>> + Send;

    /// Writes rows into the table of just this version, and removes others. `rows` is a JSON array of objects; a row
    /// whose key is there takes the place of that.
    fn write_rows(
        &self,
        transaction: &mut Self::Transaction,
        table: &TableSchema,
        rows: String,
        removed: &[String],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The rows that readers see for which a condition holds, in the store's own language, with what may follow it, such as
    /// `balance < $1 order by balance`; each as a JSON array of the columns of `table`. `$1` and so on stand for the
    /// arguments. An empty condition holds for all, and so does one that begins with what may follow it, such as
    /// `order by balance`: [`where_clause`](super::where_clause) tells them apart.
    fn find_rows(
        &self,
        table: &TableSchema,
        condition: &str,
        arguments: Vec<Argument>,
    ) -> impl Future<Output = Result<Vec<Vec<u8>>, StoreError>> + Send;

    /// The row of a key that readers see, as a JSON array of the columns of `table`.
    fn find_row(
        &self,
        table: &TableSchema,
        key: &str,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;

    // ── Failures ────────────────────────────────────────────────────────────

    /// Keeps events that are set aside, with the transaction. One that is there already is left as it is.
    fn set_aside(
        &self,
        transaction: &mut Self::Transaction,
        letters: &[DeadLetter],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Stops a shard in front of an event that cannot be projected; only under the claim, and where the checkpoint still
    /// is at `from`. `false` where the claim is void.
    ///
    /// It also gives the claim back: an engine asks again where it was not answered, and must not stop what somebody has
    /// had go on meanwhile.
    fn stop(
        &self,
        claim: &Claim,
        from: Position,
        failure: &Failure,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The keys of which events are parked by a shard.
    fn parked_keys(&self, shard: ShardId) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Up to `limit` events that were set aside by a projection, by their position, each with the event.
    fn dead_letters(
        &self,
        projection: ProjectionId,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<(DeadLetter, StoredEvent)>, StoreError>> + Send;

    /// Wants all parked events of a projection to be tried again, by whoever owns its shards. Each wish has a number of its
    /// own, higher than all before it: whoever sees to one ends that, and not one that came meanwhile.
    fn redrive(&self, projection: ProjectionId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Up to `limit` parked events of a key, by their position.
    fn parked_events(
        &self,
        shard: ShardId,
        key: &str,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<StoredEvent>, StoreError>> + Send;

    /// Removes the parked events of a key up to a position, with the transaction that has applied them. `false` where
    /// others of the key are left.
    fn unpark(
        &self,
        transaction: &mut Self::Transaction,
        shard: ShardId,
        key: &str,
        upto: Position,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends a wish to try parked events of a shard again, and those before it, with the transaction. A newer one stands,
    /// whether it was made before the transaction ends or while it is open.
    fn redriven(
        &self,
        transaction: &mut Self::Transaction,
        shard: ShardId,
        wish: u64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    // ── People ──────────────────────────────────────────────────────────────

    /// Pauses, or resumes, all shards of a projection. A batch that is under way ends first. A read model that changes with
    /// the appends does not any more when it is paused, and stands behind all of them; resumed, it stays as it is.
    fn set_activity(
        &self,
        projection: ProjectionId,
        activity: Activity,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Has a read model that changes with the appends change with no further one: it runs, and stands behind all of them.
    /// Of any other this changes nothing.
    fn end_inline(&self, projection: ProjectionId) -> impl Future<Output = Result<(), StoreError>> + Send {
        async move {
            self.set_activity(projection, Activity::Paused).await?;
            self.set_activity(projection, Activity::Running).await
        }
    }

    /// Makes a version the active one, if all its shards stand at `upto` or behind it, and at least where those of the
    /// active version stand; readers see its rows from here on. `false` where it has not come so far, or where a newer
    /// version is active. Of one that is active already, `true`.
    fn switch(&self, projection: ProjectionId, upto: Position)
    -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Removes all versions of a projection that are older than the active one, with their tables. Engines that still
    /// run one of them find their claims void.
    fn drop_older(&self, name: &'static str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// How far behind a shard at this position is, of the events that its projection handles.
    fn lag(
        &self,
        projection: &ProjectionSchema,
        after: Position,
    ) -> impl Future<Output = Result<Lag, StoreError>> + Send;

    // ── What comes with it ──────────────────────────────────────────────────

    /// The rows of a read model.
    fn read_model<R: ReadModel>(&self) -> Table<R, Self> {
        Table::new(self.clone())
    }
}

/// Whether an error will pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transience {
    /// It will come again: the projection's policy decides.
    Lasting,
    /// It will come again with every event, such as a missing right or table: the projection stops, whatever its policy.
    Broken,
    /// It is about others that were there at the same time, as a deadlock is: tried again, as often as is set.
    Passing,
    /// The store cannot be reached, which is about no event: tried again until it can.
    Unavailable,
}

/// How far a projection is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lag {
    /// How many events are still to come that it handles, counted up to [`Lag::MOST`].
    pub events: u64,
    /// How long ago the oldest of them was recorded, by the clock of the store; nothing where there is none.
    pub time: std::time::Duration,
}

impl Lag {
    /// Beyond this events are not counted: a count of all would take as long as reading them.
    pub const MOST: u64 = 100_000;

    /// A lag from its parts, for stores.
    pub const fn new(events: u64, time: std::time::Duration) -> Self {
        Self { events, time }
    }
}
