//! A bank on a PostgreSQL server.

use std::time::Duration;

use chrono::NaiveDate;
use es_core::engine::ProjectionEngine;
use es_postgres::{PgContext, PostgresConfig, PostgresStore};
use sqlx::{
    FromRow, PgPool, Row as _,
    postgres::{PgPoolOptions, PgRow},
};

use super::{Database, OpenError};
use crate::{
    domain::AccountId,
    money::Money,
    projections::LEASE,
    statements::{Line, Lines, NewLine, Statements},
    summaries::AccountSummary,
};

/// The database schema that holds everything which is made of the events.
const SCHEMA: &str = "bank";

/// A bank in a PostgreSQL database.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// The events, and the summaries.
    pub store: PostgresStore,
    /// For SQL about the statements, in the same database.
    pub pool: PgPool,
}

impl Postgres {
    /// Connects, and creates the tables where they are missing.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        let store = PostgresStore::connect_with(url, config()).await?;
        store.migrate().await?;
        let options = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(10));
        let pool = options.connect_lazy(url)?;
        migrate(&pool).await?;
        Ok(Self { store, pool })
    }
}

/// How the store of a bank is set up.
pub fn config() -> PostgresConfig {
    PostgresConfig::new().read_model_schema(SCHEMA)
}

impl Database for Postgres {
    type Store = PostgresStore;

    fn store(&self) -> &PostgresStore {
        &self.store
    }

    fn engine(&self) -> ProjectionEngine<PostgresStore> {
        engine(&self.store)
    }

    async fn statement(&self, id: &AccountId) -> Result<Vec<Line>, sqlx::Error> {
        let query = "select booked_on, amount, balance, description
            from bank.statement_lines where account_id = $1 order by line";
        sqlx::query_as(query).bind(&id.0).fetch_all(&self.pool).await
    }

    async fn close(self) {
        self.pool.close().await;
        self.store.close().await;
    }
}

/// The engine of a bank on this store.
pub fn engine(store: &PostgresStore) -> ProjectionEngine<PostgresStore> {
    ProjectionEngine::new(store).read_model::<AccountSummary>().projection(Statements).lease(LEASE)
}

/// Creates what the engine does not make by itself, and removes what an earlier release has left. Safe to call at every
/// start, and by several processes at once.
///
/// # Errors
/// What the database reports.
pub async fn migrate(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // `if not exists` alone does not keep two processes from creating the same schema at once.
    sqlx::raw_sql("select pg_advisory_xact_lock(hashtextextended('bank', 0))").execute(&mut *transaction).await?;
    sqlx::raw_sql(include_str!("tables.sql")).execute(&mut *transaction).await?;
    transaction.commit().await
}

impl Lines for PgContext<'_> {
    async fn book(&mut self, line: NewLine<'_>) -> Result<(), sqlx::Error> {
        sqlx::query(include_str!("book.sql"))
            .bind(line.account)
            .bind(line.number)
            .bind(line.booked_on)
            .bind(line.amount.minor())
            .bind(line.description)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

impl FromRow<'_, PgRow> for Line {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            booked_on: row.try_get::<NaiveDate, _>("booked_on")?,
            amount: Money::from_minor(row.try_get("amount")?),
            balance: Money::from_minor(row.try_get("balance")?),
            description: row.try_get("description")?,
        })
    }
}
