use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

#[derive(Event, Serialize, Deserialize)]
#[event(name = "LampLit")]
struct LampLitV1 {}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, previous = LampLitV1)]
struct LampLit {
    by: String,
}

impl From<LampLitV1> for LampLit {
    fn from(_: LampLitV1) -> Self {
        Self { by: String::new() }
    }
}

#[derive(EventSet)]
enum LampEvent {
    Lit(LampLit),
}

#[derive(Aggregate, Default)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent)]
struct Lamp {
    lit: bool,
}

#[event_handler]
impl Lamp {
    fn lit(&mut self, _: &LampLitV1) {
        self.lit = true;
    }
}

fn main() {}
