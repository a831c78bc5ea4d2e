//! What writers ask for: all of it follows from the first token, so that another process can ask for the same.

use std::time::Duration;

use chrono::Utc;
use es_core::{
    event::EventSchema,
    prelude::*,
    recorded::{StreamId, StreamVersion},
    repository::{ExecuteError, Repository, RetryPolicy},
    store::{Append, Appended, EventStore, Expected, NewEvent, StoreError},
};
use es_postgres::PostgresStore;
use tokio::time::sleep;

use crate::{
    account::{Account, AccountId, Move, account_id, movement},
    dice::Dice,
    witness::{Place, Witness, one_more},
};

/// How many tokens each request may use.
pub(crate) const TOKENS: u64 = 256;
/// The pause before a store that could not answer is asked again.
const PAUSE: Duration = Duration::from_millis(20);

/// A store as writers use it.
#[derive(Clone)]
pub(crate) struct Bank<S = PostgresStore> {
    pub(crate) store: S,
    /// Remembers states, and gives back what the store could not do.
    quick: Repository<Account, S>,
    /// Remembers states, and sends again what the store could not do.
    patient: Repository<Account, S>,
}

impl<S: EventStore> Bank<S> {
    pub(crate) fn new(store: S) -> Self {
        let policy = RetryPolicy::new().attempts(10_000);
        let patient = policy.pause(Duration::from_millis(1)..Duration::from_millis(100)).unavailable(10_000);
        Self {
            quick: store.repository().cached(50).retry(policy),
            patient: store.repository().cached(50).retry(patient),
            store,
        }
    }
}

/// How much is asked for at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Among how many accounts.
    pub(crate) accounts: u64,
    /// At most so many events for one account at a time.
    pub(crate) events: u64,
    /// Whether each request has a key, by which another process can send it again.
    pub(crate) all_keyed: bool,
}

#[derive(Clone, Debug)]
enum What {
    Append(Append),
    AppendAll(Vec<Append>),
    Command { account: u32, events: u64, keyed: bool },
}

/// One request of a writer.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    first: u64,
    what: What,
}

impl Request {
    /// The request of these tokens. The same tokens give the same request, but for the ids of its events.
    pub(crate) fn of(first: u64, size: Size) -> Self {
        let mut dice = Dice::new(first);
        let what = match dice.roll(4) {
            0 => What::AppendAll(appends(first, size)),
            1 => What::Command {
                account: some_account(&mut dice, size),
                events: dice.within(1..4),
                keyed: size.all_keyed || dice.one_in(2),
            },
            _ => What::Append(append(&mut dice, first, size)),
        };
        Self { first, what }
    }

    pub(crate) fn tokens(&self) -> Vec<u64> {
        match &self.what {
            What::Append(append) => tokens_of(self.first, std::slice::from_ref(append)),
            What::AppendAll(appends) => tokens_of(self.first, appends),
            What::Command { events, .. } => (self.first..self.first + events).collect(),
        }
    }

    /// Expects the account to be at a version, where it is an append to one account.
    pub(crate) fn at(mut self, version: impl FnOnce(&StreamId) -> StreamVersion) -> Self {
        if let What::Append(append) = &mut self.what {
            append.expected = Expected::Exact(version(&append.stream));
        }
        self
    }

    async fn send(&self, bank: &Bank<impl EventStore>) -> Result<Vec<Place>, StoreError> {
        match &self.what {
            What::Append(append) => {
                let appended = bank.store.append(append.clone()).await?;
                Ok(places(self.first, std::slice::from_ref(append), &[appended]))
            }
            What::AppendAll(appends) => {
                let appended = bank.store.append_all(appends.clone()).await?;
                Ok(places(self.first, appends, &appended))
            }
            What::Command { account, events, keyed } => {
                let id = AccountId(account_id(*account));
                let command = Move { first: self.first, events: *events };
                let executed = if *keyed {
                    bank.quick.execute(&id, command).idempotency_key(self.first.to_string()).await
                } else {
                    bank.patient.execute(&id, command).await
                };
                let place = |recorded: &Recorded<_>| Place {
                    token: match &recorded.event {
                        crate::account::AccountEvent::Moved(moved) => moved.token,
                    },
                    account: *account,
                    version: recorded.envelope.version.get(),
                    position: recorded.envelope.position.get(),
                    event_id: recorded.envelope.metadata.event_id,
                };
                match executed {
                    Ok(executed) => Ok(executed.events.iter().map(place).collect()),
                    Err(ExecuteError::Store(error)) => Err(error),
                    Err(ExecuteError::Conflict { conflict, .. }) => Err(conflict.into()),
                    Err(other) => unreachable!("{other}"),
                }
            }
        }
    }

