//! The read model: one row per account, for questions about many accounts.
//!
//! It is an ordinary table, `bank.account_summaries`, which [`catch_up()`] brings up to date from the events. [`get`],
//! [`all`], [`top`] and [`low`] read it as it stands.

mod catch_up;

use chrono::NaiveDate;
use es_core::store::StoreError;
use sqlx::{FromRow, PgPool, Row as _, postgres::PgRow};

pub use self::catch_up::catch_up;
use crate::{
    domain::{AccountEvent, AccountId},
    money::Money,
};

/// What there is to know about an account at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountSummary {
    /// The account.
    pub account_id: AccountId,
    /// Whose it is.
    pub owner: String,
    /// What is on it.
    pub balance: Money,
    /// How often money came in or went out.
    pub transaction_count: i64,
    /// The latest day that money is booked on.
    pub last_transaction_on: Option<NaiveDate>,
    /// Whether it is closed.
    pub closed: bool,
}

impl AccountSummary {
    /// An account to which nothing has happened yet.
    fn new(account_id: AccountId) -> Self {
        Self {
            account_id,
            owner: String::new(),
            balance: Money::ZERO,
            transaction_count: 0,
            last_transaction_on: None,
            closed: false,
        }
    }

    /// Takes in what happened next.
    fn apply(&mut self, event: AccountEvent) {
        match event {
            AccountEvent::Opened(event) => self.owner = event.owner,
            AccountEvent::Deposited(event) => {
                self.balance = self.balance.saturating_add(event.amount);
                self.count(event.booked_on);
            }
            AccountEvent::Withdrawn(event) => {
                self.balance = self.balance.saturating_sub(event.amount);
                self.count(event.booked_on);
            }
            AccountEvent::Closed(_) => self.closed = true,
        }
    }

    fn count(&mut self, booked_on: NaiveDate) {
        self.transaction_count += 1;
        self.last_transaction_on = self.last_transaction_on.max(Some(booked_on));
    }
}

impl FromRow<'_, PgRow> for AccountSummary {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            account_id: AccountId(row.try_get("account_id")?),
            owner: row.try_get("owner")?,
            balance: Money::from_minor(row.try_get("balance")?),
            transaction_count: row.try_get("transaction_count")?,
            last_transaction_on: row.try_get("last_transaction_on")?,
            closed: row.try_get("closed")?,
        })
    }
}

/// Why the summaries could not be made or brought up to date. What was done before stays done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SummaryError {
    /// The events could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tables could not be read or written.
    #[error("the account summaries could not be read or written")]
    Database(#[from] sqlx::Error),
}

/// Creates the tables where they do not exist. Safe to call at every start, and by several processes at once.
///
/// # Errors
/// What the database reports.
pub async fn migrate(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // `if not exists` alone does not keep two processes from creating the same schema at once.
    sqlx::raw_sql("select pg_advisory_xact_lock(hashtextextended('bank.account_summaries', 0))")
        .execute(&mut *transaction)
        .await?;
    sqlx::raw_sql(include_str!("tables.sql")).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// One account, if there is one of that number.
///
/// # Errors
/// What the database reports.
pub async fn get(pool: &PgPool, id: &AccountId) -> Result<Option<AccountSummary>, sqlx::Error> {
    let query = "select * from bank.account_summaries where account_id = $1";
    sqlx::query_as(query).bind(&id.0).fetch_optional(pool).await
}

/// All accounts, by number.
///
/// # Errors
/// What the database reports.
pub async fn all(pool: &PgPool) -> Result<Vec<AccountSummary>, sqlx::Error> {
    sqlx::query_as("select * from bank.account_summaries order by account_id").fetch_all(pool).await
}

/// The `count` accounts with the highest balances, the highest first.
///
/// # Errors
/// What the database reports.
pub async fn top(pool: &PgPool, count: u32) -> Result<Vec<AccountSummary>, sqlx::Error> {
    let query = "select * from bank.account_summaries order by balance desc, account_id desc limit $1";
    sqlx::query_as(query).bind(i64::from(count)).fetch_all(pool).await
}

/// The accounts with less than `limit`, the lowest first.
///
/// # Errors
/// What the database reports.
pub async fn low(pool: &PgPool, limit: Money) -> Result<Vec<AccountSummary>, sqlx::Error> {
    let query = "select * from bank.account_summaries where balance < $1 order by balance, account_id";
    sqlx::query_as(query).bind(limit.minor()).fetch_all(pool).await
}
