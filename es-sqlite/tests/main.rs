//! The embedded store, each test with a file of its own.

mod append;
mod append_all;
mod closing;
mod conformance;
mod group;
mod opening;
mod processes;
mod reading;
mod remembering;
mod replaced;
#[path = "../../tests/repositories/mod.rs"]
mod repositories;
mod repository;
mod streams;
mod stress;
mod subscribe;
mod support;
#[path = "../../tests/versions/mod.rs"]
mod versions;
