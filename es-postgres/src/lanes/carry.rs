//! A batch on its way: sent, answered append by append, and where it was not taken, what `batch.rs` says.

use std::{sync::Arc, time::Duration};

use es_core::store::{Appended, HistoryDiverged, StoreError};
use tokio::time::{Instant, timeout};

use super::{Sent, Waiting};
use crate::{
    append::{self, DOING, Outcome},
    batch::{Next, OfStream as _, Patience, Piece},
    columns::Columns,
    connections::{Failure, Lease},
    error,
    store::Parts,
};

/// How long a batch waits for another transaction that has written to one of its streams, and how long each of its
/// appends does when it is sent alone because of that.
const PATIENCE: Duration = Duration::from_millis(100);
const LITTLE_PATIENCE: Duration = Duration::from_millis(20);

/// What is ready to be told to those who asked.
pub(super) type Answers = Vec<(Waiting, Appended)>;

pub(super) fn give(answers: Answers) {
    for (waiting, appended) in answers {
        waiting.reply(|_| Ok(appended));
    }
}

/// Carries a batch until each of its appends is done, or on the slow lane. The last answers are left to be given.
pub(super) async fn carry(
    parts: &Arc<Parts>,
    mut pieces: Vec<Piece<Sent>>,
    lease: Result<Lease<'_>, StoreError>,
) -> Answers {
    let mut lease = Some(lease);
    // The next is the last.
    pieces.reverse();
    let mut answers = Answers::new();
    while let Some(piece) = pieces.pop() {
        give(std::mem::take(&mut answers));
        let lease = match lease.take() {
            Some(lease) => lease,
            None => parts.connections.lease().await,
        };
        let Some(mut piece) = of_this_history(piece, &lease) else { continue };
        let begun = Instant::now();
        let failure = match send(parts, &piece, lease).await {
            Ok(outcomes) => {
                answers = settle(&mut piece, outcomes);
                parts.wake.appended(answers.iter().map(|(_, appended)| appended.position()).max());
                if !piece.requests.is_empty() {
                    pieces.push(piece.unexplained());
                }
                continue;
            }
            Err(failure) => held_before(failure, begun, parts.config.lock_timeout),
        };
        let lost = piece.lost;
        match piece.after(error::trouble(&failure)) {
            Next::Send(next) => pieces.extend(next.into_iter().rev()),
            Next::Slow(piece) => {
                let first = &piece.requests[0];
                let mut slow: Vec<_> =
                    pieces.extract_if(.., |other| other.requests[0].same_stream(first)).map(Piece::slow).collect();
                slow.push(piece);
                slow.reverse();
                slowly(parts, slow);
            }
            Next::Fail(failed) => fail(failed, failure, lost),
        }
    }
    answers
}

/// Answers the appends that were decided in another history than the connection's, and leaves the others.
fn of_this_history(mut piece: Piece<Sent>, lease: &Result<Lease<'_>, StoreError>) -> Option<Piece<Sent>> {
    if let Ok(lease) = lease {
        let found = lease.history();
        let known = |sent: &mut Sent| sent.prepared().and_then(|prepared| prepared.append.decided_in);
        for sent in piece.requests.extract_if(.., |sent| known(sent).is_some_and(|known| known != found)) {
            sent.reply(|prepared| {
                let known = prepared.append.decided_in.unwrap_or(found);
                let diverged = HistoryDiverged::new(known, found).into();
                Err(if piece.lost { append::in_doubt(prepared, diverged) } else { diverged })
            });
        }
    }
    (!piece.requests.is_empty()).then_some(piece)
}

/// A patience as the setting `lock_timeout`, where the connection's own is `longest`.
pub(crate) fn setting(patience: Patience, longest: Duration) -> String {
    let patience = match patience {
        Patience::Full => longest,
        // None at all would be no limit.
        Patience::Usual if longest.is_zero() => PATIENCE,
        Patience::Usual => longest.min(PATIENCE),
        Patience::Little => LITTLE_PATIENCE,
    };
    format!("{}ms", patience.as_millis())
}

