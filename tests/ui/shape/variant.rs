use es_core::prelude::*;

#[derive(EventSet)]
enum LampEvent {
    /// Somebody lit it.
    Lit { by: String, watts: Option<u32> },
    PutOut,
    Moved(i64, i64),
}

fn main() {}
