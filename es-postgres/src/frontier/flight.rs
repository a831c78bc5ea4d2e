//! One flight at a time goes as far as it can; all who ask meanwhile share it, or the next one.
//!
//! It is a task of its own. Were it a part of some caller's future, a caller that stops polling without being dropped
//! would hold up all others.

use std::sync::Arc;

use es_core::{
    recorded::Position,
    store::{HistoryId, StoreError, Unavailable},
};
use tokio::time::{Duration, Instant, sleep};

use super::{
    Settled,
    ask::ask,
    proof::{Answer, Next, Proof, Question},
    record::{self, Recorder},
};
use crate::store::Parts;

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Who wants a flight, and what it needs. Flights are numbered from 1.
#[derive(Debug)]
pub(super) struct Flights {
    begun: u64,
    wanted: u64,
    /// When the first came of those who want the next flight.
    since: Option<Instant>,
    /// Not here while a task has it.
    prover: Option<Prover>,
}

/// The last flight that came to its end.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) number: u64,
    pub(super) outcome: Result<Outcome, StoreError>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) settled: Option<Settled>,
    /// Whether it ended before a hole, because its time was over.
    pub(super) held: bool,
}

impl Default for Landed {
    fn default() -> Self {
        Self { number: 0, outcome: Ok(Outcome::default()) }
    }
}

/// What one flight leaves to the next.
#[derive(Debug)]
struct Prover {
    history: Option<HistoryId>,
    proof: Proof,
    recorder: Recorder,
}

impl Flights {
    pub(super) fn new() -> Self {
        Self { begun: 0, wanted: 0, since: None, prover: Some(Prover::new()) }
    }
}

/// Asks for a flight that begins from now on, on behalf of someone who came then; answers its number. Must be called within
/// a Tokio runtime.
pub(super) fn book(parts: &Arc<Parts>, came: Instant) -> u64 {
    let mut flights = parts.frontier.flights();
    flights.wanted = flights.begun + 1;
    flights.since = Some(flights.since.map_or(came, |since| since.min(came)));
    if let Some(prover) = flights.prover.take() {
        tokio::spawn(fly_while_wanted(Pilot { parts: Arc::clone(parts), prover: Some(prover) }));
    }
    flights.wanted
}

pub(super) fn interrupted() -> StoreError {
    Unavailable::new("its runtime ended while it read all events", "the task is gone").into()
}

async fn fly_while_wanted(mut pilot: Pilot) {
    while let Some((number, deadline)) = pilot.next() {
        let Pilot { parts, prover: Some(prover) } = &mut pilot else { return };
        let outcome = prover.fly(parts, deadline).await;
        let landed = Landed { number, outcome };
        parts.frontier.seen.send_modify(|seen| seen.landed = landed);
    }
}

/// Has the prover. Dropped before the end of a flight, by a runtime that ends or a panic, it tells those who wait.
struct Pilot {
    parts: Arc<Parts>,
    prover: Option<Prover>,
}

impl Pilot {
    /// The next flight that is wanted, and when it ends at a hole; without one, the prover is given back.
    fn next(&mut self) -> Option<(u64, Instant)> {
        let mut flights = self.parts.frontier.flights();
        if flights.wanted <= flights.begun {
            flights.prover = self.prover.take();
            return None;
        }
        flights.begun += 1;
        let since = flights.since.take().unwrap_or_else(Instant::now);
        Some((flights.begun, since + self.parts.config.settle_timeout))
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        if self.prover.take().is_some() {
            let mut flights = self.parts.frontier.flights();
            *flights =
                Flights { begun: flights.wanted, wanted: flights.wanted, since: None, prover: Some(Prover::new()) };
            let landed = Landed { number: flights.wanted, outcome: Err(interrupted()) };
            self.parts.frontier.seen.send_modify(|seen| seen.landed = landed);
        }
    }
}

impl Prover {
    fn new() -> Self {
        Self { history: None, proof: Proof::default(), recorder: Recorder::new() }
    }

    async fn fly(&mut self, parts: &Arc<Parts>, deadline: Instant) -> Result<Outcome, StoreError> {
        self.proof.begin();
        let mut pause = FIRST_PAUSE;
        let mut on_standby = false;
        let mut proved = false;
        loop {
            let question = if on_standby { Question::Stored } else { self.proof.question() };
            let told = ask(parts, question).await?;
            if told.standby {
                parts.frontier.forget();
                let Answer::Stored(stored) = told.answer else {
                    on_standby = true;
                    continue;
                };
                return stored.map(|stored| of_standby(stored, told.history)).ok_or_else(nothing_stored);
            }
            if self.history != Some(told.history) {
                self.history = Some(told.history);
                self.proof = Proof::default();
            }
            if on_standby || question != self.proof.question() {
                on_standby = false;
                continue;
            }
            let before = self.proof.settled();
            let next = self.proof.answered(&told.answer);
            let settled = Settled { position: Position::new(self.proof.settled()), history: told.history };
            parts.frontier.learn(settled);
            // A step by asking for writers is one that the next process would have to ask for again.
            proved |= question == Question::Writers && before < self.proof.settled();
            match next {
                Next::Ask => {}
                Next::Pause if Instant::now() < deadline => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Next::Pause | Next::Done => {
                    if self.recorder.is_due(settled, proved) {
                        let parts = Arc::clone(parts);
                        tokio::spawn(async move { record::write(&parts, settled).await });
                    }
                    return Ok(Outcome { settled: Some(settled), held: next == Next::Pause });
                }
            }
        }
    }
}

fn of_standby(stored: u64, history: HistoryId) -> Outcome {
    Outcome { settled: Some(Settled { position: Position::new(stored), history }), held: false }
}

fn nothing_stored() -> StoreError {
    let reason = "it is a standby, which cannot see the primary's writers, and nobody has stored how far the order of all \
                  events is settled; read all events from the primary, once or, to keep standbys up to date, all the time";
    Unavailable::new(reason, "pg_is_in_recovery() is true").into()
}
