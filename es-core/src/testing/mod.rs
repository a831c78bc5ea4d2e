//! Testing a domain: given events, when a command, then events or a refusal.

mod given;

pub use given::{Given, When, given};
