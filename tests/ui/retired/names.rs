use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct LampLit {}

#[derive(EventSet)]
#[event_set(retired("", " LampSold", "Lamp\u{0}Broken"))]
enum LampEvent {
    Lit(LampLit),
}

fn main() {}
