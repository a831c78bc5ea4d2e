use es_core::prelude::*;

mod strokes {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(strokes: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(*strokes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        i64::deserialize(deserializer)
    }
}

#[derive(Event, Serialize, Deserialize)]
struct BellRung {
    by: u64,
    strokes: i64,
    loud: bool,
}

fn main() {}
