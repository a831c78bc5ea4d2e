//! Testing a domain: given events, when a command, then events or a refusal. Testing what is stored: [`schema_lock!`].
//! Testing a store: [`conformance`].

pub mod conformance;
mod files;
mod given;
pub mod lock;
mod macros;

#[doc(inline)]
pub use crate::__es_schema_lock as schema_lock;
pub use given::{Given, When, given};
