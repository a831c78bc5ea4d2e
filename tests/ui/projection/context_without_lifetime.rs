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

struct Transaction<'a> {
    lines: &'a mut Vec<String>,
}

#[event_handler]
impl Log {
    async fn lit(&self, event: &LampLit, transaction: &mut Transaction) {
        transaction.lines.push(event.by.clone());
    }
}

fn main() {}
