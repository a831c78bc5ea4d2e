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

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Wide(i128);

#[derive(Serialize, Deserialize, Default)]
enum Colour {
    #[default]
    White,
}

#[derive(ReadModel)]
#[read_model(table = "lamps")]
struct LampSummary {
    #[read_model(key)]
    id: LampId,
    brightness: f32,
    wide: Wide,
    bytes: Vec<u8>,
    number: u128,
    colour: Colour,
}

#[event_handler]
impl LampSummary {
    fn lit(&mut self, _: &LampLit) {}
}

fn main() {}
