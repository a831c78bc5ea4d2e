use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event("LampLit")]
struct Lit {}

fn main() {}
