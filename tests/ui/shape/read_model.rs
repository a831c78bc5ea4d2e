use es_core::prelude::*;

#[derive(ReadModel)]
#[read_model(table = "lamps")]
struct LampSummary(String);

#[derive(ReadModel)]
#[read_model(table = "rooms")]
enum Room {}

fn main() {}
