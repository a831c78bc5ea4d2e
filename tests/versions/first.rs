//! The domain at the first time: weights in kilograms, an address in one line, and parcels have names.

use std::convert::Infallible;

use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct ParcelId(String);

#[derive(Event, Serialize, Deserialize)]
struct ParcelSent {
    to: String,
    kilograms: u32,
}

#[derive(Event, Serialize, Deserialize)]
struct ParcelNamed {
    name: String,
}

#[derive(EventSet)]
enum ParcelEvent {
    Sent(ParcelSent),
    Named(ParcelNamed),
}

#[derive(Aggregate, Serialize, Deserialize, Default)]
#[aggregate(name = "parcel", id = ParcelId, event = ParcelEvent, snapshot(every = 2))]
struct Parcel {
    kilograms: u32,
    name: Option<String>,
}

#[event_handler]
impl Parcel {
    fn sent(&mut self, event: &ParcelSent) {
        self.kilograms = event.kilograms;
    }

    fn named(&mut self, event: &ParcelNamed) {
        self.name = Some(event.name.clone());
    }
}

struct Send {
    to: &'static str,
    kilograms: u32,
}

struct Name(&'static str);

#[command_handler]
impl Parcel {
    fn send(command: &Send) -> Result<ParcelSent, Infallible> {
        Ok(ParcelSent { to: command.to.to_owned(), kilograms: command.kilograms })
    }

    fn name(&self, command: &Name) -> Result<ParcelNamed, Infallible> {
        Ok(ParcelNamed { name: command.0.to_owned() })
    }
}

/// A parcel is sent and named.
pub(super) async fn run<S: EventStore>(store: &S, id: &str) {
    let (parcels, id) = (store.repository::<Parcel>(), ParcelId(id.to_owned()));
    parcels.execute(&id, Send { to: "Long 1, Brno", kilograms: 3 }).await.expect("it is accepted");
    let done = parcels.execute(&id, Name("fragile")).await.expect("it is accepted");
    assert_eq!((done.state.kilograms, done.state.name.as_deref()), (3, Some("fragile")));
}
