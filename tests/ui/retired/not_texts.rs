use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct LampLit {}

#[derive(EventSet)]
#[event_set(retired = "LampSold")]
enum LampEvent {
    Lit(LampLit),
}

#[derive(EventSet)]
#[event_set(retired(LampSold))]
enum OtherEvent {
    Lit(LampLit),
}

#[derive(EventSet)]
#[event_set(retired())]
enum ThirdEvent {
    Lit(LampLit),
}

fn main() {}
