//! The domain: what can happen to an account, what it remembers, and what it may be asked.

use chrono::NaiveDate;
use es_core::prelude::*;

use crate::money::Money;

/// The number of an account.
#[derive(AggregateId, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub String);

// ── What can happen ─────────────────────────────────────────────────────────

/// An account was opened.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct AccountOpened {
    /// Whose it is.
    pub owner: String,
    /// How far below zero the balance may go, as an amount that is not negative.
    pub overdraft: Money,
    /// The day it counts from.
    pub booked_on: NaiveDate,
}

/// Money came in.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct MoneyDeposited {
    /// How much, more than nothing.
    pub amount: Money,
    /// What it was for.
    pub description: String,
    /// The day it counts from.
    pub booked_on: NaiveDate,
}

/// Money went out.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct MoneyWithdrawn {
    /// How much, more than nothing.
    pub amount: Money,
    /// What it was for.
    pub description: String,
    /// The day it counts from.
    pub booked_on: NaiveDate,
}

/// The account was closed for good.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct AccountClosed {
    /// The day it counts from.
    pub booked_on: NaiveDate,
}

/// All that can happen to an account.
#[derive(EventSet, Clone, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    /// It was opened.
    Opened(AccountOpened),
    /// Money came in.
    Deposited(MoneyDeposited),
    /// Money went out.
    Withdrawn(MoneyWithdrawn),
    /// It was closed.
    Closed(AccountClosed),
}

impl AccountEvent {
    /// The day the event counts from, which need not be the day it was recorded.
    pub fn booked_on(&self) -> NaiveDate {
        match self {
            Self::Opened(event) => event.booked_on,
            Self::Deposited(event) => event.booked_on,
            Self::Withdrawn(event) => event.booked_on,
            Self::Closed(event) => event.booked_on,
        }
    }
}

// ── What an account remembers ───────────────────────────────────────────────

/// An account, as its events have made it.
#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq, Eq)]
#[aggregate(name = "account", id = AccountId, event = AccountEvent, snapshot(every = 20))]
pub struct Account {
    /// Whose it is.
    pub owner: String,
    /// What is on it; negative while the overdraft is used.
    pub balance: Money,
    /// How far below zero the balance may go, as an amount that is not negative.
    pub overdraft: Money,
    /// Whether it is still in use.
    pub status: Status,
    /// How often money came in or went out.
    pub transactions: u64,
    /// The latest day that money is booked on.
    pub last_transaction_on: Option<NaiveDate>,
}

/// Whether an account is still in use.
#[derive(Serialize, Deserialize, Default, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It takes deposits and withdrawals.
    #[default]
    Open,
    /// It takes nothing any more.
    Closed,
}

#[event_handler]
impl Account {
    fn opened(&mut self, event: AccountOpened) {
        self.owner = event.owner;
        self.overdraft = event.overdraft;
    }

    // The decision has made sure that the balance fits, so nothing saturates here; a fold cannot refuse anything.
    fn deposited(&mut self, event: &MoneyDeposited) {
        self.balance = self.balance.saturating_add(event.amount);
        self.count(event.booked_on);
    }

    fn withdrawn(&mut self, event: &MoneyWithdrawn) {
        self.balance = self.balance.saturating_sub(event.amount);
        self.count(event.booked_on);
    }

    fn closed(&mut self, _: &AccountClosed) {
        self.status = Status::Closed;
    }
}

impl Account {
    fn count(&mut self, booked_on: NaiveDate) {
        self.transactions += 1;
        self.last_transaction_on = self.last_transaction_on.max(Some(booked_on));
    }
}

// ── What an account may be asked ────────────────────────────────────────────

/// Opens an account.
#[derive(Clone, Debug)]
pub struct OpenAccount {
    /// Whose it is.
    pub owner: String,
    /// How far below zero the balance may go, as an amount that is not negative.
    pub overdraft: Money,
    /// The day it counts from.
    pub booked_on: NaiveDate,
}

/// Puts money in.
#[derive(Clone, Debug)]
pub struct Deposit {
    /// How much.
    pub amount: Money,
    /// What it is for.
    pub description: String,
    /// The day it counts from.
    pub booked_on: NaiveDate,
}

