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
#[read_model(table = "lamps", policy = dead_leter)]
struct LampSummary {
    #[read_model(key)]
    id: LampId,
    times: u32,
}

#[event_handler]
impl LampSummary {
    fn lit(&mut self, _: &LampLit) {}
}

#[derive(Projection)]
#[projection(name = "log", policy = retry)]
struct Log;

#[event_handler]
impl Log {
    async fn lit(&self, _: &LampLit) {}
}

#[derive(Reactor)]
#[reactor(name = "porter", policy = "skip")]
struct Porter;

#[event_handler]
impl Porter {
    async fn lit(&self, _: &LampLit, _: &Delivery) {}
}

fn main() {}
