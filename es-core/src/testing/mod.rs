//! Testing a domain: given events, when a command, then events or a refusal; what a read model makes of events. Testing
//! what is stored: [`schema_lock!`] and [`golden!`]. Testing a store: [`conformance`].

mod accept;
mod clock;
pub mod conformance;
mod files;
mod given;
pub mod golden;
pub mod lock;
mod macros;
mod project;

pub use self::{
    accept::{Environment, EnvironmentError, Outcome},
    clock::FakeClock,
    given::{Given, When, given},
    project::{Project, project},
};

#[doc(inline)]
pub use crate::{__es_golden as golden, __es_schema_lock as schema_lock};
