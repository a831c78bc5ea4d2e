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
    fn lit(&mut self, _: &LampLit) {
        self.lit = true;
    }

    fn put_out(&mut self, _: &LampPutOut) {
        self.lit = false;
    }
}

#[derive(Event, Serialize, Deserialize)]
struct LampMoved {}

struct Move;
struct MoveTwice;
struct MoveMaybe;

#[command_handler]
impl Lamp {
    fn bare(&self, _: &Move) -> Result<LampMoved, String> {
        Ok(LampMoved {})
    }

    fn tuple(&self, _: &MoveTwice) -> Result<(LampPutOut, LampMoved), String> {
        Ok((LampPutOut {}, LampMoved {}))
    }

    fn option(&self, _: &MoveMaybe) -> Result<Option<LampMoved>, String> {
        Ok(None)
    }
}

fn main() {}
