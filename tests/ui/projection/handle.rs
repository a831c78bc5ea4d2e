use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

#[derive(Projection)]
#[projection(name = "log")]
struct Log;

#[event_handler]
impl Log {
    async fn lit(&self, event: &LampLit, lines: &mut Vec<String>) {
        lines.push(event.by.clone());
    }
}

fn count<P: es_core::Handle<LampLit, u64>>(_: P) {}

fn run() {
    count(Log);
}

fn main() {}