    /// Sends it until it is known what became of it, and tells the witness. Whatever happens to the server, there is
    /// only one kind of failure that sending again does not mend: that another writer came first.
    pub(crate) async fn settle(&self, bank: &Bank<impl EventStore>, witness: &Witness) -> Vec<Place> {
        let tokens = self.tokens();
        while witness.accusation().is_none() {
            match self.send(bank).await {
                Ok(places) => {
                    if places.iter().map(|place| place.token).ne(tokens.iter().copied()) {
                        witness.accuse(format_args!("asked for {tokens:?} and told of {places:?}"));
                    }
                    witness.acknowledged(&places);
                    return places;
                }
                Err(StoreError::Conflict(_)) => {
                    one_more(&witness.counts.conflicts);
                    witness.refused(tokens);
                    return Vec::new();
                }
                Err(error) if error.is_unavailable() && !error.is_closed() => {
                    let unknown = matches!(error, StoreError::OutcomeUnknown { .. });
                    one_more(if unknown { &witness.counts.unknown } else { &witness.counts.unavailable });
                    sleep(PAUSE).await;
                }
                Err(error) => witness.accuse(format_args!("an answer that no fault excuses: {error:?}")),
            }
        }
        Vec::new()
    }
}

/// Half of all requests meet on a few accounts.
fn some_account(dice: &mut Dice, size: Size) -> u32 {
    let account = if dice.one_in(2) { dice.roll(4) } else { dice.roll(size.accounts) };
    u32::try_from(account).unwrap_or(0)
}

fn append(dice: &mut Dice, first: u64, size: Size) -> Append {
    let account = some_account(dice, size);
    let events = (0..dice.within(1..size.events + 1)).map(|number| new_event(first + number)).collect();
    let append = Append::new(stream(account), Expected::Any, events);
    if size.all_keyed || dice.one_in(3) { append.idempotency_key(first.to_string()) } else { append }
}

/// Appends to two or three accounts.
pub(crate) fn appends(first: u64, size: Size) -> Vec<Append> {
    let mut dice = Dice::new(!first);
    let mut appends: Vec<Append> = Vec::new();
    let mut next = first;
    for _ in 0..3 {
        let append = append(&mut dice, next, size);
        if appends.iter().all(|other| other.stream != append.stream) {
            next += u64::try_from(append.events.len()).unwrap_or(0);
            appends.push(append);
        }
    }
    appends
}

pub(crate) fn stream(account: u32) -> StreamId {
    StreamId::new("account", account_id(account))
}

pub(crate) fn new_event(token: u64) -> NewEvent {
    let payload = serde_json::to_string(&movement(token)).expect("it is plain");
    NewEvent::new(EventSchema::new("Moved", 1), payload, Metadata::at(Utc::now()))
}

/// The tokens of appends: they are counted through.
pub(crate) fn tokens_of(first: u64, appends: &[Append]) -> Vec<u64> {
    (first..).take(appends.iter().map(|append| append.events.len()).sum()).collect()
}

/// Where the events of appends were put.
pub(crate) fn places(first: u64, appends: &[Append], appended: &[Appended]) -> Vec<Place> {
    let each = appends.iter().zip(appended).flat_map(|(append, appended)| {
        let account = crate::account::account_of(append.stream.id()).expect("it is an account");
        appended.events.iter().map(move |placed| (account, placed))
    });
    (first..)
        .zip(each)
        .map(|(token, (account, placed))| Place {
            token,
            account,
            version: placed.version.get(),
            position: placed.position.get(),
            event_id: placed.event_id,
        })
        .collect()
}
