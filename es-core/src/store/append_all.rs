//! Appends to several streams that are stored together or not at all: what is checked of them, and what can be wrong
//! with them as a whole.

use std::collections::HashSet;

use super::{
    append::{Append, Appended},
    error::StoreError,
    invalid::InvalidRequest,
    limits,
};
use crate::recorded::StreamId;

impl Append {
    /// Refuses what no store can keep together: each append by itself, two to one stream, none at all, and too much in
    /// sum. Stores call it in [`EventStore::append_all`](super::EventStore::append_all), before anything else.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the first limit that is broken.
    pub fn check_all(appends: &[Self]) -> Result<(), InvalidRequest> {
        if appends.is_empty() {
            return Err(InvalidRequest::NoAppends);
        }
        let mut streams = HashSet::with_capacity(appends.len());
        let (mut events, mut bytes) = (0, 0);
        for append in appends {
            append.check()?;
            if !streams.insert(&append.stream) {
                return Err(InvalidRequest::StreamTwice { stream: append.stream.clone() });
            }
            events += append.events.len();
            bytes += append.events.iter().map(|event| event.payload.len()).sum::<usize>();
        }
        if events > limits::MAX_EVENTS {
            return Err(InvalidRequest::TooManyEvents { events, limit: limits::MAX_EVENTS });
        }
        if bytes > limits::MAX_APPEND_BYTES {
            return Err(InvalidRequest::AppendTooLarge { bytes, limit: limits::MAX_APPEND_BYTES });
        }
        Ok(())
    }
}

/// Of appends that were to be stored together, some stand already and others do not. Nothing was stored now.
///
/// Those that stand were not stored by this request: what is stored together stands together. Either a key of theirs was
/// used before, alone or in other company, or their events were. To try again as it is does not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the append to {standing} stands already, and the one to {missing}, which was to be stored together with it, does not: \
     nothing was stored; a key, or event ids, of the first were used before, so give keys that name the whole request"
)]
#[non_exhaustive]
pub struct PartlyStored {
    /// The first stream in which the append stands already.
    pub standing: StreamId,
    /// The first stream in which it does not.
    pub missing: StreamId,
}

impl PartlyStored {
    /// The mixture, for stores.
    pub fn new(standing: StreamId, missing: StreamId) -> Self {
        Self { standing, missing }
    }

    /// The answer to appends of which a store has looked up which stand already: the first results if all do, nothing if
    /// none does. For stores.
    ///
    /// # Errors
    /// [`StoreError::PartlyStored`] if some do.
    pub fn check(streams: &[&StreamId], standing: Vec<Option<Appended>>) -> Result<Option<Vec<Appended>>, StoreError> {
        let first = |stands| streams.iter().zip(&standing).find(|(_, one)| one.is_some() == stands);
        match (first(true), first(false)) {
            (Some((&standing, _)), Some((&missing, _))) => Err(Self::new(standing.clone(), missing.clone()).into()),
            (_, None) => Ok(standing.into_iter().collect()),
            (None, _) => Ok(None),
        }
    }
}
