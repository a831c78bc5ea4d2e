//! The frontier: how far the order of all events is settled, so that no reader ever misses one.
//!
//! A reader calls [`beyond`] or [`advance`], and then reads with [`fetch_as`] what lies behind its own position and is not
//! beyond the answer. `proof.rs` is the protocol, `ask.rs` its statements, `flight.rs` carries it out for all who ask,
//! `record.rs` stores how far it came. `DESIGN.md` has the proof.

mod ask;
mod flight;
#[cfg(test)]
mod model;
mod proof;
mod record;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use es_core::{
    recorded::Position,
    store::{HistoryDiverged, HistoryId, StoreError},
};
use sqlx::{Postgres, postgres::PgArguments, query::Query};
use tokio::{sync::watch, time::Instant};

use self::flight::{Flights, Landed};
pub(crate) use self::record::write_last;
use crate::{connections::Answer, error, store::Parts};

const DOING: &str = "reading all events";

/// Up to here every position is visible for good, or dead: in this history, and in no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) position: Position,
    pub(crate) history: HistoryId,
}

/// What the process knows of the frontier, and the one flight that finds out more. All readers share both.
#[derive(Debug)]
pub(crate) struct Frontier {
    flights: Mutex<Flights>,
    seen: watch::Sender<Seen>,
}

/// What callers wait for.
#[derive(Debug, Default)]
struct Seen {
    settled: Option<Settled>,
    landed: Landed,
}

impl Frontier {
    pub(crate) fn new() -> Self {
        Self { flights: Mutex::new(Flights::new()), seen: watch::Sender::new(Seen::default()) }
    }

    /// How far all is settled, as far as it is known; nothing is asked. `None` before the first [`advance`], and on a
    /// standby, of which nothing is kept.
    pub(crate) fn settled(&self) -> Option<Settled> {
        self.seen.borrow().settled
    }

    /// Within a history it only rises; what is known of another one is dropped.
    fn learn(&self, settled: Settled) {
        self.seen.send_if_modified(|seen| {
            let news =
                seen.settled.is_none_or(|known| known.history != settled.history || known.position < settled.position);
            if news {
                seen.settled = Some(settled);
            }
            news
        });
    }

    /// Drops what is known: the server has another history, or is a standby.
    fn forget(&self) {
        self.seen.send_if_modified(|seen| seen.settled.take().is_some());
    }

    fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes as far as can be known now, and waits at a hole for `settle_timeout` at the most. All that was visible when it
/// was called is then settled, or held by a writer that has not ended.
///
/// Callers share what is asked, and one that goes away harms no other.
pub(crate) async fn advance(parts: &Arc<Parts>) -> Result<Settled, StoreError> {
    beyond(parts, Position::new(u64::MAX)).await
}

/// As [`advance`], but ends as soon as something behind this position is settled; where that is known already, at once.
pub(crate) async fn beyond(parts: &Arc<Parts>, after: Position) -> Result<Settled, StoreError> {
    let came = Instant::now();
    let patient_until = came + parts.config.settle_timeout;
    let mut seen = parts.frontier.seen.subscribe();
    let further = |seen: &Seen| seen.settled.filter(|settled| after < settled.position);
    if let Some(settled) = further(&seen.borrow()) {
        return Ok(settled);
    }
    loop {
        // Only a flight that begins from here on has seen all that is visible now.
        let wanted = flight::book(parts, came);
        let news = seen.wait_for(|seen| further(seen).is_some() || seen.landed.number >= wanted).await;
        let Ok(news) = news else { return Err(flight::interrupted()) };
        if let Some(settled) = further(&news) {
            return Ok(settled);
        }
        match &news.landed.outcome {
            // It ended at a hole, for the sake of someone who had come earlier.
            Ok(outcome) if outcome.held && Instant::now() < patient_until => {}
            Ok(outcome) => return outcome.settled.ok_or_else(flight::interrupted),
            Err(error) => return Err(error.for_another()),
        }
    }
}

/// Reads settled events: the query must bind `settled.position` as the last position that may be read, as
/// `sql/read_all.sql` does. In another history the same position is another event, so an answer from there is an error.
pub(crate) async fn fetch_as<'q, A: Answer>(
    parts: &Parts,
    settled: Settled,
    query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
    begin: impl Fn() -> A + Send,
) -> Result<A, StoreError> {
    let answer = parts.connections.fetch_as(query, begin).await;
    let (history, answer) = answer.map_err(|failure| error::store_error(DOING, failure))?;
    if history == settled.history {
        return Ok(answer);
    }
    parts.frontier.forget();
    Err(HistoryDiverged::new(settled.history, history).into())
}
