use es_core::prelude::*;

#[event_handler]
struct Lamp;

#[command_handler]
fn light() {}

fn main() {}
