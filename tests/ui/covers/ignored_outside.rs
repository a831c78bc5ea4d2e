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
struct RoomPainted {}

#[derive(ReadModel)]
#[read_model(table = "lamps")]
struct LampSummary {
    #[read_model(key)]
    id: LampId,
    times: u32,
}

#[derive(Projection)]
#[projection(name = "log")]
struct Log;

#[event_handler(covers(LampEvent), ignore(LampPutOut, RoomPainted))]
impl LampSummary {
    fn lit(&mut self, _: &LampLit) {}
}

#[event_handler(covers(LampEvent), ignore(LampPutOut, RoomPainted))]
impl Log {
    async fn lit(&self, _: &LampLit) {}
}

fn main() {}
