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

#[derive(Event, Serialize, Deserialize)]
#[event(name = LampBroken, version = 1u8, crate = "es_core")]
struct Broken {}

#[derive(Aggregate, Serialize, Deserialize, Default)]
#[aggregate(name = "lamp", id = "LampId", event = LampEvent, snapshot = 100)]
struct Lamp {
    lit: bool,
}

#[event_handler]
impl Lamp {
    fn lit(&mut self, _: &LampLit) {
        self.lit = true;
    }

    fn put_out(&mut self, _: &LampPutOut) {
        self.lit = false;
    }
}

struct Light;

#[command_handler]
impl Lamp {
    #[command(or_default = true)]
    fn light(&self, _: &Light) -> Result<LampLit, String> {
        Err("broken".to_owned())
    }
}

fn main() {}
