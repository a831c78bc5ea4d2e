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
//! # Read models
//!
//! A read model is a view of the name that it has, upon the table of its active version, such as `accounts` upon `accounts_v2`:
//! query it with [`Table::fetch`](es_core::projection::Table::fetch), or join it in SQL of your own. Its rows and its checkpoint
//! change in one transaction, which begins when all that is to be written is known, and so keeps nobody waiting; a projection
//! whose handlers have statements of their own has the file from the first of them on: see [`SqliteContext`].
//!
//! SQLite knows integers, floating-point numbers, texts and bytes. What is in a column comes back exactly, is in order where it
//! is compared, and is what the driver takes it for:
//!
//! | a field of | is kept as |
//! | --- | --- |
//! | `bool` | 0 or 1 |
//! | whole numbers | an integer; a `u64` beyond `i64::MAX` as eight bytes, the highest first, with which SQL cannot reckon |
//! | `f64` | a floating-point number |
//! | a number with a decimal point | the text that serde writes, which is in the order of texts |
//! | `String` | a text |
//! | `Uuid` | its 16 bytes; `lower(hex(id))` is for people |
//! | `DateTime<Utc>` | a text such as `2026-02-28T12:00:00.000000Z`, always with six digits, the rest cut off |
//! | `NaiveDateTime`, `NaiveDate`, `NaiveTime` | `2026-02-28T12:00:00.000000`, `2026-02-28`, `12:00:00.000000` |
//! | JSON | a text |
//! | `#[read_model(sql = "..")]` | what its JSON is, a text, a number or 0 and 1, in a column of that type |
//!
//! Years are from 0 to 9999: others would be out of order, and are refused. The driver writes a `DateTime<Utc>` that is bound to a
//! statement in another form, with `+00:00` and as many digits as there are: arguments of `fetch` are bound in the form of the
//! columns, and in SQL of your own give it as a text in that form, to compare it with a column of a read model.
//!
//! The file must be on a local disk: SQLite's locks do not hold on network file systems.
#![forbid(unsafe_code)]

mod append;
mod config;
mod connections;
mod copy;
mod error;
mod group;
mod inline;
mod insert;
mod migrate;
mod pages;
mod place;
#[cfg(test)]
mod plans;
mod projections;
mod read;
mod row;
mod snapshot;
mod store;
mod streams;
mod task;
mod wake;

/// The driver, of the version whose connections [`SqliteContext`] hands out.
pub use sqlx;

pub use crate::{
    config::SqliteConfig,
    projections::{SqliteContext, SqliteContextConnection, SqliteTransaction},
    store::SqliteStore,
};
