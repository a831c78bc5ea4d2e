#![doc = include_str!("../../README.md")]
#![forbid(unsafe_code)]

pub mod aggregate;
pub mod command;
pub mod copy;
#[cfg(any(all(doc, not(doctest)), all(feature = "testing", doctest)))]
#[doc = include_str!("docs/copying.md")]
pub mod copying {}
#[cfg(any(doc, doctest))]
pub mod diagnostics;
pub mod draft;
pub mod engine;
pub mod event;
#[cfg(any(all(doc, not(doctest)), all(feature = "testing", doctest)))]
#[doc = include_str!("docs/evolution.md")]
pub mod evolution {}
#[cfg(any(all(doc, not(doctest)), all(feature = "testing", doctest)))]
#[doc = include_str!("docs/getting_started.md")]
pub mod getting_started {}
pub mod handler;
pub mod id;
pub mod memory;
pub mod prelude;
#[doc(hidden)]
pub mod private;
pub mod projection;
#[cfg(any(all(doc, not(doctest)), all(feature = "testing", doctest)))]
#[doc = include_str!("docs/reading.md")]
pub mod reading {}
pub mod recorded;
pub mod repository;
#[cfg(any(all(doc, not(doctest)), all(feature = "testing", doctest)))]
#[doc = include_str!("docs/running_projections.md")]
pub mod running_projections {}
pub mod snapshot;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod upcast;

pub use es_derive::{
    Aggregate, AggregateId, Event, EventSet, Projection, Reactor, ReadModel, command_handler, event_handler,
};

pub use crate::{
    aggregate::{Aggregate, EventHandlers},
    command::{Command, CommandContext, CommandTarget, Decision, IntoEvents},
    draft::{Draft, ReadsNoMetadata},
    event::{AnyAggregate, Dispatch, Event, EventOf, EventSchema, EventSet},
    handler::{Acts, Apply, Folds, Given, Handle, Row},
    id::AggregateId,
    memory::MemoryStore,
    projection::{Delivery, FailurePolicy, Projection, ProjectionError, Reactor, ReadModel},
    recorded::{Envelope, EventId, Metadata, Position, Recorded, StreamId, StreamVersion},
    repository::{Decided, ExecuteError, Executed, History, ListError, LoadError, Loaded, Repository, RetryPolicy},
    snapshot::Snapshots,
    store::{EventStore, Expected, StoreError},
    upcast::UpcastFrom,
};
