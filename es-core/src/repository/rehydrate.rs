//! Building up a state from what a store gives: a snapshot and the events behind it.

use std::{ops::Deref, sync::Arc};

use crate::{
    aggregate::{Aggregate, EventHandlers},
    recorded::{Metadata, Position, StreamId, StreamVersion},
    store::{Corrupt, EventStore, HistoryId, Load, LoadedStream, StoreError, StoredEvent},
};

/// A state with the place in its stream that it belongs to.
#[derive(Debug)]
pub(super) struct Hydrated<A> {
    pub(super) state: A,
    pub(super) version: StreamVersion,
    pub(super) position: Position,
    /// The version of the snapshot that it was built upon; 0 for none.
    pub(super) snapshot: StreamVersion,
    /// The history of the store that it was read from.
    pub(super) history: HistoryId,
}

/// What a decision rests on.
#[derive(Debug)]
pub(super) enum Basis<A> {
    /// A state that was loaded for it.
    Loaded(Hydrated<A>),
    /// One that the repository remembers. Others may look at it too, and it can be copied for them.
    Remembered(Arc<Hydrated<A>>, fn(&A) -> A),
}

impl<A> Basis<A> {
    /// The state to go on with, copied only where others look at it.
    pub(super) fn into_state(self) -> A {
        match self {
            Self::Loaded(hydrated) => hydrated.state,
            Self::Remembered(shared, copy) => match Arc::try_unwrap(shared) {
                Ok(hydrated) => hydrated.state,
                Err(shared) => copy(&shared.state),
            },
        }
    }
}

impl<A> Deref for Basis<A> {
    type Target = Hydrated<A>;

    fn deref(&self) -> &Hydrated<A> {
        match self {
            Self::Loaded(hydrated) => hydrated,
            Self::Remembered(shared, _) => shared,
        }
    }
}

/// A request for a state of `A`, from a snapshot where the aggregate keeps them.
pub(super) fn request<A: Aggregate>(stream: StreamId) -> Load {
    let load = Load::new(stream).snapshot(A::SNAPSHOTS.map(|snapshots| snapshots.fingerprint()));
    if <A as EventHandlers<A::Event>>::READS_METADATA { load } else { load.without_metadata() }
}

/// Loads and builds up. A snapshot that does not decode is left aside, and the whole stream is replayed instead.
pub(super) async fn load<A: Aggregate, S: EventStore>(
    store: &S,
    request: Load,
) -> Result<(Hydrated<A>, LoadedStream), StoreError> {
    let mut loaded = store.load(request.clone()).await?;
    let start = if let Some(start) = restore(&loaded) {
        start
    } else {
        loaded = store.load(request.snapshot(None)).await?;
        Hydrated::empty(loaded.history)
    };
    let hydrated = start.replay(&loaded.events)?;
    Ok((hydrated, loaded))
}

/// The state to start from; `None` where there is a snapshot that does not decode.
fn restore<A: Aggregate>(loaded: &LoadedStream) -> Option<Hydrated<A>> {
    let (Some(snapshot), Some(snapshots)) = (&loaded.snapshot, A::SNAPSHOTS) else {
        return Some(Hydrated::empty(loaded.history));
    };
    let state = snapshots.decode(&snapshot.state).ok()?;
    let (version, position) = (snapshot.version, snapshot.position);
    Some(Hydrated { state, version, position, snapshot: version, history: loaded.history })
}

impl<A> Hydrated<A> {
    /// Whether this is to be remembered rather than the other: a later state, or one of another history.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        self.version > other.version || self.history != other.history
    }
}

impl<A: Aggregate> Hydrated<A> {
    fn empty(history: HistoryId) -> Self {
        Self {
            state: A::initial(),
            version: StreamVersion::EMPTY,
            position: Position::START,
            snapshot: StreamVersion::EMPTY,
            history,
        }
    }

    /// Applies the events behind the state, and makes sure that none is missing.
    fn replay(mut self, events: &[StoredEvent]) -> Result<Self, Box<Corrupt>> {
        let unread = Metadata::unread();
        for stored in events {
            let next = self.version.after(1);
            if stored.version != next {
                return Err(Corrupt::gap(stored, next));
            }
            // A retired event is a version like any other, and changes nothing.
            if let Some(event) = stored.decode_event::<A::Event>()? {
                if <A as EventHandlers<A::Event>>::READS_METADATA {
                    self.state.fold(event, &stored.decode_metadata()?);
                } else {
                    self.state.fold(event, &unread);
                }
            }
            self.version = stored.version;
            self.position = stored.position;
        }
        Ok(self)
    }
}
