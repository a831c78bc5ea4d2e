//! Appends to several streams, stored together or not at all: one statement, on the store's own connections.
//!
//! They do not travel with others: what is stored together is a batch already. As with single appends, one that was sent
//! belongs to a task and runs to its end, and one that still waits goes with its caller.

use std::sync::Arc;

use es_core::{
    recorded::{StreamId, StreamVersion},
    store::{Append, Appended, Conflict, HistoryDiverged, HistoryId, PartlyStored, StoreError, Unavailable},
};
use sqlx::postgres::PgRow;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout},
};

use crate::{
    append::{self, DOING, Outcome, Prepared},
    batch::{Next, OfStream, Patience, Piece},
    columns::Columns,
    config::PostgresConfig,
    connections::Failure,
    error, inline,
    lanes::{self, LANES},
    row::{signed, unreadable, unsigned},
    store::Parts,
    turns::{Turn, Turns},
};

/// What such appends of a store share.
#[derive(Debug)]
pub(crate) struct Together {
    turns: Arc<Turns>,
    /// How many are under way at a time, apart from those that wait for a stream that is held.
    under_way: Arc<Semaphore>,
}

impl Together {
    pub(crate) fn new(config: &PostgresConfig) -> Self {
        let under_way = LANES.min(config.max_connections / 2).max(1);
        Self { turns: Arc::default(), under_way: Arc::new(Semaphore::new(under_way)) }
    }
}

/// Appends that are stored together.
#[derive(Debug)]
pub(crate) struct Group {
    /// In the order given.
    appends: Vec<Prepared>,
    /// Their numbers in the order of the streams' names: two statements that write to the same streams do so in the same
    /// order, or they would wait for each other.
    sorted: Vec<usize>,
}

/// A group, in the eyes of `batch.rs`: a single append that is never split.
struct Whole;

impl OfStream for Whole {
    fn same_stream(&self, _: &Self) -> bool {
        true
    }
}

/// What a group holds while it is under way.
struct Held {
    group: Arc<Group>,
    _turn: Turn,
    under_way: OwnedSemaphorePermit,
}

/// Stores the events of all requests, or none, or finds that they are stored.
pub(crate) async fn append_all(parts: &Arc<Parts>, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
    Append::check_all(&appends)?;
    let group = Arc::new(Group::new(appends)?);
    let longest = parts.config.acquire_timeout;
    let place = parts.lanes.place(group.bytes(), longest).await?;
    let turn = async {
        let turn = parts.together.turns.take(group.streams()).await;
        (turn, Arc::clone(&parts.together.under_way).acquire_owned().await)
    };
    let (turn, under_way) = timeout(longest, turn).await.map_err(|elapsed| {
        let reason = format!("an append to several streams waited {longest:?} for its turn; ask less, or try later");
        Unavailable::new(reason, elapsed)
    })?;
    let under_way = under_way.map_err(|closed| Unavailable::new("it was closed", closed))?;
    let (reply, answer) = oneshot::channel();
    let held = Held { group: Arc::clone(&group), _turn: turn, under_way };
    tokio::spawn({
        let parts = Arc::clone(parts);
        async move {
            // First the streams, then the answer, then the room: closing waits until all are answered.
            let answer = carry(&parts, held).await;
            let _ = reply.send(answer);
            drop(place);
        }
    });
    // The task ends without an answer only with its runtime.
    answer.await.unwrap_or_else(|ended| Err(group.unknown(ended)))
}

/// Stores the events of one request as a group of its own: it is not one of those that travel with others.
pub(crate) async fn append_one(parts: &Arc<Parts>, append: Append) -> Result<Appended, StoreError> {
    append.check()?;
    let mut answers = append_all(parts, vec![append]).await?;
    answers.pop().ok_or_else(|| unreadable(sqlx::Error::RowNotFound))
}

