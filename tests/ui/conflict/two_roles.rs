use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

#[derive(ReadModel, Projection)]
#[read_model(table = "lamps")]
#[projection(name = "lamps")]
struct Lamps {
    #[read_model(key)]
    id: String,
}

#[event_handler]
impl Lamps {
    async fn lit(&self, _: &LampLit) {}
}

fn main() {}
