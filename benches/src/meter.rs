//! What is loaded and scanned: a meter that counts.

use es_core::{
    prelude::*,
    store::{Append, EventStore, Expected, NewEvent},
};

use crate::figures::Failure;

/// How many events a long stream has.
pub const LONG: u64 = 10_000;

/// Names a meter.
#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
pub struct MeterId(pub String);

/// One more was counted.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(unlocked)]
pub struct Counted {
    /// How much.
    pub amount: i64,
    /// When.
    pub booked_on: String,
    /// What for.
    pub description: String,
}

/// All that happens to a meter.
#[derive(EventSet, Clone, Debug)]
#[event_set(unlocked)]
pub enum MeterEvent {
    /// One more.
    Counted(Counted),
}

/// A meter without snapshots.
#[derive(Aggregate, Default, Clone, Debug)]
#[aggregate(name = "meter", id = MeterId, event = MeterEvent, unlocked)]
pub struct Meter {
    /// The sum.
    pub total: i64,
    /// How many.
    pub counted: u64,
}

#[event_handler]
impl Meter {
    fn counted(&mut self, event: &Counted) {
        self.total += event.amount;
        self.counted += 1;
    }
}

/// A meter with a snapshot behind its 10,000th event.
#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug)]
#[aggregate(name = "kept-meter", id = MeterId, event = MeterEvent, snapshot(every = 10_000), unlocked)]
pub struct KeptMeter {
    /// The sum.
    pub total: i64,
    /// The last that was counted.
    pub last: Option<Counted>,
}

#[event_handler]
impl KeptMeter {
    fn counted(&mut self, event: &Counted) {
        self.total += event.amount;
        self.last = Some(event.clone());
    }
}

/// Counts 10,000 at once.
#[derive(Debug)]
pub struct Count;

#[command_handler]
impl KeptMeter {
    #[command(or_default)]
    fn count(&self, _: &Count) -> Result<Vec<Counted>, std::convert::Infallible> {
        Ok((0..10_000).map(counted).collect())
    }
}

/// An event like those of the bank's ledger.
pub fn counted(amount: i64) -> Counted {
    Counted { amount, booked_on: "1993-01-05".to_owned(), description: "PREVOD Z UCTU DUCHOD".to_owned() }
}

/// Stores so many events in a stream.
///
/// # Errors
/// What the store says.
pub async fn fill<S: EventStore>(store: &S, stream: StreamId, events: u64) -> Result<(), Failure> {
    let mut left = events;
    while left > 0 {
        let part = left.min(LONG);
        let new = |amount: u64| {
            NewEvent::encode(&MeterEvent::Counted(counted(amount.cast_signed())), Metadata::at(Utc::now()))
        };
        let events = (0..part).map(new).collect::<Result<_, _>>()?;
        store.append(Append::new(stream.clone(), Expected::Any, events)).await?;
        left -= part;
    }
    Ok(())
}
