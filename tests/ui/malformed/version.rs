use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2)]
struct LampLit {
    by: String,
}

fn main() {}
