use es_core::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampPutOut {}

#[derive(EventSet)]
enum LampEvent<T> {
    Lit(LampLit),
    Other(T),
}

fn main() {}
