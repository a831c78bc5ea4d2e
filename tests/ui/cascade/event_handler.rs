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

#[derive(Aggregate, Default)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent)]
struct Lamp {
    lit: bool,
}

#[event_handler]
impl Lamp {
    fn lit(&mut self, _: &mut LampLit) {
        self.lit = true;
    }

    fn put_out(&mut self, _: &LampPutOut) {
        self.lit = false;
    }
}

#[derive(Debug)]
enum LampError {
    AlreadyLit,
}

struct Light {
    by: String,
}

struct PutOut;

#[command_handler]
impl Lamp {
    #[command(or_default)]
    fn light(&self, command: &Light) -> Result<LampLit, LampError> {
        if self.lit {
            return Err(LampError::AlreadyLit);
        }
        Ok(LampLit { by: command.by.clone() })
    }

    fn extinguish(&self, _: &PutOut, context: &CommandContext<'_, Self>) -> Result<Option<LampPutOut>, LampError> {
        Ok((self.lit && context.version() > StreamVersion::EMPTY).then_some(LampPutOut {}))
    }
}

async fn run(lamps: Repository<Lamp, MemoryStore>) -> Result<(), ExecuteError<LampError>> {
    let id = LampId("hall".to_owned());
    lamps.execute(&id, Light { by: "the porter".to_owned() }).await?;
    let done = lamps.execute(&id, PutOut).actor("the porter").await?;
    for recorded in done.events {
        match recorded.event {
            LampEvent::Lit(event) => println!("lit by {}", event.by),
            LampEvent::PutOut(LampPutOut {}) => println!("put out"),
        }
    }
    println!("{}", done.state.lit);
    Ok(())
}

fn main() {
    let _ = run(MemoryStore::new().repository());
}
