use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "BellHung")]
struct BellHungV1 {
    by: u64,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, previous = BellHungV1)]
struct BellHung {
    by: String,
    tower: String,
}

impl From<BellHungV1> for BellHung {
    fn from(old: BellHungV1) -> Self {
        Self { by: old.by.to_string(), tower: String::new() }
    }
}

fn main() {}
