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

#[derive(Reactor)]
#[reactor(name = "porter")]
struct Porter;

#[event_handler]
impl Porter {
    async fn lit(&self, event: &LampLit, delivery: &Delivery, lines: &mut Vec<String>) {
        lines.push(format!("{}: {}", delivery.id, event.by));
    }
}

fn main() {}
