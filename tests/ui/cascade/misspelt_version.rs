use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct LampLitV1 {}

#[derive(Event, Serialize, Deserialize)]
#[event(name = "LampLitV1", verson = 2, previous = LampLitV1)]
struct LampLit {}

impl From<LampLitV1> for LampLit {
    fn from(_: LampLitV1) -> Self {
        Self {}
    }
}

fn main() {}
