use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(#[aggregate_id(crate = es_core)] String);

#[derive(Event, Serialize, Deserialize)]
struct LampLit {
    #[event(name = "who")]
    by: String,
}

#[derive(EventSet)]
enum LampEvent {
    #[event_set(crate = es_core)]
    Lit(LampLit),
}

#[derive(Aggregate, Default)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent)]
struct Lamp {
    #[aggregate(name = "lit")]
    lit: bool,
}

#[event_handler]
impl Lamp {
    fn lit(&mut self, _: &LampLit) {
        self.lit = true;
    }
}

fn main() {}
