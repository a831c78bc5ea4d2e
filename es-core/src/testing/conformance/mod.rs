//! The contract of [`EventStore`] as a test suite that every store runs.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use es_core::{MemoryStore, testing::conformance};
//!
//! for rule in conformance::rules::<MemoryStore>() {
//!     rule.check(MemoryStore::new()).await;
//! }
//! # }
//! ```

mod appending;
mod appending_all;
mod following;
pub mod projections;
mod reading;
mod streams;

use std::{fmt, future::Future, pin::Pin};

use chrono::DateTime;
use futures_util::TryStreamExt as _;

use crate::{
    event::EventSchema,
    recorded::{Metadata, StreamId},
    store::{Append, EventStore, Expected, Load, LoadedStream, NewEvent, ReadStream, StoredEvent},
};

/// One rule of the contract, with the test that holds a store to it.
pub struct Rule<S> {
    name: &'static str,
    check: fn(S) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<S> Rule<S> {
    /// The rule in words.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Holds `store`, which must be empty, to the rule.
    ///
    /// # Panics
    /// When the rule is broken, or the store fails; the name of the rule is printed before.
    pub async fn check(&self, store: S) {
        let named = Named(self.name);
        (self.check)(store).await;
        drop(named);
    }
}

impl<S> fmt::Debug for Rule<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Rule").field(&self.name).finish()
    }
}

/// Says which rule was being checked, when the check panics.
struct Named(&'static str);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the store breaks the rule: {}", self.0);
        }
    }
}

/// All rules, each to be checked on an empty store of its own.
pub fn rules<S: EventStore>() -> Vec<Rule<S>> {
    let mut rules = appending::rules();
    rules.extend(appending_all::rules());
    rules.extend(reading::rules());
    rules.extend(following::rules());
    rules.extend(streams::rules());
    rules
}

/// The rules of a module: a sentence and the test for each.
macro_rules! define_rules {
    ($($name:literal => $check:ident,)+) => {
        pub(super) fn rules<S: crate::store::EventStore>() -> Vec<super::Rule<S>> {
            vec![$(super::Rule { name: $name, check: |store| Box::pin($check(store)) }),+]
        }
    };
}
use define_rules;

fn stream(id: &str) -> StreamId {
    StreamId::new("conformance", id)
}

/// An event with a payload that tells it from others.
fn event(number: u32) -> NewEvent {
    NewEvent::new(
        EventSchema::new("Counted", 1),
        format!("{{\"number\":{number}}}"),
        Metadata::at(DateTime::UNIX_EPOCH),
    )
}

fn append(id: &str, expected: Expected, numbers: impl IntoIterator<Item = u32>) -> Append {
    Append::new(stream(id), expected, numbers.into_iter().map(event).collect())
}

/// Stores events that nothing stands against.
async fn store_events<S: EventStore>(store: &S, id: &str, numbers: impl IntoIterator<Item = u32>) {
    store.append(append(id, Expected::Any, numbers)).await.expect("nothing stands against this append");
}

async fn all_of<S: EventStore>(store: &S, id: &str) -> Vec<StoredEvent> {
    store.read_stream(ReadStream::new(stream(id))).try_collect().await.expect("a stream can be read")
}

async fn load<S: EventStore>(store: &S, load: Load) -> LoadedStream {
    store.load(load).await.expect("a stream can be loaded")
}

fn versions(events: &[StoredEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version.get()).collect()
}

/// The numbers in the payloads. Stores may write JSON differently, so it is parsed.
fn numbers(events: &[StoredEvent]) -> Vec<u64> {
    let number = |event: &StoredEvent| {
        let payload: serde_json::Value = serde_json::from_slice(&event.payload).expect("the payload is JSON");
        payload["number"].as_u64().expect("the payload has its number")
    };
    events.iter().map(number).collect()
}
