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
#[read_model(table = "porters")]
struct Porter {
    #[read_model(key)]
    name: String,
    lamps: u32,
}

#[event_handler(covers(LampEvent))]
impl Porter {
    #[key(e.by)]
    fn lit(&mut self, e: &LampLit) {
        let _ = e;
    }

    #[key(metadata.actor.clone())]
    fn put_out(&mut self, _: &LampPutOut) {}
}

#[derive(Projection)]
#[projection(name = "log")]
struct Log;

#[event_handler]
impl Log {
    #[key(format!("{} {}", lamp.by, event.by))]
    async fn lit(&self, lamp: &LampLit) {
        let _ = lamp;
    }
}

fn main() {}
