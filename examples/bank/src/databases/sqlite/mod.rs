//! A bank in a SQLite file.

use std::path::Path;

use chrono::NaiveDate;
use es_core::engine::ProjectionEngine;
use es_sqlite::{SqliteContext, SqliteStore};
use sqlx::{
    FromRow, Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};

use super::{Database, OpenError};
use crate::{
    domain::AccountId,
    money::Money,
    projections::LEASE,
    statements::{Line, Lines, NewLine, Statements},
    summaries::AccountSummary,
};

/// A bank in a SQLite file.
#[derive(Clone, Debug)]
pub struct Sqlite {
    /// The events, and the summaries.
    pub store: SqliteStore,
    /// For SQL about the statements, in the same file.
    pub pool: SqlitePool,
}

impl Sqlite {
    /// Opens the file, or makes it, with the tables that are missing.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let store = SqliteStore::open(path).await?;
        let pool = SqlitePoolOptions::new().max_connections(2);
        let pool = pool.connect_with(SqliteConnectOptions::new().filename(path)).await?;
        sqlx::raw_sql(include_str!("tables.sql")).execute(&pool).await?;
        Ok(Self { store, pool })
    }
}

impl Database for Sqlite {
    type Store = SqliteStore;

    fn store(&self) -> &SqliteStore {
        &self.store
    }

    fn engine(&self) -> ProjectionEngine<SqliteStore> {
        ProjectionEngine::new(&self.store).read_model::<AccountSummary>().projection(Statements).lease(LEASE)
    }

    async fn statement(&self, id: &AccountId) -> Result<Vec<Line>, sqlx::Error> {
        let query = "select booked_on, amount, balance, description
            from statement_lines where account_id = ?1 order by line";
        sqlx::query_as(query).bind(&id.0).fetch_all(&self.pool).await
    }

    async fn close(self) {
        self.pool.close().await;
        self.store.close().await;
    }
}

impl Lines for SqliteContext<'_> {
    async fn book(&mut self, line: NewLine<'_>) -> Result<(), sqlx::Error> {
        sqlx::query(include_str!("book.sql"))
            .bind(line.account)
            .bind(line.number)
            .bind(line.booked_on)
            .bind(line.amount.minor())
            .bind(line.description)
            .execute(&mut *self.connection().await?)
            .await?;
        Ok(())
    }
}

impl FromRow<'_, SqliteRow> for Line {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            booked_on: row.try_get::<NaiveDate, _>("booked_on")?,
            amount: Money::from_minor(row.try_get("amount")?),
            balance: Money::from_minor(row.try_get("balance")?),
            description: row.try_get("description")?,
        })
    }
}
