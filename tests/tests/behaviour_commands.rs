//! What `#[command_handler]` writes: which streams a command may be given to, and what it may answer.

use std::convert::Infallible;

use es_core::{CommandTarget, prelude::*, testing::given};

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct CounterId(u32);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Begun {
    at: i64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Added {
    amount: i64,
}

#[derive(EventSet, Clone, Debug, PartialEq)]
enum CounterEvent {
    Begun(Begun),
    Added(Added),
}

#[derive(Aggregate, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "counter", id = CounterId, event = CounterEvent)]
struct Counter {
    total: i64,
}

#[event_handler]
impl Counter {
    fn begun(&mut self, event: Begun) {
        self.total = event.at;
    }

    fn added(&mut self, event: &Added) {
        self.total += event.amount;
    }
}

#[derive(Debug, PartialEq)]
enum CounterError {
    Negative,
    NotYours { actor: Option<String> },
}

macro_rules! commands {
    ($($name:ident),*) => { $(#[derive(Clone, Debug)] struct $name { amount: i64 })* };
}

commands!(Begin, AddToAny, AddOne, AddMaybe, AddAll, AddTwice, AddBoth, AddAsSet, AddOwn, AddNested);

struct AddNothing;

#[derive(Clone)]
struct Gone;

type Decided<Events> = Result<Events, CounterError>;

#[command_handler]
impl Counter {
    fn begin(command: Begin) -> Result<Begun, Infallible> {
        Ok(Begun { at: command.amount })
    }

    #[command(or_default)]
    fn add_to_any(&self, command: &AddToAny) -> Decided<Added> {
        Self::checked(command.amount)
    }

    #[expect(clippy::needless_arbitrary_self_type, reason = "it is one way to write it")]
    fn add_one(self: &Self, AddOne { amount }: &AddOne) -> Decided<Added> {
        Self::checked(*amount)
    }

    fn add_maybe(&self, command: &AddMaybe) -> Decided<Option<Added>> {
        Ok((command.amount != 0).then_some(Added { amount: command.amount }))
    }

    fn add_all(&self, command: AddAll) -> Decided<Vec<Added>> {
        Ok((1..=command.amount).map(|amount| Added { amount }).collect())
    }

    fn add_twice(&self, command: AddTwice) -> Decided<[Added; 2]> {
        Ok([Added { amount: command.amount }, Added { amount: command.amount }])
    }

    fn add_both(&self, command: &AddBoth) -> Decided<(Added, CounterEvent)> {
        Ok((Added { amount: command.amount }, CounterEvent::Added(Added { amount: -command.amount })))
    }

    fn add_nothing(&self, _: &AddNothing) -> Decided<()> {
        Ok(())
    }

    fn add_as_set(&self, command: &AddAsSet) -> Result<<Self as Aggregate>::Event, CounterError> {
        Self::checked(command.amount).map(Into::into)
    }

    fn add_own(&self, command: &AddOwn, context: &CommandContext<'_, Self>) -> Decided<Added> {
        let actor = context.metadata().actor.clone();
        if actor != Some(context.id().to_string()) || context.version() != StreamVersion::new(1) {
            return Err(CounterError::NotYours { actor });
        }
        Ok(Added { amount: command.amount })
    }

    fn add_nested(&self, command: AddNested) -> Decided<Option<Vec<(Added,)>>> {
        Ok(Some(vec![(Added { amount: command.amount },)]))
    }

    #[cfg(not(test))]
    fn gone(&self, _: &Gone) -> NoSuchType {}
}

impl Counter {
    fn checked(amount: i64) -> Decided<Added> {
        if amount < 0 { Err(CounterError::Negative) } else { Ok(Added { amount }) }
    }
}

#[command_handler]
impl Counter {
    /// A second block is as good as the first, and this is the one that is compiled.
    fn gone(&self, _: Gone) -> Decided<()> {
        Ok(())
    }
}

fn begun() -> Begun {
    Begun { at: 10 }
}

#[test]
fn a_handler_tells_its_streams_by_how_it_takes_the_state() {
    const {
        assert!(matches!(<Begin as Command<Counter>>::TARGET, CommandTarget::New));
        assert!(matches!(<AddOne as Command<Counter>>::TARGET, CommandTarget::Existing));
        assert!(matches!(<AddToAny as Command<Counter>>::TARGET, CommandTarget::Either));
    }
    given::<Counter>(()).when(Begin { amount: 10 }).then(begun());
    given::<Counter>(begun()).when(Begin { amount: 10 }).then_already_exists();
    given::<Counter>(()).when(AddOne { amount: 1 }).then_not_found();
    given::<Counter>(()).when(AddToAny { amount: 1 }).then(Added { amount: 1 });
    given::<Counter>(begun()).when(AddToAny { amount: 1 }).then(Added { amount: 1 });
}

#[test]
fn a_handler_may_refuse() {
    given::<Counter>(begun()).when(AddOne { amount: -1 }).then_error(CounterError::Negative);
}

#[test]
fn a_handler_may_answer_with_events_in_any_shape() {
    let added = |amount| Added { amount };
    given::<Counter>(begun()).when(AddOne { amount: 1 }).then(added(1)).then_state(|state| assert_eq!(state.total, 11));
    given::<Counter>(begun()).when(AddMaybe { amount: 1 }).then(added(1));
    given::<Counter>(begun()).when(AddMaybe { amount: 0 }).then_nothing();
    given::<Counter>(begun()).when(AddAll { amount: 3 }).then((added(1), added(2), added(3)));
    given::<Counter>(begun()).when(AddTwice { amount: 2 }).then([added(2), added(2)]);
    given::<Counter>(begun()).when(AddBoth { amount: 2 }).then((added(2), added(-2)));
    given::<Counter>(begun()).when(AddNothing).then_nothing();
    given::<Counter>(begun()).when(AddAsSet { amount: 2 }).then(CounterEvent::Added(added(2)));
    given::<Counter>(begun()).when(AddNested { amount: 2 }).then(added(2));
    given::<Counter>(begun()).when(Gone).then_nothing();
}

#[tokio::test]
async fn the_whole_way_through_a_store() {
    let counters = MemoryStore::new().repository::<Counter>();
    let id = CounterId(7);

    let missing = counters.execute(&id, AddOne { amount: 1 }).await.unwrap_err();
    assert!(missing.is_not_found());
    counters.execute(&id, Begin { amount: 10 }).await.unwrap();
    let again = counters.execute(&id, Begin { amount: 10 }).await.unwrap_err();
    assert!(again.is_already_exists());

    let refused = counters.execute(&id, AddOwn { amount: 5 }).actor("8").await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&CounterError::NotYours { actor: Some("8".to_owned()) }));
    let done = counters.execute(&id, AddOwn { amount: 5 }).actor("7").await.unwrap();
    assert_eq!((done.state.total, done.version), (15, StreamVersion::new(2)));

    let done = counters.execute(&id, AddAll { amount: 3 }).await.unwrap();
    assert_eq!((done.state.total, done.events.len()), (21, 3));
    assert_eq!(counters.load(&id).await.unwrap().state, Counter { total: 21 });
}
