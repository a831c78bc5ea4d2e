//! All streams, page by page: the frontier first, over every position, and then what was asked for, up to there.

use std::sync::Arc;

use es_core::{
    recorded::{EventId, Position, StreamId},
    store::{Checkpoint, HistoryDiverged, Page, ReadAll, StoreError, StoredEvent, Unavailable},
};
use sqlx::{
    Postgres, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use crate::{
    attended::attended,
    connections::Answer,
    frontier::{self, Settled},
    row::{self, Events, signed, unreadable, unsigned},
    store::Parts,
};

/// How many positions a filtered page looks at: so many that a page costs far more than its trip, so few that it soon
/// comes to its end, and a reader that is interrupted has not far to go back.
const SPAN: u64 = 100_000;
/// Up to how many streams are read by their index, and not by looking at every event.
const FEW_STREAMS: usize = 64;
/// How often a page is begun anew because the server got another history under way.
const ATTEMPTS: usize = 3;

/// The next part of the order over all streams.
pub(crate) async fn read_page(parts: &Arc<Parts>, read: &ReadAll) -> Result<Page, StoreError> {
    read.check()?;
    for _ in 0..ATTEMPTS {
        match page(parts, read).await {
            // What was known to be settled was so in a history that has ended. Nothing was said about this one.
            Err(StoreError::HistoryDiverged(HistoryDiverged { missing: None, known, .. }))
                if read.resume.is_none_or(|checkpoint| checkpoint.history != known) => {}
            answer => return answer,
        }
    }
    let reason = "servers with different histories answer in turn; connect to the primary only";
    Err(Unavailable::new(reason, format!("{ATTEMPTS} attempts")).into())
}

async fn page(parts: &Arc<Parts>, read: &ReadAll) -> Result<Page, StoreError> {
    let settled = frontier::beyond(parts, read.after).await?;
    if let Some(checkpoint) = read.resume {
        check(parts, settled, checkpoint).await?;
    }
    let until = read.until.unwrap_or(Position::new(u64::MAX));
    let end = settled.position.min(until);
    let (events, upto) = if end <= read.after {
        (Vec::new(), read.after)
    } else if read.filter.is_none() {
        (Vec::new(), end)
    } else {
        let (parts, read) = (Arc::clone(parts), read.clone());
        attended(async move { events(&parts, &read, settled, end).await }).await?
    };
    // What was known need not be all that is settled by now: only who comes no further has come to the frontier.
    let more = upto > read.after && upto < until;
    Ok(Page::new(events, upto, more, settled.history))
}

/// Whether this is still the history in which a reader came so far, and the event is there behind which it goes on.
async fn check(parts: &Parts, settled: Settled, checkpoint: Checkpoint) -> Result<(), StoreError> {
    if checkpoint.history != settled.history {
        return Err(HistoryDiverged::new(checkpoint.history, settled.history).into());
    }
    let query = || sqlx::query(parts.statements.event_at.clone()).bind(signed(checkpoint.position.get()));
    let rows = frontier::fetch_as(parts, settled, query, Vec::<PgRow>::new).await?;
    let (stands, standby) = match rows.first() {
        Some(row) => (row.try_get(0).map_err(unreadable)?, row.try_get(1).map_err(unreadable)?),
        None => (None, false),
    };
    match stands {
        Some(stands) if EventId::from_uuid(stands) == checkpoint.event_id => Ok(()),
        None if standby => {
            let reason = "it is a standby that has not received the event yet behind which to go on; ask again later";
            Err(Unavailable::new(reason, format!("there is no event at position {}", checkpoint.position)).into())
        }
        _ => Err(HistoryDiverged::without(checkpoint, settled.history).into()),
    }
}

/// The events that were asked for, up to `end` or to where the page is full, and where that is.
async fn events(
    parts: &Parts,
    read: &ReadAll,
    settled: Settled,
    end: Position,
) -> Result<(Vec<StoredEvent>, Position), StoreError> {
    let filter = &read.filter;
    let size = signed(parts.page_size.get() as u64);
    let few_streams = filter.streams.as_ref().is_some_and(|streams| streams.len() <= FEW_STREAMS);
    let (statement, end) = if filter.is_all() {
        (&parts.statements.read_all, end)
    } else if few_streams {
        (&parts.statements.read_streams, end)
    } else {
        (&parts.statements.read_filtered, end.min(Position::new(read.after.get().saturating_add(SPAN))))
    };
    let streams = |name: fn(&StreamId) -> &str| {
        filter.streams.as_ref().map(|streams| streams.iter().map(name).collect::<Vec<_>>())
    };
    let query = || -> Query<'_, Postgres, PgArguments> {
        let query = sqlx::query(statement.clone()).bind(signed(read.after.get())).bind(signed(end.get())).bind(size);
        if filter.is_all() {
            return query;
        }
        let query = query.bind(&filter.event_types).bind(&filter.stream_types);
        query.bind(streams(StreamId::stream_type)).bind(streams(StreamId::id))
    };
    // A filter may let few of them through.
    let expected = if filter.is_all() { (end.get() - read.after.get()).min(size.cast_unsigned()) } else { 0 };
    let expected = usize::try_from(expected).unwrap_or(0);
    let found = frontier::fetch_as(parts, settled, query, || Found::behind(read.after, expected)).await?;
    Ok(found.into_page(parts, size))
}

/// The events of a page, and up to where was looked for them.
struct Found {
    events: Events,
    upto: Position,
}

impl Found {
    fn behind(after: Position, expected: usize) -> Self {
        Self { events: Events::expecting(expected), upto: after }
    }

    fn into_page(self, parts: &Parts, size: i64) -> (Vec<StoredEvent>, Position) {
        parts.page_size.learn(self.events.len(), self.events.bytes());
        let events = self.events.by(|event| event.position);
        let full = i64::try_from(events.len()) == Ok(size);
        let upto = events.last().filter(|_| full).map_or(self.upto, |last| last.position);
        (events, upto)
    }
}

impl Answer for Found {
    fn row(&mut self, row: PgRow) -> Result<(), sqlx::Error> {
        if !row::is_null(&row, 0)? {
            return self.events.add(&row);
        }
        self.upto = self.upto.max(Position::new(unsigned(row.try_get(1)?)));
        Ok(())
    }
}
