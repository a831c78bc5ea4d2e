//! What becomes of the appends of a transaction: each is decided upon in its turn, and what fits is stored at the end.
//!
//! Nobody else writes meanwhile, so what was looked up in the beginning, and what was decided since, is all there is to know.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use es_core::{
    recorded::{EventId, Position, StreamId, StreamVersion},
    store::{
        Append, Appended, Conflict, Expected, HistoryDiverged, HistoryId, PartlyStored, Placed, StoreError, StoredEvent,
    },
};
use sqlx::{Executor as _, Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    error,
    inline::InEffect,
    insert::{self, NewRow},
    row::{self, integer, is_null, natural, signed, text, unreadable},
};

pub(crate) const DOING: &str = "appending events";

/// What an event takes up beside its payload and metadata, about.
const EVENT_BYTES: usize = 256;

/// An append that keeps all limits, with what is stored of it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) append: Append,
    /// The name under which a repeat is found.
    key: Option<String>,
    metadata: Vec<String>,
}

impl Prepared {
    /// Of an append that is known to keep the limits.
    pub(crate) fn new(append: Append) -> Result<Self, StoreError> {
        for event in &append.events {
            if event.schema.version == 0 {
                return Err(StoreError::Backend { doing: DOING, source: "versions of events begin with 1".into() });
            }
            // The file would take any text, and no reader could read it.
            let _: &serde_json::value::RawValue = serde_json::from_str(&event.payload)
                .map_err(|source| StoreError::Backend { doing: DOING, source: source.into() })?;
        }
        let metadata = append.events.iter().map(|event| serde_json::to_string(&event.metadata));
        let metadata = metadata
            .collect::<Result<_, _>>()
            .map_err(|source| StoreError::Backend { doing: "encoding metadata", source: source.into() })?;
        Ok(Self { key: append.kept_key(), metadata, append })
    }

    pub(crate) fn events(&self) -> usize {
        self.append.events.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        let payloads: usize = self.append.events.iter().map(|event| event.payload.len()).sum();
        let metadata: usize = self.metadata.iter().map(String::len).sum();
        payloads + metadata + self.events() * EVENT_BYTES
    }

    /// The stored names of its events.
    pub(crate) fn event_types(&self) -> impl Iterator<Item = &'static str> {
        self.append.events.iter().map(|event| event.schema.name)
    }

    /// Its events, as they were stored.
    pub(crate) fn stored(&self, appended: &Appended) -> impl Iterator<Item = StoredEvent> {
        let events = self.append.events.iter().zip(&self.metadata);
        events.zip(appended.events.iter()).map(|((event, metadata), placed)| {
            StoredEvent::new(
                self.append.stream.clone(),
                placed.version,
                placed.position,
                event.schema.name.to_owned(),
                event.schema.version,
                placed.event_id,
                event.payload.clone().into_bytes(),
                metadata.clone().into_bytes(),
                placed.recorded_at,
            )
        })
    }

    /// What there is to say of it, should its outcome not be known.
    pub(crate) fn in_doubt(&self) -> InDoubt {
        InDoubt { stream: self.append.stream.clone(), first_event: EventId::from_uuid(self.first_id()) }
    }

    fn first_id(&self) -> Uuid {
        self.append.events.first().map_or(Uuid::nil(), |event| event.metadata.event_id.as_uuid())
    }

    /// The version behind which the first event was to stand, where that was said.
    fn wanted_behind(&self) -> Option<u64> {
        match self.append.expected {
            Expected::NoStream => Some(0),
            Expected::Exact(version) => Some(version.get()),
            Expected::Any | Expected::StreamExists => None,
        }
    }
}

/// An append that may have been stored or not.
#[derive(Debug)]
pub(crate) struct InDoubt {
    stream: StreamId,
    first_event: EventId,
}

impl InDoubt {
    /// The answer to it.
    pub(crate) fn unknown(self, source: &StoreError) -> StoreError {
        let Self { stream, first_event } = self;
        StoreError::OutcomeUnknown { stream, first_event, source: source.to_string().into() }
    }
}

/// What is asked for together: one append, or several that are stored as a whole or not at all.
pub(crate) type Together = [Prepared];

/// The appends of one transaction, as far as they are decided upon.
pub(crate) struct Deciding<'a> {
    connection: &'a mut SqliteConnection,
    history: HistoryId,
    /// The position of the last event.
    last: u64,
    recorded_at: DateTime<Utc>,
    streams: HashMap<StreamId, Head>,
    /// Where appends of this name stand: versions of the first event and the last.
    keys: HashMap<(StreamId, String), (u64, u64)>,
    /// Decided, and not yet in the table.
    rows: Vec<NewRow<'a>>,
    /// The read models that change with these appends.
    pub(crate) inline: InEffect,
}

