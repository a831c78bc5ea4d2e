//! From one release to the next: a new version of the summaries, and tables of a release without the engine.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bank::{
    databases::{Database as _, Postgres, postgres},
    domain::{AccountClosed, AccountEvent, AccountId, AccountOpened, MoneyDeposited, MoneyWithdrawn},
    money::Money,
    projections, summaries,
};
use chrono::NaiveDate;
use es_core::{engine::ProjectionEngine, prelude::*};
use es_tests::database::Database;
use sqlx::PgPool;

use crate::{
    Bank,
    scenarios::opened::made_up_ledger,
    support::{Sums, known_sums, ledger},
};

/// The summaries of the next release, which also know the highest balance.
#[derive(ReadModel)]
#[read_model(table = "account_summaries", version = 2)]
struct NextSummary {
    #[read_model(key)]
    account_id: AccountId,
    owner: String,
    #[read_model(index)]
    balance: Money,
    transaction_count: i64,
    last_transaction_on: Option<NaiveDate>,
    closed: bool,
    highest: Money,
}

#[event_handler(covers(AccountEvent), ignore(AccountClosed))]
impl NextSummary {
    fn opened(&mut self, event: AccountOpened) {
        self.owner = event.owner;
    }

    fn deposited(&mut self, event: &MoneyDeposited) {
        self.balance = self.balance.saturating_add(event.amount);
        self.highest = self.highest.max(self.balance);
        self.transaction_count += 1;
        self.last_transaction_on = self.last_transaction_on.max(Some(event.booked_on));
    }

    fn withdrawn(&mut self, event: &MoneyWithdrawn) {
        self.balance = self.balance.saturating_sub(event.amount);
        self.transaction_count += 1;
    }
}

pub(crate) async fn a_new_version_takes_over_during_an_import(database: Database) {
    let (bank, (text, known)) = (Bank::open(database.url()).await, made_up_ledger(40, 3_000));
    let (first, _) = made_up_ledger(40, 1_000);
    bank.import_text(&first).await;
    bank.catch_up().await;
    let present = bank.database.engine().start().await.expect("it can be started");

    // Somebody who reads all the time never sees less than was there.
    let reading = Arc::new(AtomicBool::new(true));
    let reader = tokio::spawn(never_less(bank.database.pool.clone(), Arc::clone(&reading)));
    let other = Postgres::connect(&bank.url).await.expect("the database can be reached").store;
    let beside = tokio::spawn(async move {
        let next = ProjectionEngine::new(&other).read_model::<NextSummary>().start().await.expect("it can be started");
        (other, next)
    });
    let report = bank.import_text(&text).await;
    assert_eq!((report.tally.already_there, report.tally.applied), (1_000, 2_000));
    let (other, next) = beside.await.expect("it is started");
    loop {
        let status = next.status().await.expect("the status can be read");
        if status.projection("account_summaries").is_some_and(|active| active.id.version == 2) {
            break;
        }
        tokio::task::yield_now().await;
    }
    projections::all_taken_in(&other, &next, None).await.expect("nothing has stopped");
    reading.store(false, Ordering::Relaxed);
    assert!(reader.await.expect("nothing was missing") > 0, "it was read at least once");

    let rows = other.read_model::<NextSummary>().all().await.expect("the summaries are there");
    let sums = |row: NextSummary| {
        assert_eq!(row.highest, row.balance, "there were deposits only");
        (row.account_id, Sums { transactions: row.transaction_count.unsigned_abs(), net: row.balance })
    };
    assert_eq!(rows.into_iter().map(sums).collect::<std::collections::BTreeMap<_, _>>(), known);
    // The present release reads what the next one writes, and the older table can go.
    assert_eq!(bank.summed().await, known);
    present.shutdown().await;
    next.controls().drop_older("account_summaries").await.expect("nobody needs it");
    let gone = sqlx::query_scalar::<_, bool>("select to_regclass('bank.account_summaries_v1') is null");
    assert!(gone.fetch_one(&bank.database.pool).await.expect("it can be asked"));
    assert_eq!(summaries::low(&other, Money::from_minor(i64::MAX)).await.expect("they are there").len(), 40);
    next.shutdown().await;
    other.close().await;
    bank.close().await;
}

/// Reads the summaries until it is told to end: they never fail, and never hold fewer transactions than before.
async fn never_less(pool: PgPool, reading: Arc<AtomicBool>) -> u64 {
    let (mut reads, mut before) = (0, 1_000);
    while reading.load(Ordering::Relaxed) {
        let query =
            sqlx::query_scalar("select coalesce(sum(transaction_count), 0)::bigint from bank.account_summaries");
        let now: i64 = query.fetch_one(&pool).await.expect("the summaries are there");
        assert!(now >= before, "{now} transactions, and there were {before}");
        (reads, before) = (reads + 1, now);
    }
    reads
}

pub(crate) async fn tables_of_an_earlier_release_are_made_anew(database: Database) {
    let (bank, known) = (Bank::open(database.url()).await, known_sums(&ledger("small-balances.csv")));
    bank.import(&ledger("small.csv"), 8).await;
    let earlier = "drop table bank.statement_lines;
        create table bank.account_summaries (
            account_id text collate \"C\" primary key, owner text not null, balance bigint not null,
            transaction_count bigint not null, last_transaction_on date, closed boolean not null
        );
        create index account_summaries_balance on bank.account_summaries (balance, account_id);
        insert into bank.account_summaries values ('101', 'nobody', 1, 1, null, true);
        create table bank.checkpoint (
            only_row boolean primary key default true check (only_row), position bigint not null
        );
        insert into bank.checkpoint (position) values (1)";
    sqlx::raw_sql(earlier).execute(&bank.database.pool).await.expect("the tables can be made");

    assert!(bank.ok(&["top"]).contains("106      1234567.89"));
    bank.assert_sums(&known).await;
    // Again changes nothing: what has that name now is the engine's.
    postgres::migrate(&bank.database.pool).await.expect("the tables are there");
    assert_eq!(bank.summed().await, known);
    let one = summaries::get(&bank.database.store, &AccountId("103".to_owned())).await.expect("it can be read");
    let one = one.expect("the account is there");
    assert_eq!((one.owner.as_str(), one.closed), ("unknown", false));
    assert_eq!(one.last_transaction_on.map(|day| day.to_string()).as_deref(), Some("1995-04-28"));
    assert_eq!(
        summaries::get(&bank.database.store, &AccountId("104711".to_owned())).await.expect("it can be read"),
        None
    );
    bank.close().await;
}
