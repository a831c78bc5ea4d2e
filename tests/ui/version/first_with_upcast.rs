use es_core::prelude::*;

fn lit(old: serde_json::Value) -> serde_json::Value {
    old
}

#[derive(Event, Serialize, Deserialize)]
#[event(upcast(1 = lit))]
struct LampLit {
    by: String,
}

fn main() {}
