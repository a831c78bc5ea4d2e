use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "Lamp\0Lit")]
struct LampLit {}

fn main() {}
