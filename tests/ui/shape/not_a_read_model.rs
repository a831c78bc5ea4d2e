use es_core::prelude::*;

struct LampSummary;

fn main() {
    let _ = es_core::projection::Rows::<LampSummary>::new();
}
