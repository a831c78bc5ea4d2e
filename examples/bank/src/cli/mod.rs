//! The command line: what can be said, and who does it.
//!
//! `orders` change accounts, `questions` ask about them, `import` reads a ledger, `copy` copies a bank to
//! another place, `projections` looks after what is made of the events. `bank` says where it is all kept, `failure`
//! everything that can end the program early, `output` what is printed.

mod bank;
mod copy;
mod failure;
mod import;
mod orders;
mod output;
mod projections;
mod questions;

use ::bank::{
    databases::{Database, Postgres, Sqlite},
    domain::AccountId,
    money::Money,
};
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Parser, Subcommand};

use self::{
    bank::{Bank, Place},
    failure::Failure,
};

/// A bank whose accounts are made of events, kept in a SQLite file or on a PostgreSQL server.
#[derive(Parser, Debug)]
#[command(version)]
pub(crate) struct Cli {
    /// The database, such as `sqlite:bank.db` or `postgres://localhost/bank`; without it, the environment's
    /// `DATABASE_URL`, or else the file `bank.db` in this folder
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Execute one command for each transaction of a ledger
    ///
    /// A second import of the same ledger stores nothing twice: it goes on where the first one stopped, and tries again
    /// what was rejected. Lines that are malformed or rejected are reported and left out; the exit code is 1 then, and 2
    /// when the import had to stop. Summaries and statements are kept up to date beside it, and it ends when they are.
    Import(import::Import),
    /// Copy this bank to another place: from a file to a server, back, or from one to another
    ///
    /// Everything that happened goes there, and both are read again and compared in the end. Summaries and statements are made
    /// anew there, and it ends when they are up to date. It can be interrupted, and run again while this bank is in use: it goes
    /// on where it was, and stores nothing twice. From the first booking made there on, that is a bank of its own, into which
    /// nothing is copied any more: this is refused, with the exit code 1; the exit code is 2 when the copy had to stop.
    Copy(copy::Copy),
    /// Show an account as it is now
    Show {
        /// Its number
        #[arg(value_parser = account_number)]
        account: AccountId,
    },
    /// List all that happened to an account
    History {
        /// Its number
        #[arg(value_parser = account_number)]
        account: AccountId,
    },
    /// Show an account as it was
    AsOf {
        /// Its number
        #[arg(value_parser = account_number)]
        account: AccountId,
        #[command(flatten)]
        moment: Moment,
    },
    /// List the bookings of an account, each with the balance behind it
    Statement {
        /// Its number
        #[arg(value_parser = account_number)]
        account: AccountId,
    },
    /// List the accounts with the highest balances
    Top {
        /// How many
        #[arg(short = 'n', value_name = "COUNT", default_value_t = 10)]
        count: u32,
    },
    /// List the accounts with low balances
    Low {
        /// The balance that they are below
        #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
        below: Money,
    },
    /// Open an account
    Open {
        /// Its number
        #[arg(value_parser = account_number)]
        account: AccountId,
        /// Whose it is
        #[arg(long, value_name = "NAME")]
        owner: String,
        /// How far below zero the balance may go
        #[arg(long, value_name = "AMOUNT", default_value = "0", allow_negative_numbers = true)]
        overdraft: Money,
        #[command(flatten)]
        booking: Booking,
    },
    /// Put money into an account
    Deposit(Movement),
    /// Take money out of an account
    Withdraw(Movement),
    /// Close an account for good; its balance must be zero
    Close {
        /// Its number
        #[arg(value_parser = account_number)]
        account: AccountId,
        #[command(flatten)]
        booking: Booking,
    },
    /// Look after what is made of the events: summaries and statements
    Projections {
        #[command(subcommand)]
        what: Option<projections::Projections>,
    },
}

/// Which moment is asked for: one of the three.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Moment {
    /// After so many events
    #[arg(long = "version", value_name = "NUMBER")]
    after: Option<u64>,
    /// By what was booked on this day or before, as YYYY-MM-DD, whenever it was recorded
    #[arg(long, value_name = "DATE")]
    date: Option<NaiveDate>,
    /// By what was recorded at this time or before, such as 2026-01-31T12:00:00Z, whenever it was booked
    #[arg(long, value_name = "TIME")]
    recorded_at: Option<DateTime<Utc>>,
}

#[derive(Args, Debug)]
struct Movement {
    /// The account's number
    #[arg(value_parser = account_number)]
    account: AccountId,
    /// How much, such as 1234.50
    #[arg(allow_negative_numbers = true)]
    amount: Money,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    #[command(flatten)]
    booking: Booking,
}

#[derive(Args, Debug)]
struct Booking {
    /// The day it counts from, as YYYY-MM-DD; today in UTC unless given
    #[arg(long, value_name = "DATE")]
    on: Option<NaiveDate>,
}

impl Booking {
    fn date(&self) -> NaiveDate {
        self.on.unwrap_or_else(|| Utc::now().date_naive())
    }
}

/// What can name an account, here and in messages.
fn account_number(text: &str) -> Result<AccountId, &'static str> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err("the number of an account is a text that can be printed");
    }
    Ok(AccountId(text.to_owned()))
}

impl Command {
    /// Whether it may begin a bank. All others need one that is there.
    fn begins(&self) -> bool {
        matches!(self, Self::Import(_) | Self::Open { .. })
    }
}

/// Does what was said.
pub(crate) async fn run(Cli { database_url, command }: Cli) -> Result<(), Failure> {
    match Place::choose(database_url)? {
        Place::Server(url) => run_on(Postgres::connect(&url).await?, command).await,
        Place::File(path) if !path.exists() && !command.begins() => {
            let path = path.display();
            Err(Failure::refused(format!(
                "there is no bank in `{path}`; `bank import LEDGER` and `bank open` begin one"
            )))
        }
        Place::File(path) => run_on(Sqlite::open(&path).await?, command).await,
    }
}

async fn run_on<D: Database>(database: D, command: Command) -> Result<(), Failure> {
    let bank = Bank::new(database);
    let outcome = match command {
        Command::Import(import) => import::import(&bank, &import).await,
        Command::Copy(copy) => copy::copy(&bank, &copy).await,
        Command::Show { account } => questions::show(&bank, account).await,
        Command::History { account } => questions::history(&bank, account).await,
        Command::AsOf { account, moment } => questions::as_of(&bank, account, moment).await,
        Command::Statement { account } => questions::statement(&bank, account).await,
        Command::Top { count } => questions::top(&bank, count).await,
        Command::Low { below } => questions::low(&bank, below).await,
        Command::Open { account, owner, overdraft, booking } => {
            orders::open(&bank, account, owner, overdraft, booking.date()).await
        }
        Command::Deposit(movement) => orders::deposit(&bank, movement).await,
        Command::Withdraw(movement) => orders::withdraw(&bank, movement).await,
        Command::Close { account, booking } => orders::close(&bank, account, booking.date()).await,
        Command::Projections { what } => projections::look_after(&bank, what.unwrap_or_default()).await,
    };
    bank.database.close().await;
    outcome
}
