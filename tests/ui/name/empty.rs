use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "  ")]
struct LampLit {}

fn main() {}