/// What was known before something that may have to be taken back.
#[derive(Debug)]
pub(crate) struct Before {
    last: u64,
    heads: Vec<(StreamId, Option<Head>)>,
    new_keys: Vec<(StreamId, String)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Head {
    version: u64,
    archived: bool,
}

impl<'a> Deciding<'a> {
    /// Looks up all that there is to know about the streams and names of these appends.
    pub(crate) async fn begin(
        connection: &'a mut SqliteConnection,
        appends: impl Iterator<Item = &Prepared>,
    ) -> Result<Self, StoreError> {
        let appends: Vec<_> = appends.collect();
        let asked: serde_json::Value = appends
            .iter()
            .map(|it| serde_json::json!([it.append.stream.stream_type(), it.append.stream.id(), it.key]))
            .collect();
        let rows = sqlx::query(include_str!("sql/look_up.sql")).bind(asked.to_string());
        let rows = rows.fetch_all(&mut *connection).await.map_err(|source| error::store_error(DOING, source))?;
        let mut deciding = Self {
            connection,
            history: HistoryId::from_uuid(Uuid::nil()),
            last: 0,
            recorded_at: now(),
            streams: HashMap::with_capacity(appends.len()),
            keys: HashMap::new(),
            rows: Vec::new(),
            inline: InEffect::default(),
        };
        let inline = rows.first().map(|row| text(row, 8).and_then(InEffect::of_json));
        deciding.inline = inline.transpose().map_err(unreadable)?.unwrap_or_default();
        rows.iter().try_for_each(|row| deciding.found(&appends, row)).map_err(unreadable)?;
        Ok(deciding)
    }

    fn found(&mut self, appends: &[&Prepared], row: &SqliteRow) -> Result<(), sqlx::Error> {
        let number = usize::try_from(natural(row, 0)?).unwrap_or(usize::MAX);
        let Some(asked) = appends.get(number) else { return Ok(()) };
        let head = Head { version: natural(row, 1)?, archived: integer(row, 2)? != 0 };
        self.streams.insert(asked.append.stream.clone(), head);
        if let (Some(key), false) = (&asked.key, is_null(row, 3)?) {
            let first = natural(row, 3)?;
            let size = if is_null(row, 4)? { 1 } else { natural(row, 4)? };
            self.keys.insert((asked.append.stream.clone(), key.clone()), (first, first + size.max(1) - 1));
        }
        self.history = history(text(row, 5)?)?;
        self.last = natural(row, 6)?;
        // Time does not run backwards, whatever the clock does.
        self.recorded_at = self.recorded_at.max(row::time(row, 7)?);
        Ok(())
    }

    /// Decides upon what is asked for together, in its turn.
    ///
    /// # Errors
    /// The outer one is about the file, and ends the whole transaction.
    pub(crate) async fn decide(
        &mut self,
        together: &'a Together,
    ) -> Result<Result<Vec<Appended>, StoreError>, StoreError> {
        let known = together.iter().filter_map(|prepared| prepared.append.decided_in);
        if let Some(known) = known.into_iter().find(|&known| known != self.history) {
            return Ok(Err(HistoryDiverged::new(known, self.history).into()));
        }
        let mut standing = Vec::with_capacity(together.len());
        for prepared in together {
            standing.push(self.standing(prepared).await?);
        }
        let streams: Vec<_> = together.iter().map(|prepared| &prepared.append.stream).collect();
        match PartlyStored::check(&streams, standing) {
            Ok(None) => {}
            Ok(Some(first)) => return Ok(Ok(first)),
            Err(error) => return Ok(Err(error)),
        }
        Ok(self.refusal(together).map_or_else(|| Ok(together.iter().map(|it| self.take_in(it)).collect()), Err))
    }

    /// Why it does not fit, if it does not.
    fn refusal(&self, together: &Together) -> Option<StoreError> {
        let archived = together.iter().find(|prepared| self.head(&prepared.append.stream).archived);
        if let Some(prepared) = archived {
            return Some(StoreError::Archived { stream: prepared.append.stream.clone() });
        }
        together.iter().map(|prepared| &prepared.append).find_map(|append| {
            let actual = StreamVersion::new(self.head(&append.stream).version);
            let conflict = || Conflict::new(append.stream.clone(), append.expected, actual).into();
            (!append.expected.allows(actual)).then(conflict)
        })
    }

    fn head(&self, stream: &StreamId) -> Head {
        self.streams.get(stream).copied().unwrap_or_default()
    }

    /// The first result of an append that stands already.
    async fn standing(&mut self, prepared: &Prepared) -> Result<Option<Appended>, StoreError> {
        let stream = &prepared.append.stream;
        let named = match &prepared.key {
            Some(key) => self.keys.get(&(stream.clone(), key.clone())).copied(),
            None => None,
        };
        let (first, last) = match (named, prepared.wanted_behind()) {
            (Some(range), _) => range,
            // The stream has gone on from where it was expected: by this very append?
            (None, Some(behind)) if self.head(stream).version > behind => {
                let last = behind + prepared.append.events.len() as u64;
                (behind + 1, last)
            }
            _ => return Ok(None),
        };
        let placed = self.placed(stream, first, last).await?;
        let is_same = placed.first().is_some_and(|placed| placed.event_id.as_uuid() == prepared.first_id());
        Ok((named.is_some() || is_same).then(|| Appended::new(placed, true)))
    }

