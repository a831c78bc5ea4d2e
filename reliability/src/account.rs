//! What is written: accounts, and events that carry a token which no other event may carry.

use std::convert::Infallible;

use es_core::prelude::*;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountId(pub(crate) String);

/// One movement.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Moved {
    /// Who asked for it. Two events with one token are one event stored twice.
    pub(crate) token: u64,
    pub(crate) amount: u64,
    /// Where a command decided it: which event of its account it was decided to be.
    #[serde(default)]
    pub(crate) number: Option<u64>,
}

#[derive(EventSet, Clone, Debug, PartialEq)]
pub(crate) enum AccountEvent {
    Moved(Moved),
}

#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "account", id = AccountId, event = AccountEvent, snapshot(every = 25))]
pub(crate) struct Account {
    pub(crate) events: u64,
    pub(crate) total: u64,
}

#[event_handler]
impl Account {
    fn moved(&mut self, event: &Moved) {
        self.events += 1;
        self.total += event.amount;
    }
}

/// Moves so often, with tokens that follow the first.
pub(crate) struct Move {
    pub(crate) first: u64,
    pub(crate) events: u64,
}

#[command_handler]
impl Account {
    #[command(or_default)]
    fn transfer(&self, command: &Move) -> Result<Vec<Moved>, Infallible> {
        let event = |n| Moved { number: Some(self.events + 1 + n), ..movement(command.first + n) };
        Ok((0..command.events).map(event).collect())
    }
}

/// The movement of a token.
pub(crate) fn movement(token: u64) -> Moved {
    Moved { token, amount: token % 7 + 1, number: None }
}

/// The id of an account, and the account of an id.
pub(crate) fn account_id(account: u32) -> String {
    format!("a{account}")
}

pub(crate) fn account_of(id: &str) -> Option<u32> {
    id.strip_prefix('a')?.parse().ok()
}
