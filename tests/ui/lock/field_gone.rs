use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "BellHung")]
struct BellHungV1 {
    by: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, previous = BellHungV1)]
struct BellHung {
    tower: String,
}

impl From<BellHungV1> for BellHung {
    fn from(old: BellHungV1) -> Self {
        Self { tower: old.by }
    }
}

fn main() {}