    /// Where a run of a stream's events stands.
    async fn placed(&mut self, stream: &StreamId, first: u64, last: u64) -> Result<Vec<Placed>, StoreError> {
        // It may be one of those that are decided, and not in the table.
        self.store().await?;
        let rows = sqlx::query(include_str!("sql/placed.sql"))
            .bind(stream.stream_type())
            .bind(stream.id())
            .bind(signed(first))
            .bind(signed(last))
            .fetch_all(&mut *self.connection)
            .await
            .map_err(|source| error::store_error(DOING, source))?;
        rows.iter().map(placed).collect::<Result<_, _>>().map_err(unreadable)
    }

    /// Gives out versions and positions.
    fn take_in(&mut self, prepared: &'a Prepared) -> Appended {
        let append = &prepared.append;
        let head = self.streams.entry(append.stream.clone()).or_default();
        let size = append.events.len() as u64;
        if let Some(key) = &prepared.key {
            self.keys.insert((append.stream.clone(), key.clone()), (head.version + 1, head.version + size));
        }
        let mut places = Vec::with_capacity(append.events.len());
        for (event, metadata) in append.events.iter().zip(&prepared.metadata) {
            let is_first = places.is_empty();
            head.version += 1;
            self.last += 1;
            let (version, position) = (StreamVersion::new(head.version), Position::new(self.last));
            places.push(Placed::new(event.metadata.event_id, version, position, self.recorded_at));
            self.rows.push(NewRow {
                position: signed(self.last),
                stream: &append.stream,
                version: signed(head.version),
                event_type: event.schema.name,
                schema_version: event.schema.version,
                event_id: event.metadata.event_id.as_uuid(),
                payload: &event.payload,
                metadata,
                recorded_at: self.recorded_at.timestamp_micros(),
                key: prepared.key.as_deref().filter(|_| is_first),
                append_size: is_first.then_some(signed(size)),
            });
        }
        Appended::new(places, false)
    }

    /// Begins something that may have to be taken back: what was decided before is in the table from here on.
    pub(crate) async fn remember(&mut self, together: &'a Together) -> Result<Before, StoreError> {
        self.store().await?;
        self.execute("savepoint es_append").await?;
        let streams = together.iter().map(|prepared| &prepared.append.stream);
        let heads = streams.map(|stream| (stream.clone(), self.streams.get(stream).copied()));
        let keys = together.iter().filter_map(|prepared| Some((prepared.append.stream.clone(), prepared.key.clone()?)));
        let keys = keys.filter(|key| !self.keys.contains_key(key)).collect();
        Ok(Before { last: self.last, heads: heads.collect(), new_keys: keys })
    }

    /// Leaves what was done since then.
    pub(crate) async fn keep(&mut self) -> Result<(), StoreError> {
        self.store().await?;
        self.execute("release es_append").await
    }

    /// Takes back what was done since then: others go on as if it had not been asked.
    pub(crate) async fn take_back(&mut self, before: Before) -> Result<(), StoreError> {
        self.rows.clear();
        self.execute("rollback to es_append").await?;
        self.execute("release es_append").await?;
        self.last = before.last;
        for (stream, head) in before.heads {
            match head {
                Some(head) => self.streams.insert(stream, head),
                None => self.streams.remove(&stream),
            };
        }
        for key in &before.new_keys {
            self.keys.remove(key);
        }
        Ok(())
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let done = self.connection.execute(sql).await;
        done.map(drop).map_err(|source| error::store_error(DOING, source))
    }

    /// The connection that is in the transaction.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        self.connection
    }

    /// Puts what is decided into the table.
    pub(crate) async fn store(&mut self) -> Result<(), StoreError> {
        let rows = std::mem::take(&mut self.rows);
        let stored = insert::events(self.connection, &rows).await;
        stored.map_err(|source| error::store_error(DOING, source))
    }

    /// The position of the last event.
    pub(crate) fn last(&self) -> Position {
        Position::new(self.last)
    }
}

/// The time, as exact as it is stored.
fn now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
}

/// The history of its stored form.
pub(crate) fn history(id: &str) -> Result<HistoryId, sqlx::Error> {
    Ok(HistoryId::from_uuid(Uuid::parse_str(id).map_err(|source| sqlx::Error::Decode(source.into()))?))
}

fn placed(row: &SqliteRow) -> Result<Placed, sqlx::Error> {
    let id: &[u8] = row.try_get_unchecked(3)?;
    let id = Uuid::from_slice(id).map_err(|source| sqlx::Error::Decode(source.into()))?;
    let (version, position) = (StreamVersion::new(natural(row, 0)?), Position::new(natural(row, 1)?));
    // A stored time has microseconds, and so has the answer.
    Ok(Placed::new(EventId::from_uuid(id), version, position, row::time(row, 2)?))
}