/// Sends a group until it is stored or will not be; gives back what it holds.
async fn carry(parts: &Parts, held: Held) -> Result<Vec<Appended>, StoreError> {
    let Held { group, _turn, under_way } = held;
    let mut under_way = Some(under_way);
    let mut slow = None;
    let mut piece = Piece::new(vec![Whole]);
    loop {
        let failure = match group.send(parts, piece.patience).await {
            Ok(outcomes) => {
                let answer = group.answer(outcomes, &mut Look::Own(parts)).await;
                parts.wake.appended(answer.iter().flatten().map(Appended::position).max());
                return if piece.lost { answer.map_err(|error| group.in_doubt(error)) } else { answer };
            }
            Err(failure) => failure,
        };
        let lost = piece.lost;
        match piece.after(error::trouble(&failure)) {
            Next::Send(mut again) => piece = again.remove(0),
            // A stream of it is held. It is waited for where nobody else is kept from anything but this stream.
            Next::Slow(slower) => {
                under_way.take();
                let waited = timeout(parts.config.acquire_timeout, Arc::clone(&parts.lanes.slow).acquire_owned()).await;
                match waited {
                    Ok(permit) => slow = permit.ok(),
                    Err(elapsed) => return Err(group.failed(Failure::NotSent(error::held(DOING, elapsed)), lost)),
                }
                piece = slower;
            }
            Next::Fail(_) => {
                drop(slow);
                return Err(group.failed(failure, lost));
            }
        }
    }
}

/// Where it is looked up what stands in a stream.
pub(crate) enum Look<'a> {
    /// On a connection of the store.
    Own(&'a Parts),
    /// In a transaction of the caller's, which may see what nobody else does.
    In(&'a Parts, &'a mut sqlx::PgConnection),
}

impl Look<'_> {
    async fn rows(&mut self, stream: &StreamId, first: i64, last: i64) -> Result<Vec<PgRow>, StoreError> {
        match self {
            Look::Own(parts) => {
                let rows = parts.connections.fetch(|| append::look(&parts.statements, stream, first, last)).await;
                rows.map_err(|failure| error::store_error(DOING, failure))
            }
            Look::In(parts, connection) => {
                let rows = append::look(&parts.statements, stream, first, last).fetch_all(&mut **connection).await;
                rows.map_err(|source| error::in_transaction(DOING, stream, source))
            }
        }
    }
}

impl Group {
    /// Of appends that are known to keep the limits.
    pub(crate) fn new(appends: Vec<Append>) -> Result<Self, StoreError> {
        let appends = appends.into_iter().map(Prepared::checked).collect::<Result<Vec<_>, _>>()?;
        let mut sorted: Vec<usize> = (0..appends.len()).collect();
        // The order of the bytes is that of COLLATE "C".
        sorted.sort_by(|&one, &other| appends[one].append.stream.cmp(&appends[other].append.stream));
        Ok(Self { appends, sorted })
    }

    fn bytes(&self) -> usize {
        self.appends.iter().map(|prepared| prepared.size().bytes).sum()
    }

    /// In the order of their names.
    fn streams(&self) -> impl Iterator<Item = &StreamId> {
        self.sorted.iter().map(|&number| &self.appends[number].append.stream)
    }

    /// In the order of their streams' names.
    pub(crate) fn appends(&self) -> impl Iterator<Item = &Append> {
        self.sorted.iter().map(|&number| &self.appends[number].append)
    }

