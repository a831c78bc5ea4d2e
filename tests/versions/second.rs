//! The domain at the second time: weights in grams, and parcels move and are weighed.

use std::convert::Infallible;

use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct ParcelId(String);

#[derive(Event, Deserialize)]
#[event(name = "ParcelSent")]
struct ParcelSentV1 {
    to: String,
    kilograms: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, previous = ParcelSentV1)]
struct ParcelSent {
    to: String,
    grams: u32,
}

impl From<ParcelSentV1> for ParcelSent {
    fn from(old: ParcelSentV1) -> Self {
        Self { to: old.to, grams: old.kilograms * 1_000 }
    }
}

#[derive(Event, Serialize, Deserialize)]
struct ParcelNamed {
    name: String,
}

#[derive(Event, Serialize, Deserialize)]
struct ParcelMoved {
    place: String,
}

#[derive(Event, Serialize, Deserialize)]
struct Weighed {
    grams: u32,
}

#[derive(EventSet)]
enum ParcelEvent {
    Sent(ParcelSent),
    Named(ParcelNamed),
    Moved(ParcelMoved),
    Weighed(Weighed),
}

#[derive(Aggregate, Serialize, Deserialize, Default)]
#[aggregate(name = "parcel", id = ParcelId, event = ParcelEvent, snapshot(every = 2))]
struct Parcel {
    grams: u32,
    name: Option<String>,
    place: String,
}

#[event_handler]
impl Parcel {
    fn sent(&mut self, event: &ParcelSent) {
        self.grams = event.grams;
    }

    fn named(&mut self, event: &ParcelNamed) {
        self.name = Some(event.name.clone());
    }

    fn moved(&mut self, event: &ParcelMoved) {
        self.place.clone_from(&event.place);
    }

    fn weighed(&mut self, event: &Weighed) {
        self.grams = event.grams;
    }
}

struct Send {
    to: &'static str,
    grams: u32,
}

struct Move(&'static str);

struct Weigh;

#[command_handler]
impl Parcel {
    fn send(command: &Send) -> Result<ParcelSent, Infallible> {
        Ok(ParcelSent { to: command.to.to_owned(), grams: command.grams })
    }

    fn send_on(&self, command: &Move) -> Result<ParcelMoved, Infallible> {
        Ok(ParcelMoved { place: command.0.to_owned() })
    }

    fn weigh(&self, _: &Weigh) -> Result<Weighed, Infallible> {
        Ok(Weighed { grams: self.grams })
    }
}

/// The parcel of the first time is moved and weighed, and another is sent.
pub(super) async fn run<S: EventStore>(store: &S, old: &str, new: &str) {
    let parcels = store.repository::<Parcel>();
    let (old, new) = (ParcelId(old.to_owned()), ParcelId(new.to_owned()));
    parcels.execute(&old, Move("Prague")).await.expect("it is accepted");
    let done = parcels.execute(&old, Weigh).await.expect("it is accepted");
    assert_eq!(
        (done.state.grams, done.state.name.as_deref(), done.state.place.as_str()),
        (3_000, Some("fragile"), "Prague")
    );
    parcels.execute(&new, Send { to: "Short 2, Písek", grams: 500 }).await.expect("it is accepted");
}

/// A process with this code is still running while the third time has begun. It does not know what the third stores, so
/// it appends without looking.
pub(super) async fn run_on<S: EventStore>(store: &S, id: &str) {
    let event = ParcelEvent::from(ParcelMoved { place: "Olomouc".to_owned() });
    let event = es_core::store::NewEvent::encode(&event, Metadata::at(Utc::now())).expect("it can be stored");
    let stream = StreamId::new("parcel", id);
    let append = es_core::store::Append::new(stream, Expected::StreamExists, vec![event]);
    store.append(append).await.expect("it is stored");
}
