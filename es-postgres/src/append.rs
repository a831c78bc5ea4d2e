//! An append: what it is made of, and what is made of the statement's answer.

use chrono::{DateTime, Utc};
use es_core::{
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{Append, Appended, Conflict, Expected, Placed, StoreError},
};
use sqlx::{
    Postgres, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use crate::{
    error,
    gather::Size,
    row::{signed, unreadable, unsigned},
    statements::Statements,
    store::Parts,
};

pub(crate) const DOING: &str = "appending events";

/// What an event takes up beside its payload and metadata, about.
const EVENT_BYTES: usize = 256;

/// An append that keeps all limits, with what the statement needs of it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) append: Append,
    /// The name under which a repeat is found.
    pub(crate) key: Option<String>,
    pub(crate) metadata: Vec<String>,
}

impl Prepared {
    pub(crate) fn new(append: Append) -> Result<Self, StoreError> {
        append.check()?;
        Self::checked(append)
    }

    /// Of an append that is known to keep the limits.
    pub(crate) fn checked(append: Append) -> Result<Self, StoreError> {
        let metadata = append.events.iter().map(|event| serde_json::to_string(&event.metadata));
        let metadata = metadata
            .collect::<Result<_, _>>()
            .map_err(|source| StoreError::Backend { doing: "encoding metadata", source: source.into() })?;
        Ok(Self { key: append.kept_key(), metadata, append })
    }

    pub(crate) fn size(&self) -> Size {
        let payloads: usize = self.append.events.iter().map(|event| event.payload.len()).sum();
        let metadata: usize = self.metadata.iter().map(String::len).sum();
        let events = self.append.events.len();
        Size { events, bytes: payloads + metadata + events * EVENT_BYTES }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.append.events.iter().map(|event| event.metadata.event_id.as_uuid())
    }

    /// Whether this can be stored by the statement that stores `before`, behind it in the same stream: what expects no
    /// version can. Of two with one name the second is a repeat, which is only seen when the first stands.
    pub(crate) fn may_follow(&self, before: &Self) -> bool {
        self.append.expected == Expected::Any && self.key != before.key
    }

    /// The lowest and the highest version that is expected.
    pub(crate) fn versions(&self) -> (i64, i64) {
        match self.append.expected {
            Expected::Any => (0, i64::MAX),
            Expected::NoStream => (0, 0),
            Expected::StreamExists => (1, i64::MAX),
            Expected::Exact(version) => (signed(version.get()), signed(version.get())),
        }
    }

    /// The answer to an append that may have been stored, and of which no more is known.
    pub(crate) fn unknown(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        unknown(&self.append, source)
    }
}

pub(crate) fn unknown(append: &Append, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    let first_event = append.events.first().map_or(EventId::from_uuid(Uuid::nil()), |event| event.metadata.event_id);
    StoreError::OutcomeUnknown { stream: append.stream.clone(), first_event, source: source.into() }
}

/// Version, position and time of each event, by version.
type Places = Vec<(i64, i64, DateTime<Utc>)>;

/// What the statement did with one append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was stored.
    Stored(Places),
    /// Its name stands in the stream already, on the event at the first version, and it stored events up to the last.
    Repeat { first: i64, last: i64 },
    /// The stream was not at an expected version, or it is archived. Where it is ahead, `behind` may say which event stands
    /// behind the version that was expected.
    Ahead { actual: i64, archived: bool, behind: Option<Uuid> },
}

/// What the statement did with each of so many appends. The rows come in no promised order: each says by number which
/// append it is about.
pub(crate) fn outcomes(appends: usize, rows: &[PgRow]) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut outcomes: Vec<Option<Outcome>> = vec![None; appends];
    for row in rows {
        let number = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(0);
        let outcome = outcomes.get_mut(number.wrapping_sub(1)).ok_or(sqlx::Error::RowNotFound)?;
        if let Some(version) = row.try_get::<Option<i64>, _>(4)? {
            let place = (version, row.try_get(5)?, row.try_get(6)?);
            match outcome {
                Some(Outcome::Stored(places)) => places.push(place),
                _ => *outcome = Some(Outcome::Stored(vec![place])),
            }
        } else if let Some(first) = row.try_get::<Option<i64>, _>(2)? {
            let size: Option<i32> = row.try_get(3)?;
            *outcome = Some(Outcome::Repeat { first, last: first + i64::from(size.unwrap_or(1)) - 1 });
        } else {
            *outcome =
                Some(Outcome::Ahead { actual: row.try_get(1)?, archived: row.try_get(7)?, behind: row.try_get(8)? });
        }
    }
    for outcome in outcomes.iter_mut().flatten() {
        if let Outcome::Stored(places) = outcome {
            places.sort_unstable_by_key(|&(version, ..)| version);
        }
    }
    outcomes.into_iter().map(|outcome| outcome.ok_or(sqlx::Error::RowNotFound)).collect()
}

