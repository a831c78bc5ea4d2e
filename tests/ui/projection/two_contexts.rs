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
    async fn lit(&self, event: &LampLit, lines: &mut Vec<String>) {
        lines.push(event.by.clone());
    }

    async fn put_out(&self, _: &LampPutOut, number: &mut u64) {
        *number += 1;
    }
}

fn main() {}
