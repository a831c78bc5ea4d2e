//! The embedded store, each test with a file of its own.

mod append;
mod closing;
mod conformance;
#[path = "../../tests/copying/mod.rs"]
mod copies;
mod copying;
mod engine;
#[path = "../../tests/engine/mod.rs"]
mod engines;
mod group;
mod inline_storm;
mod opening;
mod processes;
mod projection_batch;
mod projection_prepare;
mod projection_rows;
mod projection_sharing;
mod projection_support;
mod remembering;
mod replaced;
#[path = "../../tests/repositories/mod.rs"]
mod repositories;
mod shared;
#[path = "../../tests/stores/mod.rs"]
mod stores;
mod stress;
mod subscribe;
mod support;
#[path = "../../tests/versions/mod.rs"]
mod versions;
