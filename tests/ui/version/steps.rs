use es_core::prelude::*;

fn lit(old: serde_json::Value) -> serde_json::Value {
    old
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 4, upcast(1 = lit, 3 = lit))]
struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, upcast(1 = lit, 2 = lit))]
struct LampDimmed {
    by: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 4, upcast(1 = lit, 2 = lit))]
struct LampMoved {
    by: String,
}

fn main() {}
