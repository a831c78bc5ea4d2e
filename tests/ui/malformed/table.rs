use es_core::prelude::*;

#[derive(ReadModel)]
#[read_model(table = "Lamp Summaries")]
struct LampSummary {
    #[read_model(key)]
    id: String,
}

fn main() {}
