//! Statements: one line for each time that money came in or went out, with the balance behind it.
//!
//! A read model has one row per account; this has many, and each needs the one before it. So it is a projection: SQL of
//! our own, in the transaction that moves its checkpoint.

use chrono::NaiveDate;
use es_core::prelude::*;
use es_postgres::PgContext;
use sqlx::{FromRow, PgPool, Row as _, postgres::PgRow};

use crate::{
    domain::{AccountClosed, AccountEvent, AccountId, AccountOpened, MoneyDeposited, MoneyWithdrawn},
    money::Money,
};

/// Keeps `bank.statement_lines`. An account whose line cannot be written waits with its later ones, and no other does.
#[derive(Projection, Debug)]
#[projection(name = "statements", version = 1, policy = dead_letter)]
pub struct Statements;

#[event_handler(covers(AccountEvent), ignore(AccountOpened, AccountClosed))]
impl Statements {
    async fn deposited(
        &self,
        event: &MoneyDeposited,
        envelope: &Envelope,
        context: &mut PgContext<'_>,
    ) -> Result<(), sqlx::Error> {
        book(context, envelope, event.booked_on, event.amount.minor(), &event.description).await
    }

    async fn withdrawn(
        &self,
        event: &MoneyWithdrawn,
        envelope: &Envelope,
        context: &mut PgContext<'_>,
    ) -> Result<(), sqlx::Error> {
        // A decision has made sure that the amount is above zero, and its negative fits.
        book(context, envelope, event.booked_on, -event.amount.minor(), &event.description).await
    }
}

async fn book(
    context: &mut PgContext<'_>,
    envelope: &Envelope,
    booked_on: NaiveDate,
    amount: i64,
    description: &str,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(include_str!("book.sql")).bind(envelope.stream.id());
    let query = query.bind(envelope.version.get().cast_signed()).bind(booked_on).bind(amount).bind(description);
    query.execute(context.connection()).await?;
    Ok(())
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// The day it counts from.
    pub booked_on: NaiveDate,
    /// How much, below zero where money went out.
    pub amount: Money,
    /// What is on the account behind it.
    pub balance: Money,
    /// What it was for.
    pub description: String,
}

/// The statement of an account, as its bookings were recorded; empty where there are none.
///
/// # Errors
/// What the database reports.
pub async fn statement(pool: &PgPool, id: &AccountId) -> Result<Vec<Line>, sqlx::Error> {
    let query = "select booked_on, amount, balance, description
        from bank.statement_lines where account_id = $1 order by line";
    sqlx::query_as(query).bind(&id.0).fetch_all(pool).await
}

impl FromRow<'_, PgRow> for Line {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            booked_on: row.try_get("booked_on")?,
            amount: Money::from_minor(row.try_get("amount")?),
            balance: Money::from_minor(row.try_get("balance")?),
            description: row.try_get("description")?,
        })
    }
}
