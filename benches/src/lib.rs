//! What the macros cost, against the same code written by hand. (`bin/store` and `bin/projections` measure the PostgreSQL
//! store, `bin/embedded` the one in a file; [`callers`], [`meter`] and [`pairs`] are what they share.)
//!
//! The code that is measured would be some ten thousand lines, so it is written by [`packages`] when it is measured, into
//! a workspace of its own below the target folder: no usual build sees it. `scripts/bench-macros` runs all of it.

pub mod callers;
pub mod domain;
pub mod figures;
pub mod meter;
pub mod packages;
pub mod pairs;
pub mod replay;
pub mod sources;
