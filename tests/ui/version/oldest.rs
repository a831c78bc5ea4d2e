use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, oldest = 3)]
struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 3, oldest = 2)]
struct LampDimmed {
    by: String,
}

fn main() {}
