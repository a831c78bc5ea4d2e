use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampPutOut {}

struct Lamp<Bulb> {
    bulb: Bulb,
}

#[event_handler]
impl<Bulb> Lamp<Bulb> {
    fn lit(&mut self, _: &LampLit) {}
}

struct Light;

#[command_handler]
impl<Bulb> Lamp<Bulb> {
    fn light(&self, _: &Light) -> Result<LampLit, String> {
        Ok(LampLit { by: String::new() })
    }
}

fn main() {}
