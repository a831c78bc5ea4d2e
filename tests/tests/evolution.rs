//! Events that were stored by earlier versions of the code are read by the newest, on every path.

use es_core::{
    EventSchema,
    prelude::*,
    store::{Append, DecodeError, Fault, NewEvent, ReadAll, ReadStream},
    testing::given,
};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

// ── The domain as it is today ───────────────────────────────────────────────

/// Version 1: whole crowns. Version 2 came with a currency, version 3 renamed a field over JSON, version 4 counts
/// hellers and may fail to hold what an earlier one held.
#[derive(Event, Deserialize)]
#[event(name = "MoneyPaid")]
struct MoneyPaidV1 {
    amount: i64,
}

#[derive(Event, Deserialize)]
#[event(name = "MoneyPaid", version = 2, previous = MoneyPaidV1)]
struct MoneyPaidV2 {
    amount: i64,
    currency: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(version = 4, previous = MoneyPaidV2, upcast(3 = in_hellers))]
struct MoneyPaid {
    hellers: i64,
    currency: String,
}

impl From<MoneyPaidV1> for MoneyPaidV2 {
    fn from(old: MoneyPaidV1) -> Self {
        Self { amount: old.amount, currency: "CZK".to_owned() }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0} crowns are more hellers than can be counted")]
struct TooMuch(i64);

impl TryFrom<MoneyPaidV2> for MoneyPaid {
    type Error = TooMuch;

    fn try_from(old: MoneyPaidV2) -> Result<Self, TooMuch> {
        let hellers = old.amount.checked_mul(100).ok_or(TooMuch(old.amount))?;
        Ok(Self { hellers, currency: old.currency })
    }
}

fn in_hellers(mut old: Value) -> Result<Value, String> {
    let crowns = old["crowns"].as_i64().ok_or("`crowns` is missing")?;
    old["hellers"] = (crowns * 100).into();
    Ok(old)
}

/// All of its history over JSON, which may not fail, and the first version was never released.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(version = 3, oldest = 2, upcast(2 = with_reason))]
struct Refused {
    reason: String,
}

fn with_reason(_: Value) -> Value {
    json!({ "reason": "unknown" })
}

/// A till was once given names, and audited; nothing depends on either any more.
#[derive(EventSet, Clone, Debug, PartialEq)]
#[event_set(retired("TillNamed", "TillAudited"))]
enum TillEvent {
    Paid(MoneyPaid),
    Refused(Refused),
}

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct TillId(String);

#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "till", id = TillId, event = TillEvent, snapshot(every = 4))]
struct Till {
    hellers: i64,
    refused: u32,
}

#[event_handler]
impl Till {
    fn paid(&mut self, event: &MoneyPaid) {
        self.hellers += event.hellers;
    }

