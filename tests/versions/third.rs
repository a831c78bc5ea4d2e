//! The domain as it is today: an address has parts, a move says by what, and names are gone.

use std::convert::Infallible;

use es_core::prelude::*;
use serde_json::Value;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ParcelId(pub(super) String);

#[derive(Event, Deserialize)]
#[event(name = "ParcelSent")]
struct ParcelSentV1 {
    to: String,
    kilograms: u32,
}

#[derive(Event, Deserialize)]
#[event(name = "ParcelSent", version = 2, previous = ParcelSentV1)]
struct ParcelSentV2 {
    to: String,
    grams: u32,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(super) struct Address {
    pub(super) street: String,
    pub(super) town: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(version = 3, previous = ParcelSentV2)]
pub(super) struct ParcelSent {
    pub(super) to: Address,
    pub(super) grams: u32,
}

impl From<ParcelSentV1> for ParcelSentV2 {
    fn from(old: ParcelSentV1) -> Self {
        Self { to: old.to, grams: old.kilograms * 1_000 }
    }
}

/// An address of earlier days had a comma, or else nobody knows where it leads.
#[derive(Debug)]
pub(super) struct NoTown(String);

impl std::fmt::Display for NoTown {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "there is no town in \"{}\"", self.0)
    }
}

impl std::error::Error for NoTown {}

impl TryFrom<ParcelSentV2> for ParcelSent {
    type Error = NoTown;

    fn try_from(old: ParcelSentV2) -> Result<Self, NoTown> {
        let Some((street, town)) = old.to.split_once(", ") else { return Err(NoTown(old.to)) };
        Ok(Self { to: Address { street: street.to_owned(), town: town.to_owned() }, grams: old.grams })
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(version = 2, upcast(1 = by_unknown))]
pub(super) struct ParcelMoved {
    pub(super) place: String,
    pub(super) by: String,
}

fn by_unknown(mut old: Value) -> Value {
    old["by"] = "unknown".into();
    old
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(super) struct Weighed {
    pub(super) grams: u32,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(super) struct ParcelLost {}

#[derive(EventSet, Clone, Debug, PartialEq)]
#[event_set(retired("ParcelNamed"))]
pub(super) enum ParcelEvent {
    Sent(ParcelSent),
    Moved(ParcelMoved),
    Weighed(Weighed),
    Lost(ParcelLost),
}

#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "parcel", id = ParcelId, event = ParcelEvent, snapshot(every = 2))]
pub(super) struct Parcel {
    pub(super) grams: u32,
    pub(super) town: String,
    pub(super) places: Vec<String>,
    pub(super) lost: bool,
}

/// Weighing is still stored, and changes nothing any more.
#[event_handler(ignore(Weighed))]
impl Parcel {
    fn sent(&mut self, event: ParcelSent) {
        (self.grams, self.town) = (event.grams, event.to.town);
    }

    fn moved(&mut self, event: ParcelMoved) {
        self.places.push(event.place);
    }

    fn lost(&mut self, _: &ParcelLost) {
        self.lost = true;
    }
}

pub(super) struct Move {
    pub(super) place: String,
}

pub(super) struct Lose;

#[command_handler]
impl Parcel {
    fn send_on(&self, command: &Move) -> Result<ParcelMoved, Infallible> {
        Ok(ParcelMoved { place: command.place.clone(), by: "van".to_owned() })
    }

    fn lose(&self, _: &Lose) -> Result<Option<ParcelLost>, Infallible> {
        Ok((!self.lost).then_some(ParcelLost {}))
    }
}

#[derive(ReadModel, Debug, PartialEq)]
#[read_model(table = "sheets")]
pub(super) struct Sheet {
    #[read_model(key)]
    pub(super) parcel: ParcelId,
    pub(super) grams: u32,
    pub(super) moves: u32,
    pub(super) lost: bool,
}

#[event_handler(covers(ParcelEvent), ignore(Weighed))]
impl Sheet {
    fn sent(&mut self, event: &ParcelSent) {
        self.grams = event.grams;
    }

    fn moved(&mut self, _: &ParcelMoved) {
        self.moves += 1;
    }

    fn lost(&mut self, _: &ParcelLost) {
        self.lost = true;
    }
}

/// Where the log goes, with a lifetime as a transaction has one.
pub(super) struct Lines<'a> {
    pub(super) lines: &'a mut Vec<String>,
}

#[derive(Projection)]
#[projection(name = "log")]
pub(super) struct Log;

#[event_handler(covers(ParcelEvent), ignore(Weighed, ParcelLost))]
impl Log {
    async fn sent(&self, event: &ParcelSent, envelope: &Envelope, log: &mut Lines<'_>) {
        log.lines.push(format!("{} to {}", envelope.stream.id(), event.to.town));
    }

    async fn moved(&self, event: &ParcelMoved, envelope: &Envelope, log: &mut Lines<'_>) {
        log.lines.push(format!("{} at {} by {}", envelope.stream.id(), event.place, event.by));
    }
}
