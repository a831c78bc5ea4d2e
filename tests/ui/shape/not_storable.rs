use es_core::prelude::*;

#[derive(Event, Deserialize)]
struct LampLit {
    by: String,
}

struct LampPutOut {}

#[derive(EventSet)]
enum LampEvent {
    Lit(LampLit),
    PutOut(LampPutOut),
    Moved(i64),
}

fn main() {}
