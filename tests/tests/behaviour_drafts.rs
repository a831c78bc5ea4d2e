//! Drafts: what a decision sees of its own first events is what will be stored, and what every replay will see.

use std::{convert::Infallible, sync::Mutex};

use es_core::{prelude::*, testing::given};
use futures_util::FutureExt as _;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct AccountId(String);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Opened {
    limit: i64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Withdrawn {
    amount: i64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Overdrawn {
    by: i64,
}

#[derive(EventSet, Clone, Debug, PartialEq)]
enum AccountEvent {
    Opened(Opened),
    Withdrawn(Withdrawn),
    Overdrawn(Overdrawn),
}

#[derive(Aggregate, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "account", id = AccountId, event = AccountEvent)]
struct Account {
    balance: i64,
    limit: i64,
    warnings: u32,
}

#[event_handler]
impl Account {
    fn opened(&mut self, event: &Opened) {
        self.limit = event.limit;
    }

    fn withdrawn(&mut self, event: Withdrawn) {
        self.balance -= event.amount;
    }

    fn overdrawn(&mut self, _: &Overdrawn) {
        self.warnings += 1;
    }
}

struct Open {
    limit: i64,
    first: i64,
}

struct Withdraw {
    amounts: Vec<i64>,
}

struct WithdrawPerhaps {
    amount: i64,
}

struct WithdrawAndWarn {
    amount: i64,
}

#[derive(Debug, PartialEq)]
struct OverTheLimit {
    balance: i64,
}

#[command_handler]
impl Account {
    fn open(command: &Open) -> Result<Draft<Self>, Infallible> {
        let mut draft = Draft::<Self>::new();
        draft.record(Opened { limit: command.limit });
        draft.record((command.first <= draft.state().limit).then_some(Withdrawn { amount: command.first }));
        Ok(draft)
    }

    fn withdraw(&self, command: &Withdraw) -> Result<Draft<Self>, OverTheLimit> {
        let mut draft = self.draft();
        for &amount in &command.amounts {
            draft.record(Withdrawn { amount });
            let balance = draft.state().balance;
            if balance < -self.limit {
                return Err(OverTheLimit { balance });
            }
            if balance < 0 {
                draft.record(Overdrawn { by: -balance });
            }
        }
        Ok(draft)
    }

    fn withdraw_perhaps(&self, command: &WithdrawPerhaps) -> Result<Option<Draft<Self>>, Infallible> {
        let mut draft = self.draft();
        draft.record([Withdrawn { amount: command.amount }]);
        Ok((draft.state().balance >= 0).then_some(draft))
    }

    fn withdraw_and_warn(&self, command: &WithdrawAndWarn) -> Result<(Draft<Self>, Option<Overdrawn>), Infallible> {
        let mut draft = self.draft();
        draft.record(Withdrawn { amount: command.amount });
        let balance = draft.state().balance;
        Ok((draft, (balance < 0).then_some(Overdrawn { by: -balance })))
    }
}

#[test]
fn a_draft_shows_what_its_events_lead_to() {
    let withdrawn = |amount| Withdrawn { amount };
    let opened = Opened { limit: 10 };

    given::<Account>(())
        .when(Open { limit: 10, first: 5 })
        .then((opened.clone(), withdrawn(5)))
        .then_state(|account| assert_eq!(account.balance, -5));
    given::<Account>(()).when(Open { limit: 1, first: 5 }).then(Opened { limit: 1 });

    given::<Account>(opened.clone())
        .when(Withdraw { amounts: vec![3, 4] })
        .then((withdrawn(3), Overdrawn { by: 3 }, withdrawn(4), Overdrawn { by: 7 }))
        .then_state(|account| assert_eq!((account.balance, account.warnings), (-7, 2)));
    given::<Account>(opened.clone()).when(Withdraw { amounts: vec![3, 8] }).then_error(OverTheLimit { balance: -11 });
    given::<Account>(opened.clone()).when(Withdraw { amounts: vec![] }).then_nothing();

    given::<Account>(opened.clone()).when(WithdrawPerhaps { amount: 0 }).then(withdrawn(0));
    given::<Account>(opened.clone()).when(WithdrawPerhaps { amount: 1 }).then_nothing();

    given::<Account>(opened).when(WithdrawAndWarn { amount: 2 }).then((withdrawn(2), Overdrawn { by: 2 }));
}

#[test]
fn a_draft_tells_its_events_and_leaves_the_state_alone() {
    let account = Account { balance: 5, ..Account::default() };
    let mut draft = account.draft();
    assert!(draft.is_empty());
    draft.record((Withdrawn { amount: 1 }, (), vec![Withdrawn { amount: 2 }]));
    assert!(!draft.is_empty());
    assert_eq!(draft.events(), [Withdrawn { amount: 1 }, Withdrawn { amount: 2 }].map(AccountEvent::from));
    assert_eq!((draft.state().balance, account.balance), (2, 5));
}

// ── Event handlers that read metadata ───────────────────────────────────────

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Noted {
    seen: Option<EventId>,
}

#[derive(EventSet, Clone, Debug, PartialEq)]
enum LedgerEvent {
    Noted(Noted),
}

/// Remembers all that its handlers see.
#[derive(Aggregate, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "ledger", id = AccountId, event = LedgerEvent)]
struct Ledger {
    seen: Vec<Metadata>,
}

#[event_handler]
impl Ledger {
    fn noted(&mut self, _: &Noted, metadata: &Metadata) {
        self.seen.push(metadata.clone());
    }
}

/// Each event holds the id that the draft's state had for the event before it.
struct Note {
    times: usize,
}

struct Begin;

/// Lets another command come first, the first time that it is decided.
struct NoteLate<'a> {
    store: MemoryStore,
    tried: &'a Mutex<Vec<EventId>>,
}

#[command_handler]
impl Ledger {
    fn note_late(&self, command: &NoteLate<'_>, context: &CommandContext<'_, Self>) -> Result<Draft<Self>, Infallible> {
        let mut draft = context.draft(self);
        draft.record(Noted { seen: None });
        let mut tried = command.tried.lock().unwrap();
        tried.extend(last_id(draft.state()));
        if tried.len() == 1 {
            let ledgers = command.store.repository::<Ledger>();
            let first = ledgers.execute(context.id(), Note { times: 1 }).run().now_or_never();
            first.expect("memory does not wait").unwrap();
        }
        Ok(draft)
    }

    fn begin(_: &Begin, context: &CommandContext<'_, Self>) -> Result<Draft<Self>, Infallible> {
        let mut draft = context.new_draft();
        draft.record(Noted { seen: None });
        draft.record(Noted { seen: last_id(draft.state()) });
        Ok(draft)
    }

    fn note(&self, command: &Note, context: &CommandContext<'_, Self>) -> Result<Draft<Self>, Infallible> {
        let mut draft = context.draft(self);
        for _ in 0..command.times {
            let seen = last_id(draft.state());
            draft.record(Noted { seen });
        }
        assert!(draft.state().seen.iter().all(|seen| seen.event_id != context.metadata().event_id));
        Ok(draft)
    }
}

fn last_id(ledger: &Ledger) -> Option<EventId> {
    ledger.seen.last().map(|metadata| metadata.event_id)
}

#[tokio::test]
async fn draft_decision_and_replay_see_the_same_metadata() {
    let ledgers = MemoryStore::new().repository::<Ledger>();
    let id = AccountId("main".to_owned());
    let begun = ledgers.execute(&id, Begin).actor("ada").correlation_id("request-1").await.unwrap();
    let noted = ledgers.execute(&id, Note { times: 3 }).actor("bob").occurred_at(DateTime::UNIX_EPOCH).await.unwrap();

    let stored: Vec<_> = begun.events.iter().chain(&noted.events).collect();
    let ids: Vec<_> = stored.iter().map(|recorded| recorded.envelope.metadata.event_id).collect();
    let seen: Vec<_> = stored.iter().map(|Recorded { event: LedgerEvent::Noted(event), .. }| event.seen).collect();
    assert_eq!(seen[0], None);
    for (seen, id) in seen.iter().skip(1).zip(&ids) {
        assert_eq!(*seen, Some(*id), "the draft saw another id than was stored");
    }

    let loaded = ledgers.load(&id).await.unwrap().state;
    assert_eq!(noted.state, loaded, "after the append and in a replay the same is seen");
    let actors: Vec<_> = loaded.seen.iter().map(|metadata| metadata.actor.as_deref().unwrap_or_default()).collect();
    assert_eq!(actors, ["ada", "ada", "bob", "bob", "bob"]);
    assert_eq!(loaded.seen[4].occurred_at, DateTime::UNIX_EPOCH);
}

#[tokio::test]
async fn each_attempt_has_ids_of_its_own_and_stores_those_that_its_draft_saw() {
    let store = MemoryStore::new();
    let ledgers = store.repository::<Ledger>();
    let id = AccountId("main".to_owned());
    ledgers.execute(&id, Begin).await.unwrap();

    let tried = Mutex::default();
    let done = ledgers.execute(&id, NoteLate { store, tried: &tried }).await.unwrap();
    let tried = tried.into_inner().unwrap();
    assert_eq!((tried.len(), done.version.get()), (2, 4));
    assert_ne!(tried[0], tried[1]);
    assert_eq!(done.events[0].envelope.metadata.event_id, tried[1]);
}

#[test]
fn a_draft_sees_in_a_test_what_the_state_sees() {
    given::<Ledger>(()).actor("ada").when(Begin).then_state(|ledger| {
        let [first, second] = &ledger.seen[..] else { panic!("two events") };
        assert_ne!(first.event_id, second.event_id);
        assert_eq!(second.actor.as_deref(), Some("ada"));
    });
}
