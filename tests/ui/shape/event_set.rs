use es_core::prelude::*;

#[derive(EventSet)]
struct LampEvent {
    lit: bool,
}

fn main() {}
