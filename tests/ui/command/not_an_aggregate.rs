use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampPutOut {}

struct Lamp;

struct Light;

#[command_handler]
impl Lamp {
    fn light(&self, _: &Light) -> Result<LampLit, String> {
        Ok(LampLit { by: String::new() })
    }
}

fn main() {}
