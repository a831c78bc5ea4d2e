use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
#[aggregate_id(krate = es_core)]
struct LampId(String);

#[derive(Event, Serialize, Deserialize)]
#[event(nmae = "LampLit", colour = "yellow")]
struct LampLit {}

#[derive(EventSet)]
#[event_set(tag = "type")]
enum LampEvent {
    Lit(LampLit),
}

#[derive(Aggregate, Serialize, Deserialize, Default)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent, snapshots(every = 100), snapshot(evry = 100, every = 100))]
struct Lamp {
    lit: bool,
}

#[event_handler(covers(LampEvent))]
impl Lamp {
    fn lit(&mut self, _: &LampLit) {
        self.lit = true;
    }
}

struct Light;

#[command_handler(krate = es_core)]
impl Lamp {
    #[command(or_defualt)]
    fn light(&self, _: &Light) -> Result<LampLit, String> {
        Ok(LampLit {})
    }
}

fn main() {}
