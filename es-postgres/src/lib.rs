//! The PostgreSQL store of `es`.
//!
//! ```no_run
//! use es_core::prelude::*;
//! use es_postgres::PostgresStore;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let store = PostgresStore::connect("postgres://localhost/bank").await?;
//! store.migrate().await?;
//! # Ok(()) }
//! ```
//!
//! PostgreSQL 14.1 or newer, with `fsync` and `full_page_writes` on.
#![forbid(unsafe_code)]

mod append;
mod attended;
mod batch;
mod columns;
mod config;
mod connections;
mod copy;
mod error;
mod frontier;
mod gather;
mod grants;
mod inline;
mod lanes;
mod loads;
mod migrate;
mod page_size;
mod pages;
mod projections;
mod read;
mod room;
mod row;
mod server;
mod snapshot;
mod statements;
mod status;
mod store;
mod together;
mod transaction;
mod turns;
mod wake;

/// The driver, of the version whose transactions [`PostgresStore::append_in`] takes.
pub use sqlx;
mod streams;

pub use crate::{
    config::PostgresConfig,
    projections::{PgContext, PgTransaction},
    status::{Holder, StoreStatus},
    store::PostgresStore,
};
