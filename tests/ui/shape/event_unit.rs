use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct LampLit;

fn main() {}
