use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
pub struct LampId(String);

#[derive(Event, Serialize, Deserialize, Clone)]
pub struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize, Clone)]
pub struct LampPutOut {}

#[derive(EventSet)]
pub enum LampEvent {
    Lit(LampLit),
    PutOut(LampPutOut),
}

#[derive(Aggregate, Default)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent)]
pub struct Lamp {
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


pub struct Light;

struct Broken;

#[command_handler]
impl Lamp {
    fn light(&self, _: &Light) -> Result<LampLit, Broken> {
        Err(Broken)
    }
}

fn main() {}
