use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
#[aggregate_id(length = 8)]
struct LampId(String);

fn main() {}