/// The statement's patience holds from its first step on. Whoever waited for as long as the connection allows waited before
/// that, for a lock on the whole table, and would again: to them the failure is final.
pub(crate) fn held_before(failure: Failure, begun: Instant, longest: Duration) -> Failure {
    match failure {
        Failure::Refused(source) if error::is_held(&source) && begun.elapsed() >= longest.max(PATIENCE * 2) => {
            Failure::NotSent(error::held(DOING, source))
        }
        failure => failure,
    }
}

/// What became of each; `None` where an event was not stored, and the general statement must say why.
async fn send(
    parts: &Parts,
    piece: &Piece<Sent>,
    lease: Result<Lease<'_>, StoreError>,
) -> Result<Vec<Option<Outcome>>, Failure> {
    let prepared = piece.requests.iter().filter_map(Sent::prepared);
    let columns = Columns::of(prepared, setting(piece.patience, parts.config.lock_timeout));
    let lease = lease.map_err(Failure::NotSent)?;
    let hopeful = columns.query_hopeful(&parts.statements).filter(|_| piece.is_hopeful());
    let outcomes = if let Some(query) = hopeful {
        let rows = lease.fetch(query).await?;
        append::outcomes_of_ones(piece.requests.iter().map(|sent| &sent.stream), &rows)
    } else {
        let rows = lease.fetch(columns.query(&parts.statements)).await?;
        append::outcomes(piece.requests.len(), &rows).map(|outcomes| outcomes.into_iter().map(Some).collect())
    };
    // An answer that makes no sense is as good as none.
    outcomes.map_err(Failure::Lost)
}

/// Gives back the streams of what the database has dealt with, and leaves the others in the piece; what was stored is to be
/// answered.
fn settle(piece: &mut Piece<Sent>, outcomes: Vec<Option<Outcome>>) -> Answers {
    let lost = piece.lost;
    let mut answers = Answers::new();
    for (sent, outcome) in std::mem::take(&mut piece.requests).into_iter().zip(outcomes) {
        let Some(outcome) = outcome else {
            piece.requests.push(sent);
            continue;
        };
        let parts = Arc::clone(&sent.parts);
        let Some(waiting) = sent.release() else { continue };
        if let Outcome::Stored(places) = outcome {
            let appended = append::stored(&waiting.prepared, places);
            answers.push((waiting, appended));
            continue;
        }
        // Others are looked up in the stream: by a task of their own, because a lane does not wait for one of many.
        tokio::spawn(async move {
            let answer = append::standing(&parts, &waiting.prepared, outcome).await;
            // The first time it may have been stored without its answer.
            parts.wake.appended(answer.as_ref().ok().map(Appended::position));
            waiting
                .reply(|prepared| answer.map_err(|error| if lost { append::in_doubt(prepared, error) } else { error }));
        });
    }
    answers
}

/// Answers appends with the failure that they share.
fn fail(failed: Vec<Sent>, failure: Failure, lost: bool) {
    let lost = lost || matches!(failure, Failure::Lost(_));
    let errors = error::for_each(error::store_error(DOING, failure), failed.len());
    for (sent, error) in failed.into_iter().zip(errors) {
        sent.reply(|prepared| Err(if lost { append::in_doubt(prepared, error) } else { error }));
    }
}

/// Puts what is to be sent of a stream that another transaction holds onto the slow lane, where nobody waits for it but
/// those who append to the same stream.
fn slowly(parts: &Arc<Parts>, pieces: Vec<Piece<Sent>>) {
    let Ok(queued) = Arc::clone(&parts.lanes.slow_queue).try_acquire_owned() else {
        return give_up(pieces, "too many appends wait for such transactions");
    };
    let parts = Arc::clone(parts);
    tokio::spawn(async move {
        let slow = timeout(parts.config.acquire_timeout, parts.lanes.slow.acquire()).await;
        match slow {
            Ok(_slow) => {
                let lease = parts.connections.lease().await;
                give(carry(&parts, pieces, lease).await);
            }
            Err(_elapsed) => give_up(pieces, "the time for waiting was over"),
        }
        drop(queued);
    });
}

fn give_up(pieces: Vec<Piece<Sent>>, why: &'static str) {
    for piece in pieces {
        fail(piece.requests, Failure::NotSent(error::held(DOING, why)), piece.lost);
    }
}
