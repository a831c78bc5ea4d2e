use es_core::prelude::*;
use serde_json::Value;

#[derive(Event, Deserialize)]
#[event(name = "LampLit", version = 1)]
struct LampLitV1 {
    by: String,
}

#[derive(Event, Deserialize)]
#[event(name = "LampLit", version = 2, previous = LampLitV1)]
struct LampLitV2 {
    by: String,
}

impl From<LampLitV1> for LampLitV2 {
    fn from(old: LampLitV1) -> Self {
        Self { by: old.by }
    }
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 3, previous = LampLitV2, upcast(2 = with_lamp))]
struct LampLit {
    by: String,
    lamp: u8,
}

impl From<LampLitV2> for LampLit {
    fn from(old: LampLitV2) -> Self {
        Self { by: old.by, lamp: 1 }
    }
}

fn with_lamp(mut old: Value) -> Value {
    old["lamp"] = 1.into();
    old
}

fn main() {}
