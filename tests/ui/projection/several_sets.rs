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

#[derive(Event, Serialize, Deserialize, Clone)]
struct RoomPainted {
    lamp: LampId,
}

#[derive(Event, Serialize, Deserialize, Clone)]
struct RoomLeft {}

#[derive(EventSet)]
enum RoomEvent {
    Painted(RoomPainted),
    Left(RoomLeft),
}

#[derive(ReadModel)]
#[read_model(table = "lamps")]
struct LampSummary {
    #[read_model(key)]
    id: LampId,
    times: u32,
}

#[event_handler(covers(LampEvent, RoomEvent), ignore(LampPutOut))]
impl LampSummary {
    #[key(stream)]
    fn lit(&mut self, _: &LampLit) {}

    #[key(event.lamp)]
    fn painted(&mut self, _: &RoomPainted) {}

    fn left(&mut self, _: &RoomLeft) {}
}

fn main() {}
