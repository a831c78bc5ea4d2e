use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct LampLit {}

#[derive(EventSet)]
#[event_set(retired("LampNamed", "LampSold", "LampNamed"))]
enum LampEvent {
    Lit(LampLit),
}

fn main() {}
