use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, oldest = 2)]
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
