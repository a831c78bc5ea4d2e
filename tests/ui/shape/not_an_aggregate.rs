use es_core::prelude::*;

struct Lamp;

fn main() {
    MemoryStore::new().repository::<Lamp>();
}
