//! The way of a command: a remembered state or a load, the decision, the append, and again when another writer came first.

use std::{sync::Arc, time::Duration};

use super::{
    Executed, Repository,
    cache::{Found, StateCache},
    error::ExecuteError,
    record,
    rehydrate::{self, Basis, Hydrated},
    retry::{Patience, at_the_longest},
};
use crate::{
    aggregate::Aggregate,
    command::{Command, CommandContext},
    recorded::{EventId, Metadata, StreamId, StreamVersion},
    store::{Append, Appended, EventStore, Expected, KeyedAppend, StoreError, Turn, Until},
};

/// How long a command waits for another's turn to end. Stores end it when they answer; this is for one that leaves the work to
/// its callers, of whom one may have stopped.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// What is asked of one aggregate.
pub(super) struct Asked<'a, A: Aggregate, S, C> {
    pub(super) repository: &'a Repository<A, S>,
    pub(super) id: &'a A::Id,
    pub(super) command: C,
    pub(super) metadata: Metadata,
    pub(super) idempotency_key: Option<String>,
}

/// It on its way.
pub(super) struct UnderWay<'a, A: Aggregate, S, C> {
    asked: Asked<'a, A, S, C>,
    stream: StreamId,
    patience: Patience,
}

impl<'a, A: Aggregate, S: EventStore, C: Command<A>> Asked<'a, A, S, C> {
    pub(super) fn under_way(self) -> UnderWay<'a, A, S, C> {
        let stream = Repository::<A, S>::stream(self.id);
        let patience = Patience::of(&self.repository.retry);
        UnderWay { asked: self, stream, patience }
    }
}

