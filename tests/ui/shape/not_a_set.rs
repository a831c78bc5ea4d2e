use es_core::prelude::*;

fn names<Set: EventSet>() -> usize {
    Set::SCHEMAS.len()
}

#[derive(Event, Serialize, Deserialize)]
struct LampLit {}

fn main() {
    names::<LampLit>();
}
