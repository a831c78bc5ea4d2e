use es_core::prelude::*;

#[derive(Projection)]
#[projection(name = "log", version = 0)]
struct Log;

#[derive(ReadModel)]
#[read_model(table = "lamps", version = 4294967296)]
struct LampSummary {
    #[read_model(key)]
    id: String,
}

fn main() {}
