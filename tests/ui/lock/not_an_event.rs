use es_core::prelude::*;

struct ClockSet {
    hour: u8,
    minute: u8,
}

#[derive(Event, Serialize, Deserialize)]
struct ClockWound {
    by: String,
}

#[derive(EventSet)]
#[event_set(retired("ClockSold"))]
enum ClockEvent {
    Set(ClockSet),
    Wound(ClockWound),
}

fn main() {}
