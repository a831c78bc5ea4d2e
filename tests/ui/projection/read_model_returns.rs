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

#[derive(ReadModel)]
#[read_model(table = "lamps")]
struct LampSummary {
    #[read_model(key)]
    id: LampId,
    times: u32,
}

#[event_handler]
impl LampSummary {
    fn lit(&mut self, _: &LampLit) -> Option<()> {
        Some(())
    }
}

fn main() {}
