//! Statements: one line for each time that money came in or went out, with the balance behind it.
//!
//! A read model has one row per account; this has many, and each needs the one before it. So it is a projection: SQL of
//! our own, in the transaction that moves its checkpoint.

use chrono::NaiveDate;
use es_core::prelude::*;

use crate::{
    domain::{AccountClosed, AccountEvent, AccountOpened, MoneyDeposited, MoneyWithdrawn},
    money::Money,
};

/// What a projection needs of a database to keep statements: implemented for the context of each.
pub trait Lines: Send {
    /// Writes a line behind the one before it.
    fn book(&mut self, line: NewLine<'_>) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// A line that is to be written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NewLine<'a> {
    /// The account's number.
    pub account: &'a str,
    /// The version of the account's stream.
    pub number: i64,
    /// The day it counts from.
    pub booked_on: NaiveDate,
    /// How much, below zero where money went out.
    pub amount: Money,
    /// What it was for.
    pub description: &'a str,
}

/// Keeps the table `statement_lines`. An account whose line cannot be written waits with its later ones, and no other does.
#[derive(Projection, Debug)]
#[projection(name = "statements", version = 1, policy = dead_letter)]
pub struct Statements;

#[event_handler(covers(AccountEvent), ignore(AccountOpened, AccountClosed))]
impl Statements {
    async fn deposited(
        &self,
        event: &MoneyDeposited,
        envelope: &Envelope,
        lines: &mut impl Lines,
    ) -> Result<(), sqlx::Error> {
        lines.book(line(envelope, event.booked_on, event.amount, &event.description)).await
    }

    async fn withdrawn(
        &self,
        event: &MoneyWithdrawn,
        envelope: &Envelope,
        lines: &mut impl Lines,
    ) -> Result<(), sqlx::Error> {
        // A decision has made sure that the amount is above zero, and its negative fits.
        let amount = Money::ZERO.saturating_sub(event.amount);
        lines.book(line(envelope, event.booked_on, amount, &event.description)).await
    }
}

fn line<'a>(envelope: &'a Envelope, booked_on: NaiveDate, amount: Money, description: &'a str) -> NewLine<'a> {
    let (account, number) = (envelope.stream.id(), envelope.version.get().cast_signed());
    NewLine { account, number, booked_on, amount, description }
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
