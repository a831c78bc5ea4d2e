use es_core::prelude::*;

#[derive(Event, Deserialize)]
#[event(name = "LampLit")]
struct LampLitV1 {
    by: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, previous = LampLitV1)]
struct LampLit {
    by: String,
    lamp: u8,
}

fn main() {}
