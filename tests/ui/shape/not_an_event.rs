struct LampLit {}

fn main() {
    es_core::EventSchema::of::<LampLit>();
}
