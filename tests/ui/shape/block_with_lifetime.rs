use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {}

struct Lamp<'a> {
    by: &'a str,
}

#[event_handler]
impl<'a> Lamp<'a> {
    fn lit(&mut self, _: &LampLit) {}
}

struct Light;

#[command_handler]
impl<'a> Lamp<'a> {
    fn light(&self, _: &Light) -> Result<LampLit, String> {
        Ok(LampLit {})
    }
}

fn main() {}
