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

#[derive(Projection)]
#[projection(name = "log")]
struct Log;

#[event_handler(covers(LampEvent))]
impl Log {
    fn lit(&self, _: &LampLit) {}

    fn put_out(&self, _: &LampPutOut) {}
}

#[derive(Projection)]
#[projection(name = "ledger")]
struct Ledger;

#[event_handler(covers(LampEvent))]
impl Ledger {
    fn lit(&self, event: &LampLit, lines: &mut Vec<String>) -> Result<(), std::io::Error> {
        lines.push(event.by.clone());
        Ok(())
    }

    fn put_out(&self, _: &LampPutOut, _: &mut Vec<String>) -> Result<(), std::io::Error> {
        Ok(())
    }
}

#[derive(Reactor)]
#[reactor(name = "porter")]
struct Porter;

#[event_handler]
impl Porter {
    fn lit(&self, _: &LampLit) -> Result<(), std::io::Error> {
        Ok(())
    }
}

#[derive(Reactor)]
#[reactor(name = "mail")]
struct Mail;

#[event_handler]
impl Mail {
    fn lit(&self, _: &LampLit, _: &Delivery) -> Result<(), std::io::Error> {
        Ok(())
    }
}

async fn run(store: MemoryStore) -> Result<(), Box<dyn std::error::Error>> {
    let (mut lines, mut position) = (Vec::new(), Position::START);
    es_core::projection::catch_up(&store, &Ledger, &mut lines, &mut position).await?;
    es_core::projection::catch_up(&store, &Log, &mut (), &mut position).await?;
    Ok(())
}

fn main() {}
