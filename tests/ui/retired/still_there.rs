use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct LampLit {}

#[derive(EventSet)]
#[event_set(retired("LampSold", "LampLit"))]
enum LampEvent {
    Lit(LampLit),
}

fn main() {}
