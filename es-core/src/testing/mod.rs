//! Testing a domain: given events, when a command, then events or a refusal. Testing what is stored: [`schema_lock!`] and
//! [`golden!`]. Testing a store: [`conformance`].

mod accept;
pub mod conformance;
mod files;
mod given;
pub mod golden;
pub mod lock;
mod macros;

pub use accept::{Environment, EnvironmentError, Outcome};
pub use given::{Given, When, given};

#[doc(inline)]
pub use crate::{__es_golden as golden, __es_schema_lock as schema_lock};
