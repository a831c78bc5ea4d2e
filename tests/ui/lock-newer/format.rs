use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct BellRung {
    by: String,
}

#[derive(EventSet)]
enum BellEvent {
    Rung(BellRung),
}

fn main() {}
