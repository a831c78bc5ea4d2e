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

trait Light {
    fn lit(&mut self, event: &LampLit);
}

#[event_handler]
impl Light for Lamp {
    fn lit(&mut self, _: &LampLit) {
        self.lit = true;
    }
}

struct PutOut;

trait Dark {
    fn put_out(&self, command: &PutOut) -> Result<LampPutOut, String>;
}

#[command_handler]
impl Dark for Lamp {
    fn put_out(&self, _: &PutOut) -> Result<LampPutOut, String> {
        Ok(LampPutOut {})
    }
}

fn main() {}
