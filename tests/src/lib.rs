//! What the workspace's tests share; not published.
//!
//! It depends on none of the crates that it helps to test, so that each of them can use it.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod database;
pub mod server;
pub mod source;
