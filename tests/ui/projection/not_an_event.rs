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

#[derive(Projection)]
#[projection(name = "log")]
struct Log;

#[derive(ReadModel)]
#[read_model(table = "lamps")]
struct LampSummary {
    #[read_model(key)]
    id: LampId,
    times: u32,
}

#[event_handler]
impl Log {
    async fn lit(&self, _: &LampLit) {}

    async fn dim(&self, _: u8) {}
}

#[event_handler]
impl LampSummary {
    fn lit(&mut self, _: &LampLit) {}

    fn dim(&mut self, _: u8) {}
}

fn main() {}
