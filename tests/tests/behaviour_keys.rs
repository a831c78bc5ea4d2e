//! `#[key(..)]`: to which rows, or to which line of events, an event belongs.

use std::collections::BTreeSet;

use es_core::{
    ProjectionError,
    prelude::*,
    projection::{ProjectionHandlers, Rows},
    store::{Fault, StoredEvent},
    testing::project,
};

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct AccountId(String);

#[derive(Event, Serialize, Deserialize, Debug)]
struct MoneyMoved {
    from: AccountId,
    to: AccountId,
}

#[derive(Event, Serialize, Deserialize, Debug)]
struct MoneyRefused {
    account: Option<AccountId>,
}

#[derive(Event, Serialize, Deserialize, Debug)]
struct MoneyShared {
    accounts: Vec<AccountId>,
    guests: BTreeSet<AccountId>,
    first: [AccountId; 2],
}

#[derive(Event, Serialize, Deserialize, Debug)]
struct AccountClosed {}

#[derive(EventSet, Debug)]
enum MoneyEvent {
    Moved(MoneyMoved),
    Refused(MoneyRefused),
    Shared(MoneyShared),
    Closed(AccountClosed),
}

impl MoneyRefused {
    fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }
}

#[derive(ReadModel, Debug, PartialEq)]
#[read_model(table = "accounts")]
struct Summary {
    #[read_model(key)]
    account: AccountId,
    times: u32,
}

#[event_handler(covers(MoneyEvent))]
impl Summary {
    #[key(event.from, &event.to)]
    fn moved(&mut self, _: &MoneyMoved) {
        self.times += 1;
    }

    #[cfg(any())]
    #[key(event.nothing)]
    fn never(&mut self, _: &NoSuchEvent) {}

    #[key(event.account)]
    fn refused(&mut self, _: &MoneyRefused) {
        self.times += 10;
    }

    #[key(
        event.accounts,
        event.guests,
        &event.first,
        envelope.metadata.actor.clone().map(AccountId),
        Self::of_the_house(),
    )]
    fn shared(&mut self, _: &MoneyShared) {
        self.times += 100;
    }

    fn closed(&mut self, _: &AccountClosed) -> es_core::Row {
        es_core::Row::Delete
    }
}

impl Summary {
    fn of_the_house() -> AccountId {
        id("house")
    }
}

fn id(name: &str) -> AccountId {
    AccountId(name.to_owned())
}

fn row(account: &str, times: u32) -> Summary {
    Summary { account: id(account), times }
}

#[test]
fn an_event_belongs_to_the_rows_that_its_key_says() {
    project::<Summary>()
        .stream(&"transfer", MoneyMoved { from: id("a"), to: id("b") })
        .expect([row("a", 1), row("b", 1)])
        .stream(&"transfer", (MoneyRefused { account: Some(id("b")) }, MoneyRefused { account: None }))
        .expect([row("a", 1), row("b", 11)])
        // Without `#[key(..)]` it is the stream.
        .stream(&"a", AccountClosed {})
        .expect([row("b", 11)]);
}

#[test]
fn a_key_that_is_said_twice_is_one() {
    project::<Summary>()
        .stream(&"transfer", MoneyMoved { from: id("a"), to: id("a") })
        .expect([row("a", 1)])
        .with_metadata(Metadata::at(Utc::now()))
        .stream(
            &"transfer",
            MoneyShared {
                accounts: vec![id("b"), id("a"), id("b")],
                guests: BTreeSet::from([id("c"), id("a")]),
                first: [id("b"), id("d")],
            },
        )
        .expect([row("a", 101), row("b", 100), row("c", 100), row("d", 100), row("house", 100)]);
}

fn stored(event_type: &str, payload: &str, metadata: &str) -> StoredEvent {
    StoredEvent::new(
        StreamId::new("transfer", "7"),
        StreamVersion::new(1),
        Position::new(1),
        event_type.to_owned(),
        1,
        EventId::now(),
        payload.as_bytes().to_vec(),
        metadata.as_bytes().to_vec(),
        Utc::now(),
    )
}

const AT_NOON: &str = r#"{"occurred_at":"2026-01-01T12:00:00Z","actor":"porter"}"#;

