use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampPutOut {}

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

async fn run(store: &MemoryStore) {
    let mut lines = Vec::<String>::new();
    let _ = es_core::projection::catch_up(store, &Log, &mut lines, Position::START).await;
}

fn main() {}
