//! A projection that runs in every context with a trait.

use std::convert::Infallible;

use es_core::{
    prelude::*,
    projection::catch_up,
    store::{Append, Expected, NewEvent},
};

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    watts: u32,
}

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampPutOut {}

#[derive(EventSet)]
enum LampEvent {
    Lit(LampLit),
    PutOut(LampPutOut),
}

/// What the handlers need of a context.
trait Notes: Send {
    fn note(&mut self, text: String) -> impl Future<Output = Result<(), Infallible>> + Send;
}

impl Notes for Vec<String> {
    async fn note(&mut self, text: String) -> Result<(), Infallible> {
        self.push(text);
        Ok(())
    }
}

impl Notes for String {
    async fn note(&mut self, text: String) -> Result<(), Infallible> {
        self.push_str(&text);
        Ok(())
    }
}

#[derive(Projection)]
#[projection(name = "noted")]
struct Noted;

#[event_handler(covers(LampEvent))]
impl Noted {
    async fn lit(&self, event: &LampLit, notes: &mut impl Notes) -> Result<(), Infallible> {
        notes.note(format!("{} watts;", event.watts)).await
    }

    async fn put_out(&self, _: &LampPutOut, envelope: &Envelope, notes: &mut impl Notes) -> Result<(), Infallible> {
        notes.note(format!("out at {};", envelope.version)).await
    }
}

#[tokio::test]
async fn one_projection_runs_in_every_context_that_has_a_trait() {
    let store = MemoryStore::new();
    let events = [LampEvent::Lit(LampLit { watts: 60 }), LampEvent::PutOut(LampPutOut {})];
    let encode = |event| NewEvent::encode(event, Metadata::at(Utc::now())).expect("it can be stored");
    let append = Append::new(StreamId::new("lamp", "hall"), Expected::Any, events.iter().map(encode).collect());
    store.append(append).await.expect("an append");
    let (mut list, mut text) = (Vec::<String>::new(), String::new());
    catch_up(&store, &Noted, &mut list, &mut Position::START.clone()).await.expect("all is noted");
    catch_up(&store, &Noted, &mut text, &mut Position::START.clone()).await.expect("all is noted");
    assert_eq!((list.concat(), list.len()), ("60 watts;out at 2;".to_owned(), 2));
    assert_eq!(text, list.concat());
}
