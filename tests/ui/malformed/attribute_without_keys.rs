use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
#[aggregate_id = "es_core"]
struct LampId(String);

#[derive(Event, Serialize, Deserialize)]
#[event]
struct LampLit {}

#[derive(EventSet)]
#[event_set()]
enum LampEvent {
    Lit(LampLit),
}

fn main() {}
