use es_core::prelude::*;

fn lit(_: serde_json::Value) -> String {
    String::new()
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, upcast(1 = lit))]
struct LampLit {
    by: String,
}

fn main() {}
