//! Loading one aggregate, at present or at an earlier time.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
};

use chrono::{DateTime, Utc};

use super::{Repository, rehydrate};
use crate::{
    aggregate::Aggregate,
    recorded::{Position, StreamId, StreamVersion},
    store::{EventStore, StoreError, Until},
};

/// The state of an aggregate with its place in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded<A> {
    /// The state.
    pub state: A,
    /// The version of the last event in it.
    pub version: StreamVersion,
    /// The position of the last event in it.
    pub position: Position,
}

/// Why a state could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There are no events: the aggregate does not exist, or did not exist at the time or position asked for.
    #[error("{stream} does not exist{}", if *.then { " at that time" } else { "" })]
    NotFound {
        /// The stream.
        stream: StreamId,
        /// Whether an earlier time, or a position, was asked for.
        then: bool,
    },
    /// The version asked for lies ahead of the stream, or is 0.
    #[error("{stream} has no version {asked}: {}", versions(*.last))]
    NoSuchVersion {
        /// The stream.
        stream: StreamId,
        /// The version asked for.
        asked: StreamVersion,
        /// The last version that there is.
        last: StreamVersion,
    },
    /// The aggregate is archived: only its history and its states of earlier versions and times can be had.
    #[error("{stream} is archived, since {archived_at}: load it `at_version` or `at_time`, or `restore` it")]
    Archived {
        /// The stream.
        stream: StreamId,
        /// Since when.
        archived_at: DateTime<Utc>,
    },
    /// The store could not answer.
    #[error("{0}")]
    Store(#[from] StoreError),
}

fn versions(last: StreamVersion) -> String {
    match last.get() {
        0 => "it does not exist".to_owned(),
        1 => "its only version is 1".to_owned(),
        last => format!("its versions are 1 to {last}"),
    }
}

impl LoadError {
    /// Whether the aggregate, or the version asked for, does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NoSuchVersion { .. })
    }

    /// Whether the aggregate is archived.
    pub fn is_archived(&self) -> bool {
        matches!(self, Self::Archived { .. })
    }
}

/// A state about to be loaded; await it, or say first of which time.
#[must_use = "nothing is loaded until this is awaited"]
pub struct LoadAggregate<'a, A: Aggregate, S> {
    repository: &'a Repository<A, S>,
    id: &'a A::Id,
    until: Until,
}

impl<'a, A: Aggregate, S: EventStore> LoadAggregate<'a, A, S> {
    pub(super) fn new(repository: &'a Repository<A, S>, id: &'a A::Id) -> Self {
        Self { repository, id, until: Until::Latest }
    }

    /// The state after the event of this version, counted from 1.
    pub fn at_version(mut self, version: impl Into<StreamVersion>) -> Self {
        self.until = Until::Version(version.into());
        self
    }

    /// The state as of everything up to this position in the whole store: what was to be seen by a reader of
    /// [`read_all`](EventStore::read_all) that had come as far. The states of several aggregates at one position fit together.
    ///
    /// Of a position that such a reader has reached the answer is the same for ever. Behind that, events may still come.
    pub fn at_position(mut self, position: impl Into<Position>) -> Self {
        self.until = Until::Position(position.into());
        self
    }

    /// The state as the store had recorded it at `time`: up to the first event recorded later.
    pub fn at_time(mut self, time: DateTime<Utc>) -> Self {
        self.until = Until::RecordedAt(time);
        self
    }

    /// Loads, without the box that `.await` needs.
    ///
    /// # Errors
    /// [`LoadError`]
    pub async fn run(self) -> Result<Loaded<A>, LoadError> {
        let stream = Repository::<A, S>::stream(self.id);
        if self.until == Until::Version(StreamVersion::EMPTY) {
            // Version 0 is the empty stream, of which there is no state; the last version helps to ask again.
            let every = Self::new(self.repository, self.id).at_version(u64::MAX);
            let last = match Box::pin(every.run()).await {
                Ok(loaded) => loaded.version,
                Err(LoadError::NoSuchVersion { last, .. }) => last,
                Err(other) => return Err(other),
            };
            return Err(LoadError::NoSuchVersion { stream, asked: StreamVersion::EMPTY, last });
        }
        let request = rehydrate::request::<A>(stream.clone()).until(self.until);
        let (hydrated, loaded) = rehydrate::load(&self.repository.store, request).await?;
        if let (Until::Latest, Some(archived_at)) = (self.until, loaded.archived_at) {
            return Err(LoadError::Archived { stream, archived_at });
        }
        match self.until {
            Until::Version(asked) if hydrated.version < asked => {
                return Err(LoadError::NoSuchVersion { stream, asked, last: hydrated.version });
            }
            _ if hydrated.version == StreamVersion::EMPTY => {
                return Err(LoadError::NotFound { stream, then: self.until != Until::Latest });
            }
            _ => {}
        }
        let (version, position) = (hydrated.version, hydrated.position);
        let state = match self.until {
            Until::Latest => self.repository.remember_and_give(&stream, hydrated),
            _ => hydrated.state,
        };
        Ok(Loaded { state, version, position })
    }
}

impl<'a, A: Aggregate, S: EventStore> IntoFuture for LoadAggregate<'a, A, S> {
    type Output = Result<Loaded<A>, LoadError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<A: Aggregate, S> fmt::Debug for LoadAggregate<'_, A, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LoadAggregate").field("id", self.id).field("until", &self.until).finish_non_exhaustive()
    }
}
