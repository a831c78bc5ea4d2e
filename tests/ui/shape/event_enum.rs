use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
enum LampEvent {
    Lit { by: String },
    PutOut,
}

fn main() {}
