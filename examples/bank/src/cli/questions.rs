//! What asks about accounts: show, history, as-of, statement, top, low.

use ::bank::{
    databases::Database,
    domain::{Account, AccountEvent, AccountId, Status},
    money::Money,
    statements::Statements,
    summaries::{self, AccountSummary},
};
use chrono::NaiveDate;
use es_core::{EventHandlers as _, Projection as _, ReadModel as _, StreamVersion};
use futures_util::TryStreamExt as _;

use super::{
    Moment,
    bank::Bank,
    failure::Failure,
    output::{
        self,
        Align::{Left, Right},
        Table,
    },
};

pub(super) async fn show(bank: &Bank<impl Database>, account: AccountId) -> Result<(), Failure> {
    let loaded = bank.accounts.load(&account).await.map_err(|error| Failure::of_load(error, &account))?;
    Ok(output::print(&describe(&account, &loaded.state, loaded.version))?)
}

pub(super) async fn as_of(bank: &Bank<impl Database>, account: AccountId, moment: Moment) -> Result<(), Failure> {
    let (state, version, how) = match moment {
        Moment { after: Some(version), .. } => {
            let loaded = bank.accounts.load(&account).at_version(version).await;
            let loaded = loaded.map_err(|error| Failure::of_load(error, &account))?;
            (loaded.state, loaded.version, format!("after {version} events"))
        }
        Moment { date: Some(date), .. } => {
            let (state, version) = booked_by(bank, &account, date).await?;
            let how = format!("by booking date: the events booked on {date} or before, whenever they were recorded");
            (state, version, how)
        }
        Moment { recorded_at, .. } => {
            // The command line wants one of the three, so it is this one.
            let time = recorded_at.unwrap_or_default();
            let loaded = bank.accounts.load(&account).at_time(time).await;
            let loaded = loaded.map_err(|error| Failure::of_load(error, &account))?;
            (loaded.state, loaded.version, format!("by recording time: the events recorded by {time}"))
        }
    };
    Ok(output::print(&format!("{how}\n\n{}", describe(&account, &state, version)))?)
}

/// The account by the events booked on a day or before, with the version of the last of them.
async fn booked_by(
    bank: &Bank<impl Database>,
    account: &AccountId,
    date: NaiveDate,
) -> Result<(Account, StreamVersion), Failure> {
    let mut history = std::pin::pin!(bank.accounts.history(account));
    let (mut state, mut version) = (Account::default(), StreamVersion::EMPTY);
    let mut exists = false;
    while let Some(recorded) = history.try_next().await? {
        exists = true;
        if recorded.event.booked_on() <= date {
            version = recorded.envelope.version;
            state.fold(recorded.event, &recorded.envelope.metadata);
        }
    }
    match version {
        StreamVersion::EMPTY if exists => {
            Err(Failure::refused(format!("nothing was booked on account {account} by {date}")))
        }
        StreamVersion::EMPTY => Err(Failure::unknown(account)),
        version => Ok((state, version)),
    }
}

fn describe(id: &AccountId, account: &Account, version: StreamVersion) -> String {
    let status = match account.status {
        Status::Open => "open",
        Status::Closed => "closed",
    };
    let mut table = Table::new([("account", Left), (&id.0, Left)]);
    for (name, value) in [
        ("owner", account.owner.clone()),
        ("status", status.to_owned()),
        ("balance", account.balance.to_string()),
        ("overdraft", account.overdraft.to_string()),
        ("transactions", account.transactions.to_string()),
        ("last booked on", day(account.last_transaction_on)),
        ("version", version.to_string()),
    ] {
        table.row([name.to_owned(), value]);
    }
    table.render()
}

fn day(day: Option<NaiveDate>) -> String {
    day.map_or_else(|| "-".to_owned(), |day| day.to_string())
}

pub(super) async fn history(bank: &Bank<impl Database>, account: AccountId) -> Result<(), Failure> {
    let mut table = Table::new([
        ("version", Right),
        ("booked on", Left),
        ("recorded at (UTC)", Left),
        ("event", Left),
        ("amount", Right),
        ("balance", Right),
        ("by", Left),
        ("description", Left),
    ]);
    let mut history = std::pin::pin!(bank.accounts.history(&account));
    let mut state = Account::default();
    while let Some(recorded) = history.try_next().await? {
        let envelope = recorded.envelope;
        let booked_on = recorded.event.booked_on();
        let (event, amount, description) = in_words(&recorded.event);
        state.fold(recorded.event, &envelope.metadata);
        table.row([
            envelope.version.to_string(),
            booked_on.to_string(),
            envelope.recorded_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            event.to_owned(),
            amount,
            state.balance.to_string(),
            envelope.metadata.actor.unwrap_or_default(),
            description,
        ]);
    }
    if table.len() == 0 {
        return Err(Failure::unknown(&account));
    }
    Ok(output::print(&table.render())?)
}

/// An event as its name, its amount with a sign, and what else there is to say.
fn in_words(event: &AccountEvent) -> (&'static str, String, String) {
    match event {
        AccountEvent::Opened(event) => {
            ("opened", String::new(), format!("for {}, overdraft {}", event.owner, event.overdraft))
        }
        AccountEvent::Deposited(event) => ("deposited", event.amount.to_string(), event.description.clone()),
        AccountEvent::Withdrawn(event) => ("withdrawn", format!("-{}", event.amount), event.description.clone()),
        AccountEvent::Closed(_) => ("closed", String::new(), String::new()),
    }
}

pub(super) async fn statement(bank: &Bank<impl Database>, account: AccountId) -> Result<(), Failure> {
    bank.catch_up(Statements::NAME).await?;
    let lines = bank.database.statement(&account).await?;
    if lines.is_empty() {
        // It may be there without a booking.
        bank.accounts.load(&account).await.map_err(|error| Failure::of_load(error, &account))?;
    }
    let mut table = Table::new([("booked on", Left), ("amount", Right), ("balance", Right), ("description", Left)]);
    for line in lines {
        table.row([line.booked_on.to_string(), line.amount.to_string(), line.balance.to_string(), line.description]);
    }
    Ok(output::print(&table.render())?)
}

pub(super) async fn top(bank: &Bank<impl Database>, count: u32) -> Result<(), Failure> {
    bank.catch_up(AccountSummary::TABLE).await?;
    Ok(output::print(&list(summaries::top(bank.store(), count).await?))?)
}

pub(super) async fn low(bank: &Bank<impl Database>, below: Money) -> Result<(), Failure> {
    bank.catch_up(AccountSummary::TABLE).await?;
    Ok(output::print(&list(summaries::low(bank.store(), below).await?))?)
}

fn list(summaries: Vec<AccountSummary>) -> String {
    let mut table = Table::new([
        ("account", Left),
        ("balance", Right),
        ("transactions", Right),
        ("last booked on", Left),
        ("status", Left),
        ("owner", Left),
    ]);
    for summary in summaries {
        table.row([
            summary.account_id.to_string(),
            summary.balance.to_string(),
            summary.transaction_count.to_string(),
            day(summary.last_transaction_on),
            if summary.closed { "closed" } else { "open" }.to_owned(),
            summary.owner,
        ]);
    }
    table.render()
}
