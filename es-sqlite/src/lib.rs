//! The embedded store of `es`: everything in one SQLite file, with nothing to set up.
//!
//! ```no_run
//! use es_core::prelude::*;
//! use es_sqlite::SqliteStore;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open("bank.db").await?;
//! # Ok(()) }
//! ```
//!
//! A commit that is answered is on the disk. Any number of callers append at once: they share transactions, because a SQLite
//! file has **one writer at a time**. Readers run beside it, in this process and in others. Several processes may use one
//! file; where they write at the same time they wait for each other, for as long as
//! [`SqliteConfig::lock_timeout`] says, and then get [`StoreError::Unavailable`](es_core::StoreError::Unavailable). For many
//! processes that write, and for more than one machine, there is `es-postgres`, with the same contract: a domain and its read
//! models run on either unchanged.
//!
//! The file must be on a local disk: SQLite's locks do not hold on network file systems.
#![forbid(unsafe_code)]

mod append;
mod config;
mod connections;
mod error;
mod group;
mod insert;
mod migrate;
mod pages;
mod place;
#[cfg(test)]
mod plans;
mod read;
mod row;
mod snapshot;
mod store;
mod streams;
mod task;
mod wake;

/// The driver.
pub use sqlx;

pub use crate::{config::SqliteConfig, store::SqliteStore};
