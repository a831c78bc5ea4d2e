use es_core::prelude::*;

fn lit(old: serde_json::Value) -> serde_json::Value {
    old
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, upcast = lit)]
struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, upcast(one = lit))]
struct LampDimmed {
    by: String,
}

fn main() {}
