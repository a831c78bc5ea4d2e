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

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place(String);

#[derive(ReadModel)]
#[read_model(table = "lamps")]
struct LampsAt {
    #[read_model(key)]
    place: Place,
    times: u32,
}

#[event_handler]
impl LampsAt {
    fn lit(&mut self, _: &LampLit) {
        self.times += 1;
    }
}

fn main() {}
