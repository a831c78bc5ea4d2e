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
struct ClockRewound {
    by: String,
}

#[derive(EventSet)]
#[event_set(retired("ClockSold"))]
enum ClockEvent {
    Set(ClockSet),
    Wound(ClockRewound),
}

fn main() {}
