//! From decided events to stored ones: their ids and stored form before the append, the state and a snapshot after it.

use super::Executed;
use crate::{
    aggregate::Aggregate,
    event::EventSet,
    recorded::{Envelope, Metadata, Recorded, StreamId, StreamVersion},
    store::{Appended, HistoryId, InvalidRequest, NewEvent, NewSnapshot},
};

/// The stored form of the events that the command with this metadata led to.
pub(super) fn encode<E: EventSet>(events: &[E], command: &Metadata) -> Result<Vec<NewEvent>, InvalidRequest> {
    let encoded = events.iter().enumerate().map(|(earlier, event)| NewEvent::encode(event, command.of_event(earlier)));
    encoded.collect::<Result<_, _>>().map_err(InvalidRequest::Event)
}

/// The state after the events that were stored, and those events with their envelopes.
pub(super) fn applied<A: Aggregate>(
    stream: &StreamId,
    mut state: A,
    events: Vec<A::Event>,
    command: &Metadata,
    appended: &Appended,
) -> Executed<A> {
    let events = events
        .into_iter()
        .zip(&appended.events)
        .enumerate()
        .map(|(earlier, (event, placed))| {
            let metadata = command.of_event(earlier);
            state.fold_ref(&event, &metadata);
            let envelope = Envelope::new(stream.clone(), placed.version, placed.position, placed.recorded_at, metadata);
            Recorded::new(event, envelope)
        })
        .collect();
    Executed { state, version: appended.version(), position: appended.position(), events, replayed: false }
}

/// The snapshot to keep after a command, if one is due and the state can be encoded.
pub(super) fn snapshot_due<A: Aggregate>(
    stream: &StreamId,
    executed: &Executed<A>,
    last: StreamVersion,
    history: HistoryId,
) -> Option<NewSnapshot> {
    let snapshots = A::SNAPSHOTS?;
    if !snapshots.is_due(executed.version.get(), last.get()) {
        return None;
    }
    let state = snapshots.encode(&executed.state).ok()?;
    let (version, position) = (executed.version, executed.position);
    Some(NewSnapshot::new(stream.clone(), version, position, snapshots.fingerprint(), state).of_history(history))
}
