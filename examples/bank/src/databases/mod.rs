//! Where a bank is kept: in a SQLite file, or on a PostgreSQL server.
//!
//! The accounts, their rules, the import and the summaries are the same on both. What differs is how a store is opened, and
//! the SQL of the statements.

pub mod postgres;
pub mod sqlite;

use es_core::{copy::CopyStore, engine::ProjectionEngine, projection::ProjectionStore};

pub use self::{postgres::Postgres, sqlite::Sqlite};
use crate::{domain::AccountId, statements::Line};

/// The database of a bank.
pub trait Database: Send + Sync + Sized {
    /// What keeps the events, and what is made of them.
    type Store: ProjectionStore + CopyStore;

    /// The store.
    fn store(&self) -> &Self::Store;

    /// The engine that keeps summaries and statements up to date.
    fn engine(&self) -> ProjectionEngine<Self::Store>;

    /// The statement of an account, as its bookings were recorded; empty where there are none.
    ///
    /// # Errors
    /// What the database reports.
    fn statement(&self, id: &AccountId) -> impl Future<Output = Result<Vec<Line>, sqlx::Error>> + Send;

    /// Waits for what is still being written, and closes the connections.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// Why a bank cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store says so.
    #[error(transparent)]
    Store(#[from] es_core::StoreError),
    /// The tables of the statements could not be made.
    #[error("the tables of the statements cannot be made")]
    Tables(#[from] sqlx::Error),
}
