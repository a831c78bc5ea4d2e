//! Faults on purpose: a server that crashes, is paused or has no room; processes that are killed; writers that finish out
//! of order. And an audit that holds what stands on the server against all that it promised.
//!
//! `scripts/reliability` runs the long form, `tests/short.rs` the short one. docs/RELIABILITY.md says what came of it.
#![forbid(unsafe_code)]

mod account;
mod audit;
mod dice;
pub mod disk;
pub mod kills;
pub mod order;
mod reader;
mod request;
pub mod rounds;
mod tally;
mod transactions;
mod witness;

pub use crate::{rounds::Fault, tally::Tally};
