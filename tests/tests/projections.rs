//! Event handlers of read models and projections, on a context in memory.

use std::{collections::BTreeMap, convert::Infallible, sync::Mutex};

use es_core::{
    EventSchema, ProjectionError, Row,
    prelude::*,
    projection::{ProjectionHandlers, ReadModelHandlers as _, Rows, catch_up},
    store::{Append, Fault, NewEvent, ReadAll},
    testing::project,
};
use futures_util::TryStreamExt as _;

// ── Two aggregates ──────────────────────────────────────────────────────────

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

#[derive(Event, Deserialize)]
#[event(name = "LampLit")]
struct LampLitV1 {}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(version = 2, previous = LampLitV1)]
struct LampLit {
    watts: u32,
}

impl From<LampLitV1> for LampLit {
    fn from(_: LampLitV1) -> Self {
        Self { watts: 40 }
    }
}

/// Not `Clone`.
#[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
struct LampPutOut {}

#[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
struct LampBroken {}

#[derive(EventSet, Debug, PartialEq)]
enum LampEvent {
    Lit(LampLit),
    PutOut(LampPutOut),
    Broken(LampBroken),
}

#[derive(Aggregate, Default, Debug)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent)]
struct Lamp {
    lit: bool,
}

/// An aggregate ignores what means nothing to it.
#[event_handler(ignore(LampBroken))]
impl Lamp {
    fn lit(&mut self, _: LampLit) {
        self.lit = true;
    }

    fn put_out(&mut self, _: &LampPutOut) {
        self.lit = false;
    }
}

struct Flip;
struct Break;

#[command_handler]
impl Lamp {
    #[command(or_default)]
    fn flip(&self, _: &Flip) -> Result<LampEvent, Infallible> {
        Ok(if self.lit { LampPutOut {}.into() } else { LampLit { watts: 60 }.into() })
    }

    #[command(or_default)]
    fn smash(&self, _: &Break) -> Result<LampBroken, Infallible> {
        Ok(LampBroken {})
    }
}

#[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
struct RoomPainted {
    colour: String,
}

#[derive(EventSet, Debug, PartialEq)]
enum RoomEvent {
    Painted(RoomPainted),
}

#[derive(Aggregate, Default, Debug)]
#[aggregate(name = "room", id = LampId, event = RoomEvent)]
struct Room;

#[event_handler(ignore(RoomPainted))]
impl Room {}

struct Paint;

#[command_handler]
impl Room {
    #[command(or_default)]
    fn paint(&self, _: &Paint) -> Result<RoomPainted, Infallible> {
        Ok(RoomPainted { colour: "green".to_owned() })
    }
}

fn id(name: &str) -> LampId {
    LampId(name.to_owned())
}

/// A lamp that was lit by the code of earlier days, and put out, lit and broken by today's; and a room.
async fn store() -> MemoryStore {
    let store = MemoryStore::new();
    let old = NewEvent::new(EventSchema::new("LampLit", 1), "{}".to_owned(), Metadata::at(Utc::now()));
    store.append(Append::new(StreamId::new("lamp", "hall"), Expected::NoStream, vec![old])).await.expect("an append");
    let lamps = store.repository::<Lamp>();
    for _ in 0..2 {
        lamps.execute(&id("hall"), Flip).actor("porter").await.expect("a command");
    }
    lamps.execute(&id("hall"), Break).await.expect("a command");
    store.repository::<Room>().execute(&id("hall"), Paint).await.expect("a command");
    store
}

#[tokio::test]
async fn an_ignored_event_changes_nothing_and_is_read() {
    let store = store().await;
    let loaded = store.repository::<Lamp>().load(&id("hall")).await.expect("it exists");
    assert_eq!((loaded.state.lit, loaded.version.get()), (true, 4));
    let room = store.repository::<Room>().load(&id("hall")).await.expect("it exists");
    assert_eq!(room.version.get(), 1);
}

// ── A read model ────────────────────────────────────────────────────────────

#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "lamps", version = 3)]
struct LampSummary {
    #[read_model(key)]
    id: LampId,
    watts: u32,
    colour: Option<String>,
    #[read_model(json)]
    last: Option<(u64, Option<String>)>,
}

#[event_handler(covers(LampEvent, RoomEvent), ignore(LampPutOut))]
impl LampSummary {
    #[key(stream)]
    fn lit(&mut self, event: LampLit, envelope: &Envelope) {
        self.watts += event.watts;
        self.last = Some((envelope.version.get(), envelope.metadata.actor.clone()));
    }

