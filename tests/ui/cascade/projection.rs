use es_core::{
    prelude::*,
    projection::{Rows, catch_up},
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

#[derive(ReadModel, Debug)]
#[read_model(table = "lamps")]
struct LampSummary {
    #[read_model(key)]
    id: LampId,
    times: u32,
}

#[event_handler(covers(LampEvent), ignore(LampPutOut))]
impl LampSummary {
    fn lit(&mut self, _: &LampLit, envelope: &Envelope) {
        self.times += u32::from(envelope.metadata.actor.is_some());
    }
}

#[derive(Projection)]
#[projection(name = "")]
struct Log;

#[event_handler(covers(LampEvent))]
impl Log {
    async fn lit(&self, event: &LampLit, lines: &mut Vec<String>) {
        lines.push(event.by.clone());
    }

    async fn put_out(&self, _: &LampPutOut, _: &Envelope, lines: &mut Vec<String>) -> Result<(), std::io::Error> {
        lines.clear();
        Ok(())
    }
}

async fn run(store: &MemoryStore) {
    let mut rows = Rows::<LampSummary>::new();
    rows.catch_up(store).await.unwrap();
    println!("{:?}", rows.get(&LampId("hall".to_owned())).map(|row| row.key().clone()));
    let (mut lines, mut position) = (Vec::new(), Position::START);
    catch_up(store, &Log, &mut lines, &mut position).await.unwrap();
}

fn main() {}
