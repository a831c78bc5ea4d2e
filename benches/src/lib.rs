//! What the macros cost, against the same code written by hand. (`bin/store` measures the PostgreSQL store.)
//!
//! The code that is measured would be some ten thousand lines, so it is written by [`packages`] when it is measured, into
//! a workspace of its own below the target folder: no usual build sees it. `scripts/bench-macros` runs all of it.

pub mod domain;
pub mod figures;
pub mod packages;
pub mod replay;
pub mod sources;
