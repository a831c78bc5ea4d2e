#![doc = include_str!("../../README.md")]
#![forbid(unsafe_code)]

pub mod aggregate;
pub mod command;
pub mod event;
#[cfg(all(feature = "testing", any(doc, doctest)))]
#[doc = include_str!("docs/evolution.md")]
pub mod evolution {}
#[cfg(all(feature = "testing", any(doc, doctest)))]
#[doc = include_str!("docs/getting_started.md")]
pub mod getting_started {}
pub mod id;
pub mod memory;
pub mod prelude;
#[doc(hidden)]
pub mod private;
pub mod recorded;
pub mod repository;
pub mod snapshot;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod upcast;

pub use es_derive::{Aggregate, AggregateId, Event, EventSet, command_handler, event_handler};

pub use crate::{
    aggregate::{Aggregate, Apply, EventHandlers},
    command::{Command, CommandContext, CommandTarget, Decision, IntoEvents},
    event::{Dispatch, Event, EventOf, EventSchema, EventSet},
    id::AggregateId,
    memory::MemoryStore,
    recorded::{Envelope, EventId, Metadata, Position, Recorded, StreamId, StreamVersion},
    repository::{ExecuteError, Executed, History, LoadError, Loaded, Repository},
    snapshot::Snapshots,
    store::{EventStore, Expected, StoreError},
    upcast::UpcastFrom,
};
