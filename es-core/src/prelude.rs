//! What a domain needs, in one line: `use es_core::prelude::*;`.

pub use chrono::{DateTime, Utc};
pub use es_derive::{
    Aggregate, AggregateId, Event, EventSet, Projection, Reactor, ReadModel, command_handler, event_handler,
};
pub use serde::{Deserialize, Serialize};

pub use crate::{
    aggregate::Aggregate,
    command::{Command, CommandContext, IntoEvents},
    draft::Draft,
    engine::Controls,
    event::{Event, EventSet},
    handler::{Apply, Row},
    id::AggregateId,
    memory::MemoryStore,
    projection::{Delivery, FailurePolicy, Projection, ProjectionStore, Reactor, ReadModel, Start},
    recorded::{Envelope, EventId, Metadata, Position, Recorded, StreamId, StreamVersion},
    repository::{ExecuteError, Executed, LoadError, Loaded, Repository, RetryPolicy},
    store::{EventStore, Expected, StoreError},
};
