//! Faults on purpose: a server that crashes, is paused or has no room; processes that write, to it or to a file, or run
//! projections, and are killed or held up; writers that finish out of order. And audits that hold what stands on the server against all that was
//! promised.
//!
//! `scripts/reliability` runs the long form, `tests/short.rs` the short one. docs/RELIABILITY.md says what came of it.
#![forbid(unsafe_code)]

mod account;
mod agreement;
mod audit;
mod dice;
pub mod disk;
pub mod engines;
pub mod files;
pub mod followers;
pub mod kills;
pub mod order;
mod reader;
mod request;
pub mod rounds;
pub mod switches;
mod tally;
mod transactions;
mod witness;

pub use crate::{rounds::Fault, tally::Tally};
