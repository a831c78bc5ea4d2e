use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "LampLit" version = 1)]
struct Lit {}

fn main() {}
