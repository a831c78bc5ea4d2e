use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "ClockSet")]
struct ClockSetV1 {
    hour: u8,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, previous = ClockSetV1)]
struct ClockSet {
    hour: u8,
    minute: u8,
}

impl From<ClockSetV1> for ClockSet {
    fn from(old: ClockSetV1) -> Self {
        Self { hour: old.hour, minute: 0 }
    }
}

#[derive(Event, Serialize, Deserialize)]
struct ClockWound {
    by: String,
}

#[derive(Event, Serialize, Deserialize)]
struct ClockSold {
    by: String,
}

#[derive(EventSet)]
enum ClockEvent {
    Set(ClockSet),
    Wound(ClockWound),
    Sold(ClockSold),
}

fn main() {}