    #[key(stream)]
    fn painted(&mut self, event: &RoomPainted) {
        self.colour = Some(event.colour.clone());
    }

    #[key(stream)]
    fn broken(&mut self, _: &LampBroken, metadata: &Metadata) -> Row {
        if metadata.actor.is_some() { Row::Keep } else { Row::Delete }
    }
}

#[tokio::test]
async fn a_read_model_folds_the_events_of_several_aggregates_in_any_version() {
    let store = store().await;
    let events: Vec<_> = store.read_all(ReadAll::after(Position::START)).try_collect().await.expect("it can be read");
    let mut rows = Rows::<LampSummary>::new();
    for event in &events[..3] {
        rows.apply(event).expect("it folds");
    }
    let row = LampSummary { id: id("hall"), watts: 100, colour: None, last: Some((3, Some("porter".to_owned()))) };
    assert_eq!(rows.get(&id("hall")), Some(&row));
    // What was folded is not folded again.
    rows.apply(&events[0]).expect("it is passed over");
    assert_eq!(rows.get(&id("hall")), Some(&row));
    rows.apply(&events[3]).expect("it folds");
    assert!(rows.is_empty(), "the lamp is broken, so its row is gone");
    rows.catch_up(&store).await.expect("it folds");
    let row = LampSummary { id: id("hall"), watts: 0, colour: Some("green".to_owned()), last: None };
    assert_eq!((rows.iter().collect::<Vec<_>>(), rows.len()), (vec![&row], 1));
    assert_eq!(rows.position().get(), 5);
}

#[test]
fn a_read_model_is_tested_in_one_sentence() {
    let row = |name: &str, watts| LampSummary { id: id(name), watts, colour: None, last: Some((1, None)) };
    project::<LampSummary>()
        .stream(&id("hall"), (LampLit { watts: 1 }, LampPutOut {}))
        .stream_of::<Lamp>(&id("attic"), LampLit { watts: 2 })
        .expect([row("hall", 1), row("attic", 2)])
        .stream(&id("attic"), LampBroken {})
        .expect([row("hall", 1)]);
    assert_eq!((LampSummary::TABLE, LampSummary::VERSION), ("lamps", 3));
}

#[test]
#[should_panic(expected = "other rows are there")]
fn a_wrong_row_fails_the_test() {
    drop(project::<LampSummary>().stream(&id("hall"), LampLit { watts: 1 }).expect([]));
}

/// Keys that are numbers, of streams whose ids are not.
#[derive(ReadModel, Debug)]
#[read_model(table = "numbers")]
struct Numbered {
    #[read_model(key)]
    number: u32,
}

#[event_handler]
impl Numbered {
    fn broken(&mut self, _: &LampBroken) {}
}

#[tokio::test]
async fn an_id_that_is_no_key_is_reported_with_its_place_and_nothing_moves() {
    let mut rows = Rows::<Numbered>::new();
    let Err(ProjectionError::Key { table, event_type, stream, position, .. }) = rows.catch_up(&store().await).await
    else {
        panic!("expected Key");
    };
    assert_eq!((table, event_type.as_str(), stream.id(), position.get()), ("numbers", "LampBroken", "hall", 4));
    assert_eq!(rows.position().get(), 3);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_a_read_model_with_its_place() {
    let store = store().await;
    let broken = NewEvent::new(EventSchema::new("LampLit", 2), "{}".to_owned(), Metadata::at(Utc::now()));
    store.append(Append::new(StreamId::new("lamp", "hall"), Expected::Any, vec![broken])).await.expect("an append");
    let mut rows = Rows::<LampSummary>::new();
    let Err(ProjectionError::Store(StoreError::Corrupt(corrupt))) = rows.catch_up(&store).await else {
        panic!("expected Corrupt");
    };
    assert!(matches!(&corrupt.fault, Fault::Payload { message, .. } if message.contains("watts")), "{corrupt}");
    assert_eq!((corrupt.position.get(), rows.position().get()), (6, 5));
}

// ── A projection ────────────────────────────────────────────────────────────

/// A context with a lifetime, as that of a transaction.
struct Ledger<'a> {
    lines: &'a mut Vec<String>,
}

#[derive(Projection)]
#[projection(name = "ledger", version = 2)]
struct Book {
    seen: Mutex<BTreeMap<&'static str, u32>>,
}

#[derive(Debug, thiserror::Error, PartialEq)]
#[error("no ink")]
struct NoInk;

