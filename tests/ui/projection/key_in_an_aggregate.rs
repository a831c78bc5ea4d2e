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

#[derive(Aggregate, Default)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent)]
struct Lamp {
    lit: bool,
}

#[event_handler]
impl Lamp {
    #[key(event.by)]
    fn lit(&mut self, _: &LampLit) {
        self.lit = true;
    }

    fn put_out(&mut self, _: &LampPutOut) {
        self.lit = false;
    }
}

#[derive(Aggregate, Default)]
#[aggregate(name = "light", id = LampId, event = LampEvent)]
struct Light {
    lit: bool,
}

#[event_handler(ignore(LampPutOut))]
impl Light {
    #[key(stream)]
    fn lit(&mut self, _: &LampLit) {
        self.lit = true;
    }
}

fn main() {}
