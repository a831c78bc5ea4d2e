use es_core::prelude::*;

#[derive(Projection)]
#[projection(version = 1)]
struct Log;

fn main() {}
