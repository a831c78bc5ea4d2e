use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct ChimeHeard {}

#[derive(EventSet)]
enum ChimeEvent {
    Heard(ChimeHeard),
}

fn main() {
    // What `schema_lock!(ChimeEvent)` writes for the set, outside of its test.
    let _ = es_core::testing::schema_lock!(@set ChimeEvent);
}
