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

#[derive(Default)]
struct Lamp {
    lit: bool,
}


struct Light;
#[derive(Clone)]
struct PutOut;

#[command_handler]
impl Lamp {
    fn light(&self, _: &Light) -> Result<LampLit, String> {
        Ok(LampLit { by: String::new() })
    }

    fn extinguish(&self, _: PutOut) -> Result<Option<LampPutOut>, String> {
        Ok(None)
    }
}

fn main() {}
