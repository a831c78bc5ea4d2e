//! The embedded store, each test with a file of its own.

mod conformance;
mod support;
