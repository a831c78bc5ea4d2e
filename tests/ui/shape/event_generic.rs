use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct LampLit<Who> {
    by: Who,
}

fn main() {}
