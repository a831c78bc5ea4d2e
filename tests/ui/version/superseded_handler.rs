use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event(name = "LampLit")]
struct LampLitV1 {}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2, previous = LampLitV1)]
struct LampLit {
    by: String,
}

impl From<LampLitV1> for LampLit {
    fn from(_: LampLitV1) -> Self {
        Self { by: String::new() }
    }
}

#[derive(Projection)]
#[projection(name = "log")]
struct Log;

#[event_handler]
impl Log {
    async fn lit(&self, _: &LampLitV1) {}
}

fn main() {}
