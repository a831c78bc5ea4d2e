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

#[event_handler]
impl Log {
    #[key(Some(&event.by))]
    async fn lit(&self, _: &LampLit) {}
}

fn main() {}
