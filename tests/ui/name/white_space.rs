use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(name = " LampLit")]
struct LampLit {}

fn main() {}