/// Takes money out.
#[derive(Clone, Debug)]
pub struct Withdraw {
    /// How much.
    pub amount: Money,
    /// What it is for.
    pub description: String,
    /// The day it counts from.
    pub booked_on: NaiveDate,
}

/// Closes an account for good; its balance must be zero.
#[derive(Clone, Debug)]
pub struct CloseAccount {
    /// The day it counts from.
    pub booked_on: NaiveDate,
}

/// Why an account refuses what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Accounts belong to somebody.
    #[error("an account needs an owner")]
    NoOwner,
    /// An overdraft is an amount below zero, written without the minus.
    #[error("an overdraft is how far the balance may go below zero, and {0} is negative")]
    NegativeOverdraft(Money),
    /// Money moves in amounts above zero.
    #[error("{0} is not more than nothing")]
    NotPositive(Money),
    /// The overdraft does not reach that far.
    #[error("{requested} cannot be withdrawn: the balance is {balance}, and it may go down to -{overdraft}")]
    InsufficientFunds {
        /// What is on the account.
        balance: Money,
        /// How far below zero it may go.
        overdraft: Money,
        /// What was to be withdrawn.
        requested: Money,
    },
    /// The balance would be larger than any that can be kept.
    #[error("with {amount} more, the balance would be too large to be kept")]
    Overflow {
        /// What was to be deposited.
        amount: Money,
    },
    /// Nothing happens on a closed account.
    #[error("the account is closed")]
    Closed,
    /// There is still money on it, or owed.
    #[error("an account is closed at a balance of 0.00, and this one has {0}")]
    BalanceNotZero(Money),
}

impl AccountError {
    /// The rule that was broken, without figures: to count by.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::NoOwner => "no owner",
            Self::NegativeOverdraft(_) => "negative overdraft",
            Self::NotPositive(_) => "amount not above zero",
            Self::InsufficientFunds { .. } => "insufficient funds",
            Self::Overflow { .. } => "balance too large",
            Self::Closed => "account closed",
            Self::BalanceNotZero(_) => "balance not zero",
        }
    }
}

#[command_handler]
impl Account {
    fn open(command: OpenAccount) -> Result<AccountOpened, AccountError> {
        let OpenAccount { owner, overdraft, booked_on } = command;
        if owner.trim().is_empty() {
            return Err(AccountError::NoOwner);
        }
        if overdraft.is_negative() {
            return Err(AccountError::NegativeOverdraft(overdraft));
        }
        Ok(AccountOpened { owner, overdraft, booked_on })
    }

    fn deposit(&self, command: Deposit) -> Result<MoneyDeposited, AccountError> {
        let Deposit { amount, description, booked_on } = command;
        self.check_movement(amount)?;
        match self.balance.checked_add(amount) {
            Some(_) => Ok(MoneyDeposited { amount, description, booked_on }),
            None => Err(AccountError::Overflow { amount }),
        }
    }

    fn withdraw(&self, command: Withdraw) -> Result<MoneyWithdrawn, AccountError> {
        let Withdraw { amount, description, booked_on } = command;
        self.check_movement(amount)?;
        let (balance, overdraft) = (self.balance, self.overdraft);
        let lowest = Money::ZERO.saturating_sub(overdraft);
        match balance.checked_sub(amount) {
            Some(rest) if rest >= lowest => Ok(MoneyWithdrawn { amount, description, booked_on }),
            _ => Err(AccountError::InsufficientFunds { balance, overdraft, requested: amount }),
        }
    }

    fn close(&self, command: &CloseAccount) -> Result<AccountClosed, AccountError> {
        match self.status {
            Status::Closed => Err(AccountError::Closed),
            Status::Open if self.balance != Money::ZERO => Err(AccountError::BalanceNotZero(self.balance)),
            Status::Open => Ok(AccountClosed { booked_on: command.booked_on }),
        }
    }
}

impl Account {
    /// What holds for money in both directions.
    fn check_movement(&self, amount: Money) -> Result<(), AccountError> {
        if self.status == Status::Closed {
            return Err(AccountError::Closed);
        }
        if !amount.is_positive() {
            return Err(AccountError::NotPositive(amount));
        }
        Ok(())
    }
}