#[event_handler(covers(LampEvent), ignore(LampPutOut))]
impl Book {
    async fn lit(&self, event: &LampLit, envelope: &Envelope, ledger: &mut Ledger<'_>) -> Result<(), NoInk> {
        tokio::task::yield_now().await;
        ledger.lines.push(format!("{} {}", envelope.stream, event.watts));
        if event.watts == 0 { Err(NoInk) } else { Ok(()) }
    }

    async fn painted(&self, event: RoomPainted, ledger: &mut Ledger<'_>) {
        ledger.lines.push(event.colour);
    }

    async fn broken(&self, _: &LampBroken, metadata: &Metadata) {
        assert_eq!(metadata.actor, None);
        *self.seen.lock().expect("it is not poisoned").entry("broken").or_default() += 1;
    }

    #[cfg(any())]
    async fn never(&self, _: &NoSuchEvent) {}
}

#[tokio::test]
async fn a_projection_handles_each_event_once_in_the_context_of_the_caller() {
    let store = store().await;
    let book = Book { seen: Mutex::default() };
    let mut lines = Vec::new();
    let mut ledger = Ledger { lines: &mut lines };
    let mut position = Position::START;
    catch_up(&store, &book, &mut ledger, &mut position).await.expect("it is projected");
    assert_eq!(position.get(), 5);
    catch_up(&store, &book, &mut ledger, &mut position).await.expect("it is projected");
    assert_eq!(position.get(), 5);
    assert_eq!(lines, ["lamp/hall 40", "lamp/hall 60", "green"]);
    assert_eq!(book.seen.lock().expect("it is not poisoned")["broken"], 1);
}

#[tokio::test]
async fn a_projection_runs_as_a_task() {
    let store = store().await;
    let run = async move {
        let (book, mut lines, mut position) = (Book { seen: Mutex::default() }, Vec::new(), Position::START);
        let ran = catch_up(&store, &book, &mut Ledger { lines: &mut lines }, &mut position).await;
        ran.expect("it is projected");
        position.get()
    };
    assert_eq!(tokio::spawn(run).await.expect("it ends"), 5);
}

#[tokio::test]
async fn a_failure_names_the_event_and_keeps_its_error() {
    let store = store().await;
    let dark = LampEvent::from(LampLit { watts: 0 });
    let dark = NewEvent::encode(&dark, Metadata::at(Utc::now())).expect("it can be encoded");
    store.append(Append::new(StreamId::new("lamp", "attic"), Expected::Any, vec![dark])).await.expect("an append");
    let (book, mut lines, mut at) = (Book { seen: Mutex::default() }, Vec::new(), Position::START);
    let failed = catch_up(&store, &book, &mut Ledger { lines: &mut lines }, &mut at).await;
    let Err(ProjectionError::Handler { event_type, stream, version, position, source }) = failed else {
        panic!("expected Handler");
    };
    assert_eq!((event_type.as_str(), stream.id(), version.get(), position.get()), ("LampLit", "attic", 1, 6));
    assert_eq!(source.downcast_ref(), Some(&NoInk));
    // What was done before is not done again.
    assert_eq!((at.get(), lines.len()), (5, 4));
    let again = catch_up(&store, &book, &mut Ledger { lines: &mut lines }, &mut at).await;
    assert!(matches!(again, Err(ProjectionError::Handler { .. })));
    assert_eq!((at.get(), lines.len()), (5, 5));
}

#[test]
fn a_projection_says_which_events_it_handles() {
    assert_eq!((Book::NAME, Book::VERSION), ("ledger", 2));
    assert_eq!(
        <Book as ProjectionHandlers<Ledger<'_>>>::EVENTS,
        [EventSchema::of::<LampLit>(), EventSchema::of::<RoomPainted>(), EventSchema::of::<LampBroken>()]
    );
    assert!(LampSummary::handles("RoomPainted") && !LampSummary::handles("LampPutOut"));
}

/// Handlers without a context work in any.
#[derive(Projection)]
#[projection(name = "nowhere")]
struct Nowhere;

#[event_handler]
impl Nowhere {
    async fn lit(&self, _: LampLit) {}
}

#[tokio::test]
async fn a_projection_without_a_context_works_in_any() {
    let store = store().await;
    let mut position = Position::START;
    catch_up(&store, &Nowhere, &mut (), &mut position).await.expect("it is projected");
    catch_up(&store, &Nowhere, &mut "text", &mut position).await.expect("it is projected");
    assert_eq!((Nowhere::VERSION, position.get()), (1, 5));
}
