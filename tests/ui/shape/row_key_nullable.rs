use es_core::{
    prelude::*,
    projection::{Column, ColumnType},
};

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampPutOut {}

#[derive(EventSet)]
enum LampEvent {
    Lit(LampLit),
    PutOut(LampPutOut),
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash)]
#[serde(transparent)]
struct Place(Option<String>);

impl Column for Place {
    const TYPE: ColumnType = ColumnType::Text;
    const NULLABLE: bool = true;
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0.as_deref().unwrap_or_default())
    }
}

impl std::str::FromStr for Place {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self((!text.is_empty()).then(|| text.to_owned())))
    }
}

#[derive(ReadModel)]
#[read_model(table = "lamps")]
struct LampSummary {
    #[read_model(key)]
    place: Place,
    times: u32,
}

#[event_handler]
impl LampSummary {
    fn lit(&mut self, _: &LampLit) {}
}

fn main() {}
