//! The way of a command: load, decide, append, and again when another writer came first.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
};

use chrono::{DateTime, Utc};

use super::{
    Repository,
    rehydrate::{self, Hydrated},
};
use crate::{
    aggregate::Aggregate,
    command::{Command, CommandContext, WrongTarget},
    recorded::{Envelope, EventId, Metadata, Position, Recorded, StreamId, StreamVersion},
    store::{
        Append, Appended, Conflict, EventStore, Expected, InvalidRequest, KeyedAppend, NewEvent, NewSnapshot,
        StoreError, Until,
    },
};

/// What a command led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Executed<A: Aggregate> {
    /// The state after the events; of a replayed command, as it was after the first time.
    pub state: A,
    /// The version of the stream's last event in that state.
    pub version: StreamVersion,
    /// The position of that event: what a read model must have reached to show this command's effect.
    pub position: Position,
    /// The events that the command led to, in order; empty when there was nothing to do.
    pub events: Vec<Recorded<A::Event>>,
    /// Whether a command with the same idempotency key was executed before, so that nothing was stored now and
    /// everything here is the first result.
    pub replayed: bool,
}

/// Why a command led to nothing. Unless it is [`StoreError::OutcomeUnknown`], nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError<E> {
    /// The domain refused.
    #[error("the command was rejected: {0}")]
    Rejected(E),
    /// The command is for an existing aggregate, and this one has no events.
    #[error("{stream} does not exist")]
    NotFound {
        /// The stream.
        stream: StreamId,
    },
    /// The command begins an aggregate, and this one has events already.
    #[error("{stream} exists already, at version {version}")]
    AlreadyExists {
        /// The stream.
        stream: StreamId,
        /// The version that it has.
        version: StreamVersion,
    },
    /// Other writers came first at every attempt.
    #[error("gave up after {attempts} attempts: {conflict}")]
    Conflict {
        /// The last conflict, with the expected and the actual version.
        conflict: Conflict,
        /// How often the command was decided.
        attempts: u32,
    },
    /// The store could not do its part.
    #[error(transparent)]
    Store(StoreError),
}

impl<E> ExecuteError<E> {
    /// The domain's refusal, if it is one.
    pub fn rejection(&self) -> Option<&E> {
        match self {
            Self::Rejected(error) => Some(error),
            _ => None,
        }
    }

    /// Whether other writers came first at every attempt; executing again may succeed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// Whether the events, or the names that go with them, cannot be stored: the same command will never succeed.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Store(StoreError::Invalid(_)))
    }

    /// Whether the aggregate does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether the aggregate exists already.
    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::AlreadyExists { .. })
    }
}

impl<E> From<StoreError> for ExecuteError<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A command about to be executed; await it, or say first who asks, when, and under which key.
///
/// `C` is the command and `E` its error.
#[must_use = "nothing happens until this is awaited"]
pub struct Execute<'a, A: Aggregate, S, C, E> {
    repository: &'a Repository<A, S>,
    id: &'a A::Id,
    command: C,
    metadata: Metadata,
    idempotency_key: Option<String>,
    /// The way to a future for `.await`, fixed where `C` is known to be a command: for something that is none the
    /// compiler then says just that, and not also that this is no future.
    boxed: fn(Self) -> BoxFuture<'a, Outcome<A, E>>,
}

type Outcome<A, E> = Result<Executed<A>, ExecuteError<E>>;
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl<A: Aggregate, S, C, E> Execute<'_, A, S, C, E> {
    /// Who asks.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.metadata.actor = Some(actor.into());
        self
    }

    /// What the command belongs to, such as a request id.
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.metadata.correlation_id = Some(id.into());
        self
    }

    /// The event that led to this command.
    pub fn causation_id(mut self, id: EventId) -> Self {
        self.metadata.causation_id = Some(id);
        self
    }

    /// When it happened, where that is not now.
    pub fn occurred_at(mut self, time: DateTime<Utc>) -> Self {
        self.metadata.occurred_at = time;
        self
    }

    /// A further fact to keep with the events.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.extra.insert(name.into(), value.into());
        self
    }

    /// Names this command within its stream: a second one of the same name is not decided again, but answered with
    /// the first result. A command that led to no events, or was refused, does not take the name.
    ///
    /// The name alone counts: **another command under a name that is taken is not executed**, and gets the first one's
    /// result. Make names of what is asked, such as a request's id, and never use one for two things.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }
}

