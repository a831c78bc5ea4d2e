//! A bank: accounts with rules, a real ledger to import, and summaries kept up to date from the events.
//!
//! - [`domain`]: events, the account, commands and rules.
//! - [`money`]: amounts, in whole minor units.
//! - [`ledger`]: transactions from a text file, with every fault at its line and column.
//! - [`import`](mod@import): one command per transaction of a ledger, many accounts at once.
//! - [`summaries`]: the read model, one row per account; [`statements`]: one line per booking.
//! - [`projections`]: keeping both up to date.
//! - [`databases`]: a SQLite file, or a PostgreSQL server.
//!
//! The program `bank` offers all of it on the command line.

pub mod databases;
pub mod domain;
pub mod import;
pub mod ledger;
pub mod money;
pub mod projections;
pub mod statements;
pub mod summaries;
