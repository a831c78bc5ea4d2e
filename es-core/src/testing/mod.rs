//! Testing a domain: given events, when a command, then events or a refusal. Testing a store: [`conformance`].

pub mod conformance;
mod given;

pub use given::{Given, When, given};