    fn refused(&mut self, _: &Refused) {
        self.refused += 1;
    }
}

struct Pay {
    hellers: i64,
}

#[command_handler]
impl Till {
    #[command(or_default)]
    fn pay(&self, command: &Pay) -> Result<MoneyPaid, std::convert::Infallible> {
        Ok(MoneyPaid { hellers: command.hellers, currency: "CZK".to_owned() })
    }
}

// ── What the code of earlier days stored ────────────────────────────────────

fn stored(name: &'static str, version: u32, payload: &Value) -> NewEvent {
    NewEvent::new(EventSchema::new(name, version), payload.to_string(), Metadata::at(Utc::now()))
}

fn old_events() -> Vec<NewEvent> {
    vec![
        stored("MoneyPaid", 1, &json!({ "amount": 1 })),
        stored("MoneyPaid", 2, &json!({ "amount": 20, "currency": "EUR" })),
        stored("Refused", 2, &json!({ "code": 7 })),
        stored("MoneyPaid", 3, &json!({ "crowns": 300, "currency": "CZK" })),
        stored("MoneyPaid", 4, &json!({ "hellers": 400_000, "currency": "CZK" })),
        stored("Refused", 3, &json!({ "reason": "torn" })),
    ]
}

fn paid(hellers: i64, currency: &str) -> TillEvent {
    MoneyPaid { hellers, currency: currency.to_owned() }.into()
}

fn today() -> Vec<TillEvent> {
    let refused = |reason: &str| TillEvent::from(Refused { reason: reason.to_owned() });
    vec![
        paid(100, "CZK"),
        paid(2_000, "EUR"),
        refused("unknown"),
        paid(30_000, "CZK"),
        paid(400_000, "CZK"),
        refused("torn"),
    ]
}

async fn store_of_old() -> MemoryStore {
    let store = MemoryStore::new();
    let append = Append::new(es_core::StreamId::new("till", "a"), Expected::NoStream, old_events());
    store.append(append).await.expect("an append");
    store
}

fn id() -> TillId {
    TillId("a".to_owned())
}

// ── Every path ──────────────────────────────────────────────────────────────

#[tokio::test]
async fn loading_time_travel_and_history_read_every_version() {
    let tills = store_of_old().await.repository::<Till>();
    let state = tills.load(&id()).await.expect("it exists").state;
    assert_eq!(state, Till { hellers: 432_100, refused: 2 });
    let state = tills.load(&id()).at_version(3).await.expect("it exists").state;
    assert_eq!(state, Till { hellers: 2_100, refused: 1 });
    let history: Vec<_> =
        tills.history(&id()).map_ok(|recorded| recorded.event).try_collect().await.expect("a history");
    assert_eq!(history, today());
}

#[tokio::test]
async fn commands_decide_upon_old_events_and_snapshots_are_followed_by_them() {
    let store = store_of_old().await;
    let tills = store.repository::<Till>();
    let done = tills.execute(&id(), Pay { hellers: 5 }).await.expect("a command");
    assert_eq!((done.state.hellers, done.version.get()), (432_105, 7));
    // The snapshot stands at version 7; a process with the code of old stores one more event behind it.
    let late = Append::new(
        es_core::StreamId::new("till", "a"),
        Expected::Any,
        vec![stored("MoneyPaid", 1, &json!({ "amount": 1 }))],
    );
    store.append(late).await.expect("an append");
    assert_eq!(tills.load(&id()).await.expect("it exists").state.hellers, 432_205);
}

#[tokio::test]
async fn readers_of_one_and_of_all_streams_decode_every_version() {
    let store = store_of_old().await;
    let stream = ReadStream::new(es_core::StreamId::new("till", "a"));
    let one: Vec<_> = store.read_stream(stream).try_collect().await.expect("it can be read");
    let all: Vec<_> = store.read_all(ReadAll::after(Position::START)).try_collect().await.expect("it can be read");
    for events in [one, all] {
        let events: Result<Vec<Option<TillEvent>>, _> = events.iter().map(|event| event.decode_event()).collect();
        assert_eq!(events.expect("each decodes"), today().into_iter().map(Some).collect::<Vec<_>>());
    }
}

#[test]
fn the_newest_version_is_what_is_stored() {
    given::<Till>(()).when(Pay { hellers: 1 }).then(paid(1, "CZK"));
    assert_eq!((MoneyPaid::VERSION, MoneyPaid::OLDEST), (4, 1));
    assert_eq!((Refused::VERSION, Refused::OLDEST), (3, 2));
    let encoded = NewEvent::encode(&paid(1, "CZK"), Metadata::at(Utc::now())).expect("it can be encoded");
    assert_eq!((encoded.schema.name, encoded.schema.version), ("MoneyPaid", 4));
}

// ── Events without a type ───────────────────────────────────────────────────

async fn append(store: &MemoryStore, id: &str, events: Vec<NewEvent>) {
    let append = Append::new(es_core::StreamId::new("till", id), Expected::Any, events);
    store.append(append).await.expect("an append");
}

/// A stream that begins and goes on with retired events: versions 1, 3 and 4 of 5.
async fn store_with_retired() -> MemoryStore {
    let store = MemoryStore::new();
    let named = || stored("TillNamed", 1, &json!({ "name": "by the door" }));
    let paid = || stored("MoneyPaid", 4, &json!({ "hellers": 10, "currency": "CZK" }));
    let audited = stored("TillAudited", 7, &json!("of whatever form"));
    append(&store, "a", vec![named(), paid(), audited, named(), paid()]).await;
    store
}

#[tokio::test]
async fn states_are_built_without_retired_events_and_count_them() {
    let tills = store_with_retired().await.repository::<Till>();
    let loaded = tills.load(&id()).await.expect("it exists");
    assert_eq!((loaded.state.hellers, loaded.version.get(), loaded.position.get()), (20, 5, 5));
    for (version, hellers) in [(1, 0), (2, 10), (3, 10), (4, 10), (5, 20)] {
        let then = tills.load(&id()).at_version(version).await.expect("it existed");
        assert_eq!((then.state.hellers, then.version.get(), then.position.get()), (hellers, version, version));
    }
}

#[tokio::test]
async fn a_history_passes_over_retired_events_and_the_stored_form_does_not() {
    let store = store_with_retired().await;
    let history = store.repository::<Till>().history(&id()).all().await.expect("a history");
    let versions: Vec<_> = history.iter().map(|recorded| recorded.envelope.version.get()).collect();
    assert_eq!(versions, [2, 5]);
    let stream = ReadStream::new(es_core::StreamId::new("till", "a"));
    let one: Vec<_> = store.read_stream(stream).try_collect().await.expect("it can be read");
    let all: Vec<_> = store.read_all(ReadAll::after(Position::START)).try_collect().await.expect("it can be read");
    for events in [one, all] {
        let names: Vec<_> = events.iter().map(|event| event.event_type.as_str()).collect();
        assert_eq!(names, ["TillNamed", "MoneyPaid", "TillAudited", "TillNamed", "MoneyPaid"]);
        assert_eq!(events[2].payload, br#""of whatever form""#);
        assert_eq!(events[2].decode_event::<TillEvent>(), Ok(None));
        assert_eq!(events[2].clone().decode::<TillEvent>(), Ok(None));
    }
}

#[tokio::test]
async fn commands_keep_the_version_of_a_stream_with_retired_events() {
    let store = store_with_retired().await;
    let tills = store.repository::<Till>();
    // The snapshot is taken at version 6; retired events follow it.
    let done = tills.execute(&id(), Pay { hellers: 5 }).idempotency_key("first").await.expect("a command");
    assert_eq!((done.state.hellers, done.version.get()), (25, 6));
    append(&store, "a", vec![stored("TillNamed", 1, &json!({})), stored("TillAudited", 1, &json!({}))]).await;
    let loaded = tills.load(&id()).await.expect("it exists");
    assert_eq!((loaded.state.hellers, loaded.version.get()), (25, 8));
    let done = tills.execute(&id(), Pay { hellers: 5 }).await.expect("a command");
    assert_eq!((done.state.hellers, done.version.get()), (30, 9));
    let again = tills.execute(&id(), Pay { hellers: 5 }).idempotency_key("first").await.expect("a replay");
    assert_eq!((again.replayed, again.state.hellers, again.version.get(), again.events.len()), (true, 25, 6, 1));
}

#[tokio::test]
async fn a_stream_of_nothing_but_retired_events_exists() {
    let store = MemoryStore::new();
    append(&store, "a", vec![stored("TillNamed", 1, &json!({}))]).await;
    let tills = store.repository::<Till>();
    let loaded = tills.load(&id()).await.expect("it exists");
    assert_eq!((loaded.state, loaded.version.get()), (Till::default(), 1));
    assert_eq!(tills.execute(&id(), Pay { hellers: 5 }).await.expect("a command").version.get(), 2);
}

#[test]
fn only_what_is_retired_is_passed_over() {
    assert_eq!(TillEvent::RETIRED, ["TillNamed", "TillAudited"]);
    assert_eq!(refuses("TillName", 1, &json!({})), DecodeError::UnknownEvent);
    assert_eq!(refuses("", 1, &json!({})), DecodeError::UnknownEvent);
}

// ── What cannot be read ─────────────────────────────────────────────────────

#[track_caller]
fn refuses(name: &str, version: u32, payload: &Value) -> DecodeError {
    TillEvent::decode(name, version, payload.to_string().as_bytes()).expect_err("it cannot be read")
}

#[test]
fn each_failure_says_which_version_and_which_field() {
    let upcast = |from, to, message: &str| DecodeError::Upcast { from, to, message: message.to_owned() };
    let too_much = json!({ "amount": i64::MAX, "currency": "CZK" });
    assert_eq!(
        refuses("MoneyPaid", 2, &too_much),
        upcast(2, 4, "9223372036854775807 crowns are more hellers than can be counted")
    );
    let too_much = json!({ "amount": i64::MAX });
    assert!(matches!(refuses("MoneyPaid", 1, &too_much), DecodeError::Upcast { from: 2, to: 4, .. }));
    assert_eq!(refuses("MoneyPaid", 3, &json!({})), upcast(3, 4, "`crowns` is missing"));
    let path = |error| match error {
        DecodeError::Payload { path, .. } => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(path(refuses("MoneyPaid", 1, &json!({ "amount": "much" }))), "amount");
    assert_eq!(path(refuses("MoneyPaid", 3, &json!({ "crowns": 1, "currency": 7 }))), "currency");
    assert_eq!(refuses("MoneyPaid", 5, &json!({})), DecodeError::UnknownVersion { newest: 4 });
    assert_eq!(refuses("MoneyPaid", 0, &json!({})), DecodeError::VersionTooOld { oldest: 1 });
    assert_eq!(refuses("Refused", 1, &json!({})), DecodeError::VersionTooOld { oldest: 2 });
}

#[tokio::test]
async fn a_failed_upcast_is_reported_with_its_place_and_nothing_is_skipped() {
    let store = store_of_old().await;
    let broken = stored("MoneyPaid", 3, &json!({ "currency": "CZK" }));
    let stream = es_core::StreamId::new("till", "a");
    store.append(Append::new(stream.clone(), Expected::Any, vec![broken])).await.expect("an append");
    let Err(LoadError::Store(StoreError::Corrupt(corrupt))) = store.repository::<Till>().load(&id()).await else {
        panic!("expected Corrupt");
    };
    assert_eq!((corrupt.event_type.as_str(), corrupt.schema_version), ("MoneyPaid", 3));
    assert_eq!((corrupt.stream.clone(), corrupt.version.get(), corrupt.position.get()), (stream, 7, 7));
    assert_eq!(corrupt.fault, Fault::Upcast { from: 3, to: 4, message: "`crowns` is missing".to_owned() });
}
