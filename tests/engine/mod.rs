//! What an engine promises, on any store: accounts in two currencies, what is made of their events, and a store that fails.

pub(crate) mod batches;
pub(crate) mod deploying;
pub(crate) mod following;
pub(crate) mod parked;
pub(crate) mod poison;
pub(crate) mod reacting;
pub(crate) mod storm;
pub(crate) mod taken_over;
pub(crate) mod together;
pub(crate) mod unreliable;
pub(crate) mod versions;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use es_core::{
    engine::ProjectionEngine,
    prelude::*,
    store::{Append, NewEvent},
};

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PotId(pub(crate) String);

pub(crate) fn pot(number: usize) -> PotId {
    PotId(format!("pot-{number}"))
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Filled {
    pub(crate) amount: i64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Emptied {}

/// No handler takes it well while it is poisonous.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Poisoned {}

/// Nobody handles it.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Looked {}

#[derive(EventSet, Clone, Debug, PartialEq)]
pub(crate) enum PotEvent {
    Filled(Filled),
    Emptied(Emptied),
    Poisoned(Poisoned),
    Looked(Looked),
}

/// One row per pot; emptied, it is gone.
#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "pot_contents", version = 1)]
pub(crate) struct Contents {
    #[read_model(key)]
    pub(crate) id: PotId,
    pub(crate) amount: i64,
    pub(crate) fillings: i64,
}

#[event_handler(covers(PotEvent), ignore(Poisoned, Looked))]
impl Contents {
    fn filled(&mut self, event: &Filled) {
        self.amount += event.amount;
        self.fillings += 1;
    }

    fn emptied(&mut self, _: &Emptied) -> Row {
        Row::Delete
    }
}

/// What each test's projection has seen, and whether poison is poisonous.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    seen: Arc<Mutex<Vec<(String, u64)>>>,
    harmless: Arc<AtomicBool>,
    panics: Arc<AtomicBool>,
}

impl Log {
    pub(crate) fn see(&self, envelope: &Envelope) {
        let entry = (envelope.stream.id().to_owned(), envelope.version.get());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // It is in no transaction: what was seen in an attempt that was undone is seen again.
        seen.retain(|known| *known != entry);
        seen.push(entry);
    }

    /// What was seen of a pot, by version.
    pub(crate) fn of(&self, id: &PotId) -> Vec<u64> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|(pot, _)| *pot == id.0).map(|(_, version)| *version).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Poison does no harm from here on.
    pub(crate) fn cure(&self) {
        self.harmless.store(true, Ordering::SeqCst);
    }

    /// Poison makes handlers panic.
    pub(crate) fn panics(&self) {
        self.panics.store(true, Ordering::SeqCst);
    }

    pub(crate) fn taste(&self) -> Result<(), &'static str> {
        if self.harmless.load(Ordering::SeqCst) {
            return Ok(());
        }
        assert!(!self.panics.load(Ordering::SeqCst), "this was bad");
        Err("that was poison")
    }
}

/// Writes down what it sees; needs no context, and so runs on every store.
#[derive(Projection, Debug)]
#[projection(name = "diary", version = 1)]
pub(crate) struct Diary(pub(crate) Log);

#[event_handler]
impl Diary {
    async fn filled(&self, _: &Filled, envelope: &Envelope) {
        self.0.see(envelope);
    }

    async fn poisoned(&self, _: &Poisoned, envelope: &Envelope) -> Result<(), &'static str> {
        self.0.taste()?;
        self.0.see(envelope);
        Ok(())
    }
}

/// Stores events of a pot, behind those that are there, and answers with the position of the last one.
pub(crate) async fn happen<S: EventStore>(
    store: &S,
    id: &PotId,
    events: impl IntoIterator<Item = PotEvent>,
) -> Position {
    let encode = |event| NewEvent::encode(&event, Metadata::at(Utc::now())).expect("the event can be stored");
    let events = events.into_iter().map(encode).collect();
    let append = Append::new(StreamId::new("pot", id.0.as_str()), Expected::Any, events);
    store.append(append).await.expect("an append").position()
}

pub(crate) fn filled(amount: i64) -> PotEvent {
    PotEvent::Filled(Filled { amount })
}

pub(crate) fn poison() -> PotEvent {
    PotEvent::Poisoned(Poisoned {})
}

/// The rows of the read model, by their key.
pub(crate) async fn rows<S: ProjectionStore>(store: &S) -> Vec<Contents> {
    let mut rows = store.read_model::<Contents>().all().await.expect("rows");
    rows.sort_by(|a, b| a.id.0.cmp(&b.id.0));
    rows
}

/// What the rows should be: a fold of everything from the first event.
pub(crate) async fn fold_from_zero<S: EventStore>(store: &S) -> Vec<Contents> {
    let mut rows = es_core::projection::Rows::<Contents>::new();
    rows.catch_up(store).await.expect("a fold");
    let mut rows: Vec<_> = rows.iter().cloned().collect();
    rows.sort_by(|a, b| a.id.0.cmp(&b.id.0));
    rows
}

/// An engine with short pauses.
pub(crate) fn engine<S: ProjectionStore>(store: &S) -> ProjectionEngine<S> {
    let retry = RetryPolicy::new().attempts(5).pause(std::time::Duration::ZERO..std::time::Duration::from_millis(2));
    ProjectionEngine::new(store).retry(retry).lease(std::time::Duration::from_millis(500))
}
