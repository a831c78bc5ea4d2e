use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampPutOut {}

#[derive(EventSet)]
enum LampEvent {
    Lit(LampLit),
    PutOut(LampPutOut),
}

#[derive(Aggregate, Serialize, Deserialize, Default)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent, snapshot(every = 10))]
struct Lamp<Bulb> {
    bulb: Bulb,
}

fn main() {}
