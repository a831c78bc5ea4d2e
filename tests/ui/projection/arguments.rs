use es_core::prelude::*;

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

#[derive(ReadModel)]
#[read_model(table = "lamps")]
struct LampSummary {
    #[read_model(key)]
    id: LampId,
    #[read_model(index)]
    times: u32,
}

#[event_handler]
impl LampSummary {
    fn lit(&mut self, _: &LampLit) {
        self.times += 1;
    }
}

async fn often_lit(store: MemoryStore) -> Result<(), StoreError> {
    let lamps = store.read_model::<LampSummary>();
    let _ = lamps.fetch("times > $1", 0).await?;
    let _ = lamps.fetch("times > $1", &[0]).await?;
    let _ = lamps.fetch("times > $1", (Some(0),)).await?;
    let _ = lamps.fetch("id = $1", (&LampId("hall".into()),)).await?;
    Ok(())
}

fn main() {}
