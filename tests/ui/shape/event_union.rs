use es_core::prelude::*;

#[derive(Event)]
union LampLit {
    by: u32,
    at: f32,
}

impl<'de> Deserialize<'de> for LampLit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { by: u32::deserialize(deserializer)? })
    }
}

fn main() {}