/// What a statement did that only says what it stored, with one event each of appends to different streams, which come in the
/// order of the streams. Nothing is known of those that it did not store.
pub(crate) fn outcomes_of_ones<'a>(
    streams: impl Iterator<Item = &'a StreamId>,
    rows: &[PgRow],
) -> Result<Vec<Option<Outcome>>, sqlx::Error> {
    let mut stored: Vec<((&str, &str), &PgRow)> = Vec::with_capacity(rows.len());
    for row in rows {
        stored.push(((row.try_get(0)?, row.try_get(1)?), row));
    }
    // They come in that order, too, but nothing promises that they always will.
    stored.sort_by_key(|&(name, _)| name);
    let mut stored = stored.into_iter().peekable();
    let outcome = |stream: &StreamId| {
        let Some((_, row)) = stored.next_if(|&(name, _)| name == (stream.stream_type(), stream.id())) else {
            return Ok(None);
        };
        Ok(Some(Outcome::Stored(vec![(row.try_get(2)?, row.try_get(3)?, row.try_get(4)?)])))
    };
    let outcomes = streams.map(outcome).collect::<Result<_, sqlx::Error>>()?;
    if stored.peek().is_none() { Ok(outcomes) } else { Err(sqlx::Error::RowNotFound) }
}

/// The answer to an append that was stored now.
pub(crate) fn stored(prepared: &Prepared, places: Places) -> Appended {
    let events = places.into_iter().zip(&prepared.append.events).map(|((version, position, recorded_at), event)| {
        let (version, position) = (StreamVersion::new(unsigned(version)), Position::new(unsigned(position)));
        Placed::new(event.metadata.event_id, version, position, recorded_at)
    });
    Appended::new(events.collect(), false)
}

/// The answer to an append that was not stored now: the events that stand in the stream are looked at.
pub(crate) async fn standing(parts: &Parts, prepared: &Prepared, outcome: Outcome) -> Result<Appended, StoreError> {
    let append = &prepared.append;
    let (actual, archived, behind) = match outcome {
        Outcome::Stored(places) => return Ok(stored(prepared, places)),
        Outcome::Repeat { first, last } => {
            return Ok(Appended::new(placed(parts, &append.stream, first, last).await?, true));
        }
        Outcome::Ahead { actual, archived, behind } => (actual, archived, behind),
    };
    let refused = || -> StoreError {
        if archived {
            return StoreError::Archived { stream: append.stream.clone() };
        }
        Conflict::new(append.stream.clone(), append.expected, StreamVersion::new(unsigned(actual))).into()
    };
    // A repeat without a key stands just where it expected to, or the conflict is real.
    let (expected, _) = prepared.versions();
    if actual <= expected || behind.is_some_and(|behind| prepared.ids().next() != Some(behind)) {
        return Err(refused());
    }
    let last = expected.saturating_add(i64::try_from(append.events.len()).unwrap_or(i64::MAX));
    let standing = placed(parts, &append.stream, expected + 1, last).await?;
    if standing.iter().map(|placed| placed.event_id.as_uuid()).eq(prepared.ids()) {
        return Ok(Appended::new(standing, true));
    }
    Err(refused())
}

/// The same error of an append that was sent before and may have been stored then. Only what can be seen in the stream
/// settles that: events of another append where its own would stand.
pub(crate) fn in_doubt(prepared: &Prepared, error: StoreError) -> StoreError {
    let (expected, _) = prepared.versions();
    match error {
        StoreError::Conflict(conflict) if signed(conflict.actual.get()) > expected => conflict.into(),
        StoreError::OutcomeUnknown { .. } => error,
        error => prepared.unknown(error),
    }
}

/// Where a run of a stream's events stands.
async fn placed(parts: &Parts, stream: &StreamId, first: i64, last: i64) -> Result<Vec<Placed>, StoreError> {
    let rows = parts.connections.fetch(|| look(&parts.statements, stream, first, last)).await;
    places(&rows.map_err(|failure| error::store_error(DOING, failure))?).map_err(unreadable)
}

/// Asks where a run of a stream's events stands.
pub(crate) fn look<'q>(
    statements: &Statements,
    stream: &'q StreamId,
    first: i64,
    last: i64,
) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(statements.placed.clone()).bind(stream.stream_type()).bind(stream.id()).bind(first).bind(last)
}

/// The answer to [`look`].
pub(crate) fn places(rows: &[PgRow]) -> Result<Vec<Placed>, sqlx::Error> {
    let placed = |row: &PgRow| -> Result<Placed, sqlx::Error> {
        let version = StreamVersion::new(unsigned(row.try_get(0)?));
        let position = Position::new(unsigned(row.try_get(1)?));
        Ok(Placed::new(EventId::from_uuid(row.try_get(3)?), version, position, row.try_get(2)?))
    };
    rows.iter().map(placed).collect()
}

#[cfg(test)]
mod tests {
    use es_core::{event::EventSchema, recorded::Metadata, store::NewEvent};

    use super::*;

    #[test]
    fn what_expects_no_version_may_follow_any_other_of_another_name() {
        let append = |expected, key: Option<&str>| {
            let event = NewEvent::new(EventSchema::new("Tested", 1), "{}".to_owned(), Metadata::at(Utc::now()));
            let mut append = Append::new(StreamId::new("test", "a"), expected, vec![event]);
            append.idempotency_key = key.map(str::to_owned);
            Prepared::new(append).expect("it keeps the limits")
        };
        let exact = Expected::Exact(StreamVersion::new(3));
        let all = [Expected::Any, Expected::NoStream, Expected::StreamExists, exact];
        for before in all.map(|expected| append(expected, None)) {
            for after in all {
                assert_eq!(append(after, None).may_follow(&before), after == Expected::Any);
            }
        }
        let named = append(Expected::Any, Some("k"));
        assert!(!append(Expected::Any, Some("k")).may_follow(&named));
        assert!(append(Expected::Any, Some("l")).may_follow(&named));
    }
}