impl<'a, A: Aggregate, S: EventStore, C: Command<A>> Execute<'a, A, S, C, C::Error> {
    pub(super) fn new(repository: &'a Repository<A, S>, id: &'a A::Id, command: C) -> Self
    where
        C: 'a,
        C::Error: Send,
    {
        let (metadata, boxed) =
            (Metadata::at(Utc::now()), |execute: Self| -> BoxFuture<'a, _> { Box::pin(execute.run()) });
        Self { repository, id, command, metadata, idempotency_key: None, boxed }
    }

    /// Executes, without the box that `.await` needs.
    ///
    /// # Errors
    /// [`ExecuteError`]
    pub async fn run(mut self) -> Result<Executed<A>, ExecuteError<C::Error>> {
        let stream = Repository::<A, S>::stream(self.id);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let request = rehydrate::request::<A>(stream.clone()).idempotency_key(self.idempotency_key.clone());
            let (hydrated, loaded) = rehydrate::load::<A, S>(&self.repository.store, request).await?;
            if let Some(keyed) = loaded.keyed {
                return Ok(self.first_result(stream, keyed).await?);
            }
            let events = self.decide(&stream, &hydrated)?;
            if events.is_empty() {
                let Hydrated { state, version, position, .. } = hydrated;
                return Ok(Executed { state, version, position, events: Vec::new(), replayed: false });
            }
            match self.append(&stream, hydrated, events).await {
                Err(StoreError::Conflict(conflict)) if attempts >= self.repository.attempts => {
                    return Err(ExecuteError::Conflict { conflict, attempts });
                }
                // Other events are decided now, so they get other ids.
                Err(StoreError::Conflict(_)) => self.metadata.event_id = EventId::now(),
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Lets the state decide, where the command may be given to it.
    fn decide(&self, stream: &StreamId, hydrated: &Hydrated<A>) -> Result<Vec<A::Event>, ExecuteError<C::Error>> {
        let (stream, version) = (stream.clone(), hydrated.version);
        C::TARGET.check(version).map_err(|wrong| match wrong {
            WrongTarget::NotFound => ExecuteError::NotFound { stream },
            WrongTarget::AlreadyExists => ExecuteError::AlreadyExists { stream, version },
        })?;
        let context = CommandContext::new(self.id, version, &self.metadata);
        self.command.decide(&hydrated.state, &context).map_err(ExecuteError::Rejected)
    }

    /// Stores the events at the version that they were decided at, and applies them to the state.
    async fn append(
        &self,
        stream: &StreamId,
        hydrated: Hydrated<A>,
        events: Vec<A::Event>,
    ) -> Result<Executed<A>, StoreError> {
        let store = &self.repository.store;
        let metadata: Vec<_> = (0..events.len()).map(|earlier| self.metadata.of_event(earlier)).collect();
        let new_events = events
            .iter()
            .zip(&metadata)
            .map(|(event, metadata)| NewEvent::encode(event, metadata.clone()))
            .collect::<Result<_, _>>()
            .map_err(InvalidRequest::Event)?;
        let mut append = Append::new(stream.clone(), Expected::Exact(hydrated.version), new_events);
        append.idempotency_key.clone_from(&self.idempotency_key);
        let appended = store.append(append).await?;
        if appended.replayed
            && appended.events.first().map(|placed| placed.event_id) != metadata.first().map(|m| m.event_id)
        {
            // The same key came in by another way between our load and our append: the first result is theirs.
            let first = appended.events.first().map_or(StreamVersion::EMPTY, |placed| placed.version);
            return self.first_result(stream.clone(), KeyedAppend::new(first, appended.events.len() as u64)).await;
        }
        let executed = applied(stream, hydrated.state, events, metadata, &appended);
        if let Some(snapshot) = snapshot_due(stream, &executed, hydrated.snapshot) {
            // A snapshot is only a shortcut: without it the next load takes longer, and the next append tries again.
            let _ = store.save_snapshot(snapshot).await;
        }
        Ok(executed)
    }

    /// What the first command of the same idempotency key led to, read back from the store.
    async fn first_result(&self, stream: StreamId, keyed: KeyedAppend) -> Result<Executed<A>, StoreError> {
        let before = StreamVersion::new(keyed.first.get() - 1);
        let mut request = rehydrate::request::<A>(stream).until(Until::Version(keyed.last)).snapshot_at_most(before);
        request.metadata = true;
        let (hydrated, loaded) = rehydrate::load::<A, S>(&self.repository.store, request).await?;
        let events = loaded
            .events
            .into_iter()
            .filter(|stored| stored.version >= keyed.first)
            .filter_map(|stored| stored.decode().transpose())
            .collect::<Result<_, _>>()?;
        let Hydrated { state, version, position, .. } = hydrated;
        Ok(Executed { state, version, position, events, replayed: true })
    }
}

/// The state after the events that were stored, and those events with their envelopes.
fn applied<A: Aggregate>(
    stream: &StreamId,
    mut state: A,
    events: Vec<A::Event>,
    metadata: Vec<Metadata>,
    appended: &Appended,
) -> Executed<A> {
    let events = events
        .into_iter()
        .zip(metadata)
        .zip(&appended.events)
        .map(|((event, metadata), placed)| {
            state.fold_ref(&event, &metadata);
            let envelope = Envelope::new(stream.clone(), placed.version, placed.position, placed.recorded_at, metadata);
            Recorded::new(event, envelope)
        })
        .collect();
    Executed { state, version: appended.version(), position: appended.position(), events, replayed: false }
}

/// The snapshot to keep after a command, if one is due and the state can be encoded.
fn snapshot_due<A: Aggregate>(stream: &StreamId, executed: &Executed<A>, last: StreamVersion) -> Option<NewSnapshot> {
    let snapshots = A::SNAPSHOTS?;
    if !snapshots.is_due(executed.version.get(), last.get()) {
        return None;
    }
    let state = snapshots.encode(&executed.state).ok()?;
    Some(NewSnapshot::new(stream.clone(), executed.version, executed.position, snapshots.fingerprint(), state))
}

impl<'a, A: Aggregate, S, C, E> IntoFuture for Execute<'a, A, S, C, E> {
    type Output = Outcome<A, E>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        (self.boxed)(self)
    }
}

impl<A: Aggregate, S, C, E> fmt::Debug for Execute<'_, A, S, C, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Execute")
            .field("id", self.id)
            .field("metadata", &self.metadata)
            .field("idempotency_key", &self.idempotency_key)
            .finish_non_exhaustive()
    }
}
