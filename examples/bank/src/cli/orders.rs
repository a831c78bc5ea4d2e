//! What changes accounts: open, deposit, withdraw, close.

use ::bank::{
    databases::Database,
    domain::{Account, AccountError, AccountId, CloseAccount, Deposit, OpenAccount, Withdraw},
    money::Money,
};
use chrono::NaiveDate;
use es_core::command::Command;

use super::{Movement, bank::Bank, failure::Failure, output};

pub(super) async fn open(
    bank: &Bank<impl Database>,
    account: AccountId,
    owner: String,
    overdraft: Money,
    booked_on: NaiveDate,
) -> Result<(), Failure> {
    execute(bank, account, OpenAccount { owner, overdraft, booked_on }).await
}

pub(super) async fn deposit(bank: &Bank<impl Database>, movement: Movement) -> Result<(), Failure> {
    let booked_on = movement.booking.date();
    let Movement { account, amount, description, .. } = movement;
    execute(bank, account, Deposit { amount, description, booked_on }).await
}

pub(super) async fn withdraw(bank: &Bank<impl Database>, movement: Movement) -> Result<(), Failure> {
    let booked_on = movement.booking.date();
    let Movement { account, amount, description, .. } = movement;
    execute(bank, account, Withdraw { amount, description, booked_on }).await
}

pub(super) async fn close(bank: &Bank<impl Database>, account: AccountId, booked_on: NaiveDate) -> Result<(), Failure> {
    execute(bank, account, CloseAccount { booked_on }).await
}

/// Executes a command and says what the account has come to.
async fn execute<C>(bank: &Bank<impl Database>, account: AccountId, command: C) -> Result<(), Failure>
where
    C: Command<Account, Error = AccountError>,
{
    let done = bank.accounts.execute(&account, command).actor("bank").await;
    let done = done.map_err(|error| Failure::of_command(error, &account))?;
    let line = format!("account {account}: balance {}, version {}\n", done.state.balance, done.version);
    Ok(output::print(&line)?)
}