impl<A: Aggregate, S: EventStore, C: Command<A>> UnderWay<'_, A, S, C> {
    /// To its end.
    pub(super) async fn run(mut self) -> Result<Executed<A>, ExecuteError<C::Error>> {
        if let Some(executed) = self.try_remembered_state().await? {
            return Ok(executed);
        }
        loop {
            let (hydrated, keyed) = self.load().await?;
            if let Some(keyed) = keyed {
                return Ok(self.first_result(keyed).await?);
            }
            let events = match self.decide(&hydrated) {
                Ok(events) if events.is_empty() => return Ok(self.nothing_to_do(hydrated)),
                Ok(events) => events,
                Err(refusal) => {
                    if let Some(cache) = &self.asked.repository.cache {
                        cache.put(&self.stream, hydrated);
                    }
                    return Err(refusal);
                }
            };
            match self.append(Basis::Loaded(hydrated), events, Turn::default()).await {
                Err(error) if must_decide_again(&error) => {
                    // Other events are decided now, so they get other ids.
                    self.asked.metadata.event_id = EventId::now();
                    self.patience.after_conflict(error).await?;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    /// One attempt upon a remembered state, without a load. It may be an old one, so only a success is told; `None` where
    /// there is no such state, or anything else came of it.
    async fn try_remembered_state(&mut self) -> Result<Option<Executed<A>>, StoreError> {
        let Some(cache) = &self.asked.repository.cache else { return Ok(None) };
        let Some((remembered, turn)) = self.next_turn(cache).await else { return Ok(None) };
        let events = match self.decide(&remembered) {
            Ok(events) if !events.is_empty() => events,
            _ => {
                drop(turn);
                cache.pass_on(&self.stream);
                return Ok(None);
            }
        };
        match self.append(Basis::Remembered(remembered, cache.copier()), events, turn).await {
            Err(error) if must_decide_again(&error) => {
                cache.count(&self.stream, false);
                self.asked.metadata.event_id = EventId::now();
                Ok(None)
            }
            Ok(executed) => {
                cache.count(&self.stream, true);
                Ok(Some(executed))
            }
            Err(error) => {
                cache.pass_on(&self.stream);
                Err(error)
            }
        }
    }

    /// The remembered state, when no other command that was decided upon it is on its way. It would be in vain to decide
    /// before the one before is stored; but nobody waits for a caller who does not ask for his answer.
    async fn next_turn(&self, cache: &StateCache<A>) -> Option<(Arc<Hydrated<A>>, Turn)> {
        let mut asked_again = false;
        loop {
            match cache.get(&self.stream) {
                Found::State(remembered, turn) => return Some((remembered, turn)),
                Found::UnderWay(end) => at_the_longest(LONGEST_TURN, end.come()).await?,
                // The other was told a moment ago, and most likely is about to say.
                Found::Unsaid if !asked_again => {
                    asked_again = true;
                    tokio::task::yield_now().await;
                }
                Found::Unsaid | Found::Nothing => return None,
            }
        }
    }

    /// The present state, and the append that stands under the idempotency key. Without one, an archived stream is an error.
    pub(super) async fn load(&mut self) -> Result<(Hydrated<A>, Option<KeyedAppend>), StoreError> {
        loop {
            let key = self.asked.idempotency_key.clone();
            let request = rehydrate::request::<A>(self.stream.clone()).idempotency_key(key);
            match rehydrate::load::<A, S>(&self.asked.repository.store, request).await {
                Err(error) if self.patience.waits_for(&error).await => {}
                Ok((_, loaded)) if loaded.keyed.is_none() && loaded.archived_at.is_some() => {
                    return Err(StoreError::Archived { stream: self.stream.clone() });
                }
                outcome => return outcome.map(|(hydrated, loaded)| (hydrated, loaded.keyed)),
            }
        }
    }

    /// Lets the state decide, where the command may be given to it.
    pub(super) fn decide(&self, hydrated: &Hydrated<A>) -> Result<Vec<A::Event>, ExecuteError<C::Error>> {
        let (asked, version) = (&self.asked, hydrated.version);
        C::TARGET.check(version).map_err(|wrong| ExecuteError::wrong_target(wrong, self.stream.clone(), version))?;
        let context = CommandContext::new(asked.id, version, &asked.metadata);
        asked.command.decide(&hydrated.state, &context).map_err(ExecuteError::Rejected)
    }

    /// The request that stores the events at the version that they were decided at.
    pub(super) fn request(&self, hydrated: &Hydrated<A>, events: &[A::Event]) -> Result<Append, StoreError> {
        let new_events = record::encode(events, &self.asked.metadata)?;
        let append = Append::new(self.stream.clone(), Expected::Exact(hydrated.version), new_events);
        // In another history other events may have led to the same version.
        let mut append = append.decided_in(hydrated.history);
        append.idempotency_key.clone_from(&self.asked.idempotency_key);
        Ok(append)
    }

    /// Stores the events, and applies them to the state. The turn ends when the store has done with the request.
    async fn append(&mut self, basis: Basis<A>, events: Vec<A::Event>, turn: Turn) -> Result<Executed<A>, StoreError> {
        let mut request = self.request(&basis, &events)?;
        let until_answered = turn.until_answered();
        request.turn = turn;
        let answer = self.send(request).await;
        // The store may still have it in its hands. What is said below is said of a turn that has ended.
        drop(until_answered);
        let appended = answer.inspect_err(|error| self.forget(error))?;
        let first = appended.events.first();
        if appended.replayed && first.map(|placed| placed.event_id) != Some(self.asked.metadata.event_id.of_event(0)) {
            // The same key came in by another way since our load: the first result is theirs.
            let version = first.map_or(StreamVersion::EMPTY, |placed| placed.version);
            return self.first_result(KeyedAppend::new(version, appended.events.len() as u64)).await;
        }
        Ok(self.stored(basis, events, &appended).await)
    }

    /// The result of events that were stored: the state after them, remembered, and kept as a snapshot where one is due.
    async fn stored(&self, basis: Basis<A>, events: Vec<A::Event>, appended: &Appended) -> Executed<A> {
        let Repository { store, cache, .. } = self.asked.repository;
        let (mut snapshot, history) = (basis.snapshot, basis.history);
        // What is remembered is behind now. Without it the state is ours alone, and need not be copied to be changed.
        if let Some(cache) = cache {
            cache.outgrown(&self.stream, appended.version(), history);
        }
        let state = basis.into_state();
        let executed = record::applied(&self.stream, state, events, &self.asked.metadata, appended);
        if let Some(due) = record::snapshot_due(&self.stream, &executed, snapshot, history)
            // A snapshot is only a shortcut: without it the next load takes longer, and a later append tries again.
            && store.save_snapshot(due).await.is_ok()
        {
            snapshot = executed.version;
        }
        if let Some(cache) = cache {
            let (version, position) = (executed.version, executed.position);
            let state = cache.copier()(&executed.state);
            cache.put(&self.stream, Hydrated { state, version, position, snapshot, history });
        }
        executed
    }

    /// Sends an append, and the same one again where the store could not answer and the policy says so.
    async fn send(&mut self, mut append: Append) -> Result<Appended, StoreError> {
        let store = &self.asked.repository.store;
        let mut unknown = None;
        while self.patience.is_left() {
            let again = append.clone();
            match store.append(std::mem::replace(&mut append, again)).await {
                Err(error) if self.patience.waits_for(&error).await => {
                    if matches!(error, StoreError::OutcomeUnknown { .. }) {
                        unknown = Some(error);
                    }
                }
                outcome => return known(outcome, unknown),
            }
        }
        known(store.append(append).await, unknown)
    }

    /// What the first command of the same idempotency key led to, read back from the store.
    pub(super) async fn first_result(&self, keyed: KeyedAppend) -> Result<Executed<A>, StoreError> {
        let before = StreamVersion::new(keyed.first.get() - 1);
        let request = rehydrate::request::<A>(self.stream.clone());
        let mut request = request.until(Until::Version(keyed.last)).snapshot_at_most(before);
        request.metadata = true;
        let (hydrated, loaded) = rehydrate::load::<A, S>(&self.asked.repository.store, request).await?;
        let events = loaded
            .events
            .into_iter()
            .filter(|stored| stored.version >= keyed.first)
            .filter_map(|stored| stored.decode().transpose())
            .collect::<Result<_, _>>()?;
        let Hydrated { state, version, position, .. } = hydrated;
        Ok(Executed { state, version, position, events, replayed: true })
    }

    fn nothing_to_do(&self, hydrated: Hydrated<A>) -> Executed<A> {
        let Hydrated { version, position, .. } = hydrated;
        let state = self.asked.repository.remember_and_give(&self.stream, hydrated);
        Executed { state, version, position, events: Vec::new(), replayed: false }
    }

    /// What an append that failed says about what is remembered.
    fn forget(&self, error: &StoreError) {
        match (&self.asked.repository.cache, error) {
            (Some(cache), StoreError::Conflict(conflict)) => cache.forget_old(&self.stream, conflict.actual),
            (Some(cache), _) => cache.forget(&self.stream),
            (None, _) => {}
        }
    }
}

/// Whether nothing was stored because the state is not the one that stands.
fn must_decide_again(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_) | StoreError::HistoryDiverged(_))
}

/// What became of an append that was sent before, when the outcome was `unknown`. A success and a conflict settle it: a
/// store looks for the events before it looks at the version. Any other failure says nothing about the first time.
fn known(outcome: Result<Appended, StoreError>, unknown: Option<StoreError>) -> Result<Appended, StoreError> {
    match (outcome, unknown) {
        (Err(error), Some(unknown)) if !matches!(error, StoreError::Conflict(_)) => Err(unknown),
        (outcome, _) => outcome,
    }
}
