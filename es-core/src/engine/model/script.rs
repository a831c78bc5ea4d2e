//! The store that a runner of the model is given: it answers nothing by itself. Each call is told to the explorer, which
//! decides when it is done, and what is answered.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use chrono::DateTime;
use uuid::Uuid;

use super::log::{Event, Key, Logs};
use crate::{
    projection::{
        Activity, Advance, Argument, Claim, DeadLetter, EngineId, EngineInfo, Failure, HandlerError, Lag, PrepareError,
        ProjectionId, ProjectionSchema, ProjectionStore, Roster, ShardId, ShardState, TableSchema, Transience,
    },
    recorded::Position,
    store::{HistoryId, StoreError, StoredEvent, Unavailable},
};

/// What a runner asks of its store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Claim,
    ParkedKeys,
    ParkedEvents(Key),
    History,
    /// The feed reads a page.
    Read,
    Begin(Move),
    /// An event is handed to its handler, within the transaction.
    Handle(Event),
    Commit(Changes),
    Rollback,
    Advance(Move),
    Stop(Move),
}

/// What the fence looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Move {
    /// Which of the claims that the runner was given, from 0.
    pub(super) claim: u8,
    pub(super) from: u8,
    pub(super) to: u8,
    pub(super) history: u8,
}

/// What a transaction changes besides the checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Changes {
    pub(super) applied: Vec<Event>,
    pub(super) parked: Vec<(Key, u8)>,
    /// A key, and up to which position.
    pub(super) unparked: Vec<(Key, u8)>,
    /// Which wish was seen to.
    pub(super) redriven: Option<u8>,
}

/// What a runner is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    /// A claim, with the checkpoint.
    Claimed(u8),
    Yes,
    No,
    /// The handler does not understand the event.
    Refused,
    Keys(Vec<Key>),
    /// The positions of events.
    Events(Vec<u8>),
    History(u8),
    /// The connection is gone.
    Lost,
}

/// The store of one runner.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) logs: Arc<Logs>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
pub(super) struct State {
    /// What was asked and is not answered.
    call: Option<Call>,
    answer: Option<Answer>,
    /// Whom to wake with it.
    asker: Option<Waker>,
    /// How many claims the runner was given.
    claims: u8,
    /// Which history is read from.
    pub(super) history: u8,
    /// Whether pages are asked for, too.
    pub(super) asks_for_pages: bool,
    /// What the feed has on its shelf: behind which position it was read, and in which history.
    pub(super) shelf: Vec<(u8, u8)>,
}

impl Script {
    pub(super) fn new(logs: Arc<Logs>, history: u8) -> Self {
        let state = State {
            call: None,
            answer: None,
            asker: None,
            claims: 1,
            history,
            asks_for_pages: false,
            shelf: Vec::new(),
        };
        Self { logs, state: Arc::new(Mutex::new(state)) }
    }

    /// What is asked and not answered.
    pub(super) fn call(&self) -> Option<Call> {
        self.state().call.clone()
    }

    pub(super) fn shelf(&self) -> Vec<(u8, u8)> {
        self.state().shelf.clone()
    }

    /// From here on pages are asked for where histories may change; otherwise they are the same whenever they are read.
    pub(super) fn ask_for_pages(&self) {
        self.state().asks_for_pages = self.logs.are_several();
    }

    /// From here on this history is read from.
    pub(super) fn read_from(&self, history: u8) {
        self.state().history = history;
    }

    /// Answers what is asked.
    pub(super) fn answer(&self, answer: Answer) {
        let mut state = self.state();
        (state.call, state.answer) = (None, Some(answer));
        state.asker.take().into_iter().for_each(Waker::wake);
    }

