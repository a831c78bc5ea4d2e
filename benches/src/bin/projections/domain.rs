//! What is projected: the bank's events, into a read model and by statements of one's own.

use bank::{
    domain::{AccountEvent, AccountId, AccountOpened, MoneyDeposited, MoneyWithdrawn},
    money::Money,
};
use chrono::NaiveDate;
use es_core::{
    prelude::*,
    store::{Append, EventStore, Expected, NewEvent},
};
use es_postgres::{PgContext, PostgresStore, sqlx};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::Failure;

/// How many appends are on their way at once.
const IN_FLIGHT: usize = 256;

/// What a row says of an account.
#[derive(ReadModel, Debug)]
#[read_model(table = "balances", version = 1)]
pub(crate) struct Balance {
    #[read_model(key)]
    pub(crate) id: AccountId,
    owner: String,
    pub(crate) minor: i64,
    pub(crate) transactions: i64,
    last_on: Option<NaiveDate>,
}

#[event_handler(covers(AccountEvent), ignore(bank::domain::AccountClosed))]
impl Balance {
    fn opened(&mut self, event: AccountOpened) {
        self.owner = event.owner;
    }

    fn deposited(&mut self, event: &MoneyDeposited) {
        self.minor += event.amount.minor();
        self.count(event.booked_on);
    }

    fn withdrawn(&mut self, event: &MoneyWithdrawn) {
        self.minor -= event.amount.minor();
        self.count(event.booked_on);
    }
}

impl Balance {
    fn count(&mut self, booked_on: NaiveDate) {
        self.transactions += 1;
        self.last_on = self.last_on.max(Some(booked_on));
    }
}

/// The statement of each event, here and by hand.
pub(crate) const ADD: &str = "insert into sums (id, minor) values ($1, $2)
    on conflict (id) do update set minor = sums.minor + excluded.minor";

/// One statement for each event.
#[derive(Projection)]
#[projection(name = "sums")]
pub(crate) struct Sums;

#[event_handler(covers(AccountEvent), ignore(AccountOpened, bank::domain::AccountClosed))]
impl Sums {
    async fn deposited(
        &self,
        event: &MoneyDeposited,
        envelope: &Envelope,
        context: &mut PgContext<'_>,
    ) -> Result<(), sqlx::Error> {
        add(envelope, event.amount.minor(), context).await
    }

    async fn withdrawn(
        &self,
        event: &MoneyWithdrawn,
        envelope: &Envelope,
        context: &mut PgContext<'_>,
    ) -> Result<(), sqlx::Error> {
        add(envelope, -event.amount.minor(), context).await
    }
}

async fn add(envelope: &Envelope, minor: i64, context: &mut PgContext<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(ADD).bind(envelope.stream.id()).bind(minor).execute(context.connection()).await?;
    Ok(())
}

/// Deposits on one account after the other, until there are that many events.
pub(crate) async fn fill(store: &PostgresStore, events: u64, accounts: u64) -> Result<(), Failure> {
    let there = store.settled().await?.get();
    let appends = (there..events).map(|number| {
        let stream = StreamId::new("account", (number % accounts).to_string());
        let deposit = MoneyDeposited {
            amount: Money::from_minor(i64::try_from(number % 1_000 + 1).unwrap_or(1)),
            description: "PREVOD Z UCTU DUCHOD".to_owned(),
            booked_on: NaiveDate::default(),
        };
        async move {
            let event = NewEvent::encode(&AccountEvent::Deposited(deposit), Metadata::at(Utc::now()))?;
            store.append(Append::new(stream, Expected::Any, vec![event])).await?;
            Ok::<_, Failure>(())
        }
    });
    stream::iter(appends).buffer_unordered(IN_FLIGHT).try_collect().await
}
