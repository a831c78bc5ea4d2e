use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct ChimeHeard {}

#[derive(EventSet)]
enum ChimeEvent {
    Heard(ChimeHeard),
}

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct ChimeId(String);

#[derive(Aggregate, Default)]
#[aggregate(name = "chime", id = ChimeId, event = ChimeEvent)]
struct Chime {}

#[event_handler]
impl Chime {
    fn heard(&mut self, _: &ChimeHeard) {}
}

#[derive(Aggregate, Default)]
#[aggregate(name = "echo", id = ChimeId, event = ChimeEvent)]
struct Echo {}

#[event_handler]
impl Echo {
    fn heard(&mut self, _: &ChimeHeard) {}
}

fn main() {
    // What `schema_lock!(ChimeEvent)` writes for the set, outside of its test.
    let _ = es_core::testing::schema_lock!(@set ChimeEvent);
}
