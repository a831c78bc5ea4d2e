use es_core::prelude::*;

#[derive(AggregateId, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

fn main() {}