    /// The stream that stands for all where only one can be named.
    pub(crate) fn first_stream(&self) -> &StreamId {
        &self.appends[0].append.stream
    }

    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns::of(self.sorted.iter().map(|&number| &self.appends[number]), String::new())
    }

    /// Whether any of these says in which history it was decided.
    pub(crate) fn wants_history(&self) -> bool {
        self.appends.iter().any(|prepared| prepared.append.decided_in.is_some())
    }

    /// Refuses a group of which one was decided in another history.
    pub(crate) fn check_history(&self, found: HistoryId) -> Result<(), StoreError> {
        let mut known = self.appends.iter().filter_map(|prepared| prepared.append.decided_in);
        known.find(|&known| known != found).map_or(Ok(()), |known| Err(HistoryDiverged::new(known, found).into()))
    }

    /// What the statement did with each, in the order given.
    pub(crate) fn outcomes(&self, rows: &[PgRow]) -> Result<Vec<Outcome>, sqlx::Error> {
        let mut outcomes: Vec<_> = self.sorted.iter().zip(append::outcomes(self.appends.len(), rows)?).collect();
        outcomes.sort_unstable_by_key(|&(number, _)| number);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }

    async fn send(&self, parts: &Parts, patience: Patience) -> Result<Vec<Outcome>, Failure> {
        let longest = parts.config.lock_timeout;
        let patience = lanes::setting(patience, longest);
        let concerned = parts.inline.concerned(self.appends());
        if !concerned.is_empty() {
            let begun = Instant::now();
            let outcomes = inline::send(parts, self, &concerned, &patience).await;
            return outcomes.map_err(|failure| lanes::held_before(failure, begun, longest));
        }
        let lease = parts.connections.lease().await.map_err(Failure::NotSent)?;
        self.check_history(lease.history()).map_err(Failure::NotSent)?;
        let begun = Instant::now();
        let columns = self.columns();
        let rows = lease.fetch(columns.query_all(&parts.statements, Some(&patience))).await;
        let rows = rows.map_err(|failure| lanes::held_before(failure, begun, longest))?;
        // An answer that makes no sense is as good as none.
        self.outcomes(&rows).map_err(Failure::Lost)
    }

    /// The answer to what the statement did: each is stored, or it is looked up which of them stand already.
    pub(crate) async fn answer(
        &self,
        outcomes: Vec<Outcome>,
        look: &mut Look<'_>,
    ) -> Result<Vec<Appended>, StoreError> {
        let mut standing = Vec::with_capacity(outcomes.len());
        // Of those that are not as expected, the first; better one that shows that another writer stands in its place.
        let mut conflict: Option<(bool, Conflict)> = None;
        let mut out_of_use = None;
        for (prepared, outcome) in self.appends.iter().zip(outcomes) {
            let append = &prepared.append;
            let (lowest, highest) = prepared.versions();
            let (first, last) = match outcome {
                Outcome::Stored(places) => {
                    standing.push(Some(append::stored(prepared, places)));
                    continue;
                }
                Outcome::Repeat { first, last } => (first, last),
                Outcome::Ahead { actual, archived, .. } => {
                    if archived {
                        out_of_use.get_or_insert_with(|| append.stream.clone());
                    }
                    let ahead = actual > highest;
                    if !(lowest..=highest).contains(&actual) && conflict.as_ref().is_none_or(|found| ahead && !found.0)
                    {
                        let actual = StreamVersion::new(unsigned(actual));
                        conflict = Some((ahead, Conflict::new(append.stream.clone(), append.expected, actual)));
                    }
                    if !ahead {
                        standing.push(None);
                        continue;
                    }
                    (highest + 1, highest + signed(append.events.len() as u64))
                }
            };
            let places = append::places(&look.rows(&append.stream, first, last).await?).map_err(unreadable)?;
            let same = || places.iter().map(|placed| placed.event_id.as_uuid()).eq(prepared.ids());
            let stands = matches!(outcome, Outcome::Repeat { .. }) || same();
            standing.push(stands.then(|| Appended::new(places, true)));
        }
        let streams: Vec<_> = self.appends.iter().map(|prepared| &prepared.append.stream).collect();
        if let Some(answers) = PartlyStored::check(&streams, standing)? {
            return Ok(answers);
        }
        if let Some(stream) = out_of_use {
            return Err(StoreError::Archived { stream });
        }
        let (_, conflict) = conflict.ok_or_else(|| unreadable(sqlx::Error::RowNotFound))?;
        Err(conflict.into())
    }

    /// The answer to a group that was not stored now.
    fn failed(&self, failure: Failure, lost: bool) -> StoreError {
        let lost = lost || matches!(failure, Failure::Lost(_));
        let error = error::store_error(DOING, failure);
        if lost { self.in_doubt(error) } else { error }
    }

    /// The same error of a group that was sent before and may have been stored then. Only what can be seen in one of the
    /// streams settles that: events of another append where its own would stand.
    fn in_doubt(&self, error: StoreError) -> StoreError {
        let settled = match &error {
            StoreError::PartlyStored(_) | StoreError::OutcomeUnknown { .. } => true,
            StoreError::Conflict(conflict) => {
                let of = |prepared: &&Prepared| prepared.append.stream == conflict.stream;
                let prepared = self.appends.iter().find(of);
                prepared.is_some_and(|prepared| signed(conflict.actual.get()) > prepared.versions().1)
            }
            _ => false,
        };
        if settled { error } else { self.unknown(error) }
    }

    fn unknown(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        append::unknown(&self.appends[0].append, source)
    }
}
