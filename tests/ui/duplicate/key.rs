use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

#[derive(Event, Serialize, Deserialize)]
#[event(name = "LampLit", name = "LampLighted")]
struct LampLit {}

#[derive(EventSet)]
enum LampEvent {
    Lit(LampLit),
}

#[derive(Aggregate, Default)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent)]
#[aggregate(name = "lantern")]
struct Lamp {
    lit: bool,
}

#[event_handler]
impl Lamp {
    fn lit(&mut self, _: &LampLit) {
        self.lit = true;
    }
}

fn main() {}
