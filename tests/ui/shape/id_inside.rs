use es_core::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Room(u32);

impl std::str::FromStr for Room {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(Room);

fn main() {}