    pub(super) async fn ask(&self, call: Call) -> Answer {
        let mut call = Some(call);
        poll_fn(move |context| {
            let mut state = self.state();
            if call.is_some() {
                (state.call, state.asker) = (call.take(), Some(context.waker().clone()));
            }
            state.answer.take().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Asks what is answered by yes, or by no.
    async fn is_so(&self, call: Call) -> Result<bool, StoreError> {
        match self.ask(call).await {
            Answer::Yes => Ok(true),
            Answer::No => Ok(false),
            _ => Err(lost()),
        }
    }

    fn movement(claim: &Claim, advance: &Advance) -> Move {
        let history = u8::try_from(advance.history.as_uuid().as_u128()).unwrap_or(u8::MAX);
        Move { claim: small(claim.epoch), from: small(advance.from.get()), to: small(advance.to.get()), history }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn lost() -> StoreError {
    Unavailable::new("it is gone", "the plug was pulled").into()
}

pub(super) fn small(number: u64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

pub(super) fn history_id(history: u8) -> HistoryId {
    HistoryId::from_uuid(Uuid::from_u128(history.into()))
}

/// A transaction: what it has to change.
#[derive(Debug)]
pub(super) struct Opened {
    changes: Changes,
}

/// What handlers are given.
#[derive(Debug)]
pub(super) struct Handling<'t> {
    script: Script,
    changes: &'t mut Changes,
}

impl Handling<'_> {
    /// Handles an event, if it can be understood.
    pub(super) async fn handle(&mut self, stored: &StoredEvent) -> Result<(), HandlerError> {
        let event = Event::of(stored);
        match self.script.ask(Call::Handle(event)).await {
            Answer::Yes => self.changes.applied.push(event),
            Answer::Refused => return Err(HandlerError::new("what is this?")),
            _ => return Err(HandlerError::new(lost())),
        }
        Ok(())
    }
}

impl ProjectionStore for Script {
    type Context<'t> = Handling<'t>;
    type Transaction = Opened;

    async fn claim(&self, engine: &EngineInfo, shard: ShardId) -> Result<Option<Claim>, StoreError> {
        match self.ask(Call::Claim).await {
            Answer::Claimed(position) => {
                let mut state = self.state();
                let epoch = u64::from(state.claims);
                state.claims += 1;
                Ok(Some(Claim::new(shard, engine.id, epoch, Position::new(position.into()), engine.lease)))
            }
            Answer::No => Ok(None),
            _ => Err(lost()),
        }
    }

    async fn begin(&self, claim: &Claim, advance: &Advance) -> Result<Option<Opened>, StoreError> {
        let opened = self.is_so(Call::Begin(Self::movement(claim, advance))).await?;
        Ok(opened.then(|| Opened { changes: Changes::default() }))
    }

    fn context<'t>(&self, transaction: &'t mut Opened) -> Handling<'t> {
        Handling { script: self.clone(), changes: &mut transaction.changes }
    }

    async fn commit(&self, transaction: Opened) -> Result<(), StoreError> {
        self.is_so(Call::Commit(transaction.changes)).await.map(drop)
    }

    async fn rollback(&self, _: Opened) {
        self.ask(Call::Rollback).await;
    }

    async fn advance(&self, claim: &Claim, advance: &Advance) -> Result<bool, StoreError> {
        self.is_so(Call::Advance(Self::movement(claim, advance))).await
    }

    async fn stop(&self, claim: &Claim, from: Position, _: &Failure) -> Result<bool, StoreError> {
        let from = small(from.get());
        self.is_so(Call::Stop(Move { claim: small(claim.epoch), from, to: from, history: 0 })).await
    }

    fn transience(&self, error: &HandlerError) -> Transience {
        match error.downcast_ref::<StoreError>() {
            Some(StoreError::Unavailable(_)) => Transience::Unavailable,
            _ => Transience::Lasting,
        }
    }

    async fn parked_keys(&self, _: ShardId) -> Result<Vec<String>, StoreError> {
        match self.ask(Call::ParkedKeys).await {
            Answer::Keys(keys) => Ok(keys.into_iter().map(|key| self.logs.name(key).to_owned()).collect()),
            _ => Err(lost()),
        }
    }

    async fn parked_events(&self, _: ShardId, key: &str, _: u32) -> Result<Vec<StoredEvent>, StoreError> {
        // The history cannot change between the answer and what is made of it.
        match self.ask(Call::ParkedEvents(self.logs.key(key))).await {
            Answer::Events(positions) => {
                let history = self.state().history;
                Ok(positions.into_iter().map(|position| self.logs.stored(history, position).clone()).collect())
            }
            _ => Err(lost()),
        }
    }

    async fn set_aside(&self, transaction: &mut Opened, letters: &[DeadLetter]) -> Result<(), StoreError> {
        let letters = letters.iter().map(|letter| (self.logs.key(&letter.key), small(letter.position.get())));
        transaction.changes.parked.extend(letters);
        Ok(())
    }

    async fn unpark(
        &self,
        transaction: &mut Opened,
        _: ShardId,
        key: &str,
        upto: Position,
    ) -> Result<bool, StoreError> {
        transaction.changes.unparked.push((self.logs.key(key), small(upto.get())));
        Ok(true)
    }

    async fn redriven(&self, transaction: &mut Opened, _: ShardId, wish: u64) -> Result<(), StoreError> {
        transaction.changes.redriven = Some(small(wish));
        Ok(())
    }

    /// The same for ever: nobody divides anew here.
    async fn roster(&self, projections: &[ProjectionId]) -> Result<Roster, StoreError> {
        let shards = projections
            .iter()
            .flat_map(|&projection| (0..self.logs.shards()).map(move |shard| ShardId { projection, shard }));
        let shards = shards.map(|shard| ShardState::new(shard, Position::START, DateTime::UNIX_EPOCH)).collect();
        Ok(Roster::new(Vec::new(), shards, projections.to_vec()))
    }

    // ── What no runner asks for ─────────────────────────────────────────────

    async fn prepare(&self, _: &[ProjectionSchema]) -> Result<(), PrepareError> {
        unreachable!("the engine prepares")
    }

    async fn keep_alive(&self, _: &EngineInfo, _: &[Claim]) -> Result<Roster, StoreError> {
        unreachable!("the supervisor asks")
    }

    async fn release(&self, _: &Claim) -> Result<(), StoreError> {
        unreachable!("the supervisor asks")
    }

    async fn leave(&self, _: EngineId) -> Result<(), StoreError> {
        unreachable!("the supervisor asks")
    }

    async fn load_rows(&self, _: &mut Opened, _: &TableSchema, _: &[String]) -> Result<Vec<Vec<u8>>, StoreError> {
        unreachable!("read models ask")
    }

    async fn write_rows(&self, _: &mut Opened, _: &TableSchema, _: String, _: &[String]) -> Result<(), StoreError> {
        unreachable!("read models ask")
    }

    async fn find_rows(&self, _: &TableSchema, _: &str, _: Vec<Argument>) -> Result<Vec<Vec<u8>>, StoreError> {
        unreachable!("people ask")
    }

    async fn find_row(&self, _: &TableSchema, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        unreachable!("people ask")
    }

    async fn dead_letters(&self, _: ProjectionId, _: u32) -> Result<Vec<(DeadLetter, StoredEvent)>, StoreError> {
        unreachable!("people ask")
    }

    async fn redrive(&self, _: ProjectionId) -> Result<(), StoreError> {
        unreachable!("people ask")
    }

    async fn set_activity(&self, _: ProjectionId, _: Activity) -> Result<(), StoreError> {
        unreachable!("people ask")
    }

    async fn switch(&self, _: ProjectionId, _: Position) -> Result<bool, StoreError> {
        unreachable!("the supervisor asks")
    }

    async fn drop_older(&self, _: &'static str) -> Result<(), StoreError> {
        unreachable!("people ask")
    }

    async fn lag(&self, _: &ProjectionSchema, _: Position) -> Result<Lag, StoreError> {
        unreachable!("the supervisor asks")
    }
}
