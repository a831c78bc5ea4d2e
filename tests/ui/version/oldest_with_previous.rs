use es_core::prelude::*;

#[derive(Event, Deserialize)]
#[event(name = "LampLit")]
struct LampLitV1 {
    by: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, previous = LampLitV1, oldest = 1)]
struct LampLit {
    by: String,
    lamp: u8,
}

impl From<LampLitV1> for LampLit {
    fn from(old: LampLitV1) -> Self {
        Self { by: old.by, lamp: 1 }
    }
}

fn main() {}
