//! One of the workers of an import: it executes the transactions of its accounts, one after the other.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use es_core::{
    ExecuteError, Executed, Repository,
    store::{EventStore, StoreError},
};
use tokio::sync::mpsc;

use super::{
    IMPORT_OVERDRAFT, ImportError, Observer,
    report::{Rejection, Tally},
};
use crate::{
    domain::{Account, AccountError, Deposit, OpenAccount, Withdraw},
    ledger::{Direction, Entry, Transaction},
};

type Outcome = Result<Executed<Account>, ExecuteError<AccountError>>;

/// Serves a part of the accounts.
pub(super) struct Worker<S> {
    accounts: Repository<Account, S>,
    observer: Arc<dyn Observer>,
    /// Set when the import is given up.
    stop: Arc<AtomicBool>,
    tally: Tally,
}

impl<S: EventStore> Worker<S> {
    pub(super) fn new(store: &S, observer: Arc<dyn Observer>, stop: Arc<AtomicBool>) -> Self {
        Self { accounts: store.repository(), observer, stop, tally: Tally::default() }
    }

    /// Executes what comes in until there is no more, or the import is given up.
    pub(super) async fn run(mut self, mut entries: mpsc::Receiver<Entry>) -> Result<Tally, ImportError> {
        while let Some(entry) = entries.recv().await {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let mut outcome = self.post(&entry.transaction).await;
            if matches!(outcome, Err(ExecuteError::NotFound { .. })) {
                outcome = match self.open(&entry.transaction).await {
                    // Another import may have come first, which is as good.
                    Ok(_) | Err(ExecuteError::AlreadyExists { .. }) => self.post(&entry.transaction).await,
                    Err(error) => Err(error),
                };
            }
            self.count(&entry, outcome)?;
            self.observer.advanced(entry.bytes);
        }
        Ok(self.tally)
    }

    async fn post(&mut self, transaction: &Transaction) -> Outcome {
        self.tally.commands += 1;
        let Transaction { amount, booked_on, .. } = *transaction;
        let (id, description) = (&transaction.account, transaction.description.clone());
        let key = format!("ledger:{}", transaction.id);
        let time = midnight(booked_on);
        match transaction.direction {
            Direction::Credit => {
                let command = Deposit { amount, description, booked_on };
                self.accounts.execute(id, command).idempotency_key(key).occurred_at(time).actor("import").await
            }
            Direction::Withdrawal => {
                let command = Withdraw { amount, description, booked_on };
                self.accounts.execute(id, command).idempotency_key(key).occurred_at(time).actor("import").await
            }
        }
    }

    /// Opens an account that the ledger takes for granted; who owns it the ledger does not say.
    async fn open(&mut self, transaction: &Transaction) -> Outcome {
        self.tally.commands += 1;
        let booked_on = transaction.booked_on;
        let command = OpenAccount { owner: "unknown".to_owned(), overdraft: IMPORT_OVERDRAFT, booked_on };
        let open = self.accounts.execute(&transaction.account, command).idempotency_key("ledger:open");
        let outcome = open.occurred_at(midnight(booked_on)).actor("import").await;
        self.tally.opened += u64::from(matches!(&outcome, Ok(done) if !done.replayed));
        outcome
    }

    /// Puts the outcome of one line into the tally, or ends the import where the store failed.
    fn count(&mut self, entry: &Entry, outcome: Outcome) -> Result<(), ImportError> {
        let account = || entry.transaction.account.clone();
        match outcome {
            Ok(done) if done.replayed => self.tally.already_there += 1,
            Ok(_) => self.tally.applied += 1,
            Err(ExecuteError::Rejected(error)) => {
                self.tally.reject(Rejection::new(entry.line, account(), error.rule(), error.to_string()));
            }
            Err(ExecuteError::Store(StoreError::Invalid(error))) => {
                self.tally.reject(Rejection::new(entry.line, account(), "cannot be stored", error.to_string()));
            }
            Err(error) => {
                return Err(ImportError::Store { line: entry.line, account: account(), source: Box::new(error) });
            }
        }
        Ok(())
    }
}

fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}
