use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Named {
    id: String,
}

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Two(String, u32);

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Unit;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
enum Either {
    Number(u64),
    Text(String),
}

fn main() {}
