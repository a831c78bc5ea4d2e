//! The read model: one row per account, for questions about many accounts.
//!
//! The engine keeps it as an ordinary table, `bank.account_summaries`. [`get`], [`all`] and [`top`] ask through the store,
//! [`low`] in plain SQL.

use chrono::NaiveDate;
use es_core::prelude::*;
use sqlx::{FromRow, PgPool, Row as _, postgres::PgRow};

use crate::{
    domain::{AccountClosed, AccountEvent, AccountId, AccountOpened, MoneyDeposited, MoneyWithdrawn},
    money::Money,
};

/// What there is to know about an account at a glance.
#[derive(ReadModel, Clone, Debug, PartialEq, Eq)]
#[read_model(table = "account_summaries", version = 1)]
#[non_exhaustive]
pub struct AccountSummary {
    /// The account.
    #[read_model(key)]
    pub account_id: AccountId,
    /// Whose it is.
    pub owner: String,
    /// What is on it; with an index, which serves [`top`] and [`low`].
    #[read_model(index)]
    pub balance: Money,
    /// How often money came in or went out.
    pub transaction_count: i64,
    /// The latest day that money is booked on.
    pub last_transaction_on: Option<NaiveDate>,
    /// Whether it is closed.
    pub closed: bool,
}

#[event_handler(covers(AccountEvent))]
impl AccountSummary {
    fn opened(&mut self, event: AccountOpened) {
        self.owner = event.owner;
    }

    fn deposited(&mut self, event: &MoneyDeposited) {
        self.balance = self.balance.saturating_add(event.amount);
        self.count(event.booked_on);
    }

    fn withdrawn(&mut self, event: &MoneyWithdrawn) {
        self.balance = self.balance.saturating_sub(event.amount);
        self.count(event.booked_on);
    }

    fn closed(&mut self, _: &AccountClosed) {
        self.closed = true;
    }
}

impl AccountSummary {
    fn count(&mut self, booked_on: NaiveDate) {
        self.transaction_count += 1;
        self.last_transaction_on = self.last_transaction_on.max(Some(booked_on));
    }
}

/// One account, if there is one of that number.
///
/// # Errors
/// What the store reports.
pub async fn get(store: &impl ProjectionStore, id: &AccountId) -> Result<Option<AccountSummary>, StoreError> {
    store.read_model::<AccountSummary>().get(id).await
}

/// All accounts, in no order.
///
/// # Errors
/// What the store reports.
pub async fn all(store: &impl ProjectionStore) -> Result<Vec<AccountSummary>, StoreError> {
    store.read_model::<AccountSummary>().all().await
}

/// The `count` accounts with the highest balances, the highest first.
///
/// # Errors
/// What the store reports.
pub async fn top(store: &impl ProjectionStore, count: u32) -> Result<Vec<AccountSummary>, StoreError> {
    let summaries = store.read_model::<AccountSummary>();
    summaries.fetch("order by balance desc, account_id desc limit $1", (count,)).await
}

/// The accounts with less than `limit`, the lowest first: by plain SQL, because the table is an ordinary one.
///
/// # Errors
/// What the database reports.
pub async fn low(pool: &PgPool, limit: Money) -> Result<Vec<AccountSummary>, sqlx::Error> {
    let query = "select account_id, owner, balance, transaction_count, last_transaction_on, closed
        from bank.account_summaries where balance < $1 order by balance, account_id";
    sqlx::query_as(query).bind(limit.minor()).fetch_all(pool).await
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
