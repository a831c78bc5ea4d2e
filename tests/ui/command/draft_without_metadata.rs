use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    by: String,
}

#[derive(EventSet, Clone)]
enum LampEvent {
    Lit(LampLit),
}

#[derive(Aggregate, Clone, Default)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent)]
struct Lamp {
    lit_by: Option<String>,
}

#[event_handler]
impl Lamp {
    fn lit(&mut self, _: &LampLit, metadata: &Metadata) {
        self.lit_by.clone_from(&metadata.actor);
    }
}

struct Light;

struct Begin;

#[command_handler]
impl Lamp {
    fn light(&self, _: &Light) -> Result<Draft<Self>, String> {
        let mut draft = self.draft();
        draft.record(LampLit { by: String::new() });
        Ok(draft)
    }

    fn begin(_: &Begin) -> Result<Draft<Self>, String> {
        Ok(Draft::<Self>::new())
    }
}

fn main() {}
