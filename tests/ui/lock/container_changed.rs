use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize)]
struct BellTolled {
    hour: u8,
}

mod other_bells {
    use es_core::prelude::*;

    #[derive(Event, Serialize, Deserialize)]
    #[serde(tag = "type", deny_unknown_fields)]
    struct BellTolled {
        hour: u8,
    }
}

fn main() {}
