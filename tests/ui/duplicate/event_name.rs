use es_core::prelude::*;

mod old {
    use es_core::prelude::*;

    #[derive(Event, Serialize, Deserialize)]
    pub struct LampLit {}
}

#[derive(Event, Serialize, Deserialize)]
struct LampLit {
    by: String,
}

#[derive(EventSet)]
enum LampEvent {
    LitOnce(old::LampLit),
    Lit(LampLit),
}

fn main() {}
