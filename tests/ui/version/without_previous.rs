use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(version = 3)]
struct LampLit {
    by: String,
}

fn main() {}
