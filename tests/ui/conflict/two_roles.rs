use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

#[derive(EventSet)]
enum LampEvent {
    Lit(LampLit),
}

#[derive(Aggregate, Projection, Default)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent)]
#[projection(name = "lamps")]
struct Lamp {
    lit: bool,
}

#[event_handler]
impl Lamp {
    async fn lit(&self, _: &LampLit) {}
}

fn main() {}
