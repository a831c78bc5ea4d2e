//! Testing a domain: given events, when a command, then events or a refusal; what a
//! read model makes of events. Testing a store: [`conformance`].

pub mod conformance;
mod given;
mod project;

pub use self::{
    given::{Given, When, given},
    project::{Project, project},
};
