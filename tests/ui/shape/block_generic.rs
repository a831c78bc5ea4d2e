use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

struct Lamp<Bulb> {
    bulb: Bulb,
}

struct Light;

#[command_handler]
impl<Bulb> Lamp<Bulb> {
    fn light(&self, _: &Light) -> Result<LampLit, String> {
        Ok(LampLit { by: String::new() })
    }
}

fn main() {}
