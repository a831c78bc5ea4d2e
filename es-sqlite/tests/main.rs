//! The embedded store, each test with a file of its own.

mod conformance;
#[path = "../../tests/copying/mod.rs"]
mod copies;
mod copying;
mod engine;
#[path = "../../tests/engine/mod.rs"]
mod engines;
mod inline;
mod inline_storm;
mod projection_batch;
mod projection_prepare;
mod projection_rows;
mod projection_sharing;
mod projection_support;
mod support;