#[test]
fn the_envelope_is_there_where_it_is_asked_for() {
    let shared = stored("MoneyShared", r#"{"accounts":["x"],"guests":[],"first":["x","y"]}"#, AT_NOON);
    assert_eq!(Summary::keys(&shared).expect("keys"), [id("x"), id("y"), id("porter"), id("house")]);
}

#[test]
fn nothing_is_decoded_that_no_key_asks_for() {
    assert_eq!(Summary::keys(&stored("AccountClosed", "broken", "broken")).expect("the stream"), [id("7")]);
    assert_eq!(Summary::keys(&stored("Unknown", "broken", "broken")).expect("none"), []);
    let moved = stored("MoneyMoved", r#"{"from":"a","to":"b"}"#, "broken");
    assert_eq!(Summary::keys(&moved).expect("keys"), [id("a"), id("b")]);
    // No handler reads the metadata, so it is not decoded to fold either.
    Rows::<Summary>::new().apply(&moved).expect("it folds");
}

#[test]
fn an_event_that_cannot_be_read_has_no_key() {
    let Err(ProjectionError::Store(StoreError::Corrupt(corrupt))) =
        Summary::keys(&stored("MoneyMoved", r#"{"from":"a"}"#, "broken"))
    else {
        panic!("expected Corrupt");
    };
    assert!(matches!(&corrupt.fault, Fault::Payload { message, .. } if message.contains("to")), "{corrupt}");
    let shared = stored("MoneyShared", r#"{"accounts":[],"guests":[],"first":["x","y"]}"#, "broken");
    let Err(ProjectionError::Store(StoreError::Corrupt(corrupt))) = Summary::keys(&shared) else {
        panic!("expected Corrupt");
    };
    assert!(matches!(&corrupt.fault, Fault::Metadata { .. }), "{corrupt}");
}

// ── Projections ─────────────────────────────────────────────────────────────

#[derive(Projection)]
#[projection(name = "log", shards = 1024, policy = skip)]
struct Log;

#[event_handler(covers(MoneyEvent), ignore(MoneyShared))]
impl Log {
    #[key(event.from)]
    async fn moved(&self, _: MoneyMoved, lines: &mut Vec<String>) {
        lines.push("moved".to_owned());
    }

    #[key(event.account().map_or("nobody", |account| &account.0))]
    async fn refused(&self, _: &MoneyRefused, envelope: &Envelope, lines: &mut Vec<String>) {
        lines.push(envelope.metadata.actor.clone().unwrap_or_default());
    }

    async fn closed(&self, _: &AccountClosed) {}
}

#[test]
fn an_event_of_a_projection_has_one_key() {
    let key = |event_type, payload| Log::key(&stored(event_type, payload, "broken")).expect("a key");
    assert_eq!(key("MoneyMoved", r#"{"from":"a","to":"b"}"#), "a");
    assert_eq!(key("MoneyRefused", r#"{"account":"b"}"#), "b");
    assert_eq!(key("MoneyRefused", r#"{"account":null}"#), "nobody");
    assert_eq!(key("AccountClosed", "broken"), "transfer/7");
    assert_eq!(key("MoneyShared", "broken"), "transfer/7");
    assert_eq!((Log::SHARDS, Log::POLICY, Log::VERSION), (1024, FailurePolicy::Skip, 1));
    assert!(matches!(Log::key(&stored("MoneyMoved", "{}", "{}")), Err(ProjectionError::Store(StoreError::Corrupt(_)))));
}

#[tokio::test]
async fn metadata_is_decoded_where_a_handler_reads_it() {
    let mut lines = Vec::new();
    let moved = stored("MoneyMoved", r#"{"from":"a","to":"b"}"#, "broken");
    Log.handle_stored(&moved, &mut lines).await.expect("nobody asks for the metadata");
    let refused = |metadata| stored("MoneyRefused", r#"{"account":null}"#, metadata);
    Log.handle_stored(&refused(AT_NOON), &mut lines).await.expect("it is handled");
    assert_eq!(lines, ["moved", "porter"]);
    let failed = Log.handle_stored(&refused("broken"), &mut lines).await;
    assert!(matches!(failed, Err(ProjectionError::Store(StoreError::Corrupt(_)))));
}
