//! Handlers of read models that return an error, and `#[key(stream)]`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use es_core::{
    FailurePolicy,
    engine::ProjectionEngine,
    prelude::*,
    projection::{Argument, IntoArguments as _, ProjectionError, ReadModelHandlers as _, Rows},
    store::{Append, Expected, NewEvent, ReadAll},
    testing::project,
};
use futures_util::TryStreamExt as _;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct ShelfId(String);

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Number(u32);

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
struct BookPut {}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
struct BookTaken {
    from: ShelfId,
    to: ShelfId,
}

#[derive(EventSet, Debug)]
enum BookEvent {
    Put(BookPut),
    Taken(BookTaken),
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
struct ShelfBurnt {}

#[derive(EventSet, Debug)]
enum ShelfEvent {
    Burnt(ShelfBurnt),
}

#[derive(Debug, thiserror::Error)]
#[error("nothing is on `{0}`")]
struct Empty(ShelfId);

/// What was touched is written before it is known whether the event can be taken in.
#[derive(ReadModel, Debug, PartialEq)]
#[read_model(table = "shelves", policy = skip)]
struct Shelf {
    #[read_model(key)]
    id: ShelfId,
    books: u32,
    touched: u32,
}

#[event_handler(covers(BookEvent, ShelfEvent))]
impl Shelf {
    #[key(stream)]
    fn put(&mut self, _: &BookPut) {
        self.touched += 1;
        self.books += 1;
    }

    #[key(event.to, event.from)]
    fn taken(&mut self, event: &BookTaken) -> Result<(), Empty> {
        self.touched += 1;
        if self.id == event.to {
            self.books += 1;
            return Ok(());
        }
        self.books = self.books.checked_sub(1).ok_or_else(|| Empty(self.id.clone()))?;
        Ok(())
    }

    #[key(stream)]
    fn burnt(&mut self, _: &ShelfBurnt) -> Result<Row, Empty> {
        if self.books == 0 { Err(Empty(self.id.clone())) } else { Ok(Row::Delete) }
    }
}

fn id(name: &str) -> ShelfId {
    ShelfId(name.to_owned())
}

fn taken() -> BookTaken {
    BookTaken { from: id("attic"), to: id("hall") }
}

fn shelf(name: &str, books: u32, touched: u32) -> Shelf {
    Shelf { id: id(name), books, touched }
}

async fn append<E: EventSet>(store: &MemoryStore, stream: &str, event: E) {
    let event = NewEvent::encode(&event, Metadata::at(Utc::now())).expect("it can be stored");
    let append = Append::new(StreamId::new("shelf", stream), Expected::Any, vec![event]);
    store.append(append).await.expect("an append");
}

/// One book in the hall, one taken from the empty attic, and one more in the hall.
async fn store() -> MemoryStore {
    let store = MemoryStore::new();
    append(&store, "hall", BookEvent::Put(BookPut {})).await;
    append(&store, "attic", BookEvent::Taken(taken())).await;
    append(&store, "hall", BookEvent::Put(BookPut {})).await;
    store
}

#[tokio::test]
async fn a_row_stays_as_it_was_before_an_event_at_which_its_handler_fails() {
    let store = store().await;
    let mut rows = Rows::<Shelf>::new();
    for _ in 0..2 {
        let failed = rows.catch_up(&store).await.expect_err("nothing is in the attic");
        let ProjectionError::Handler { event_type, position, source, .. } = &failed else { panic!("{failed:?}") };
        assert_eq!((event_type.as_str(), position.get()), ("BookTaken", 2));
        assert!(source.downcast_ref::<Empty>().is_some(), "{failed}");
        assert_eq!(rows.get(&id("hall")), Some(&shelf("hall", 1, 1)), "no key has taken the event in");
        assert_eq!((rows.get(&id("attic")), rows.position().get()), (None, 1));
    }
}

#[tokio::test]
async fn an_event_at_which_a_fold_fails_is_a_matter_of_the_policy() {
    let store = store().await;
    ProjectionEngine::new(&store).read_model::<Shelf>().run_to_frontier().await.expect("it is passed over");
    let table = store.read_model::<Shelf>();
    assert_eq!(table.all().await.expect("rows"), [shelf("hall", 2, 2)]);

    let store = self::store().await;
    let stopped = ProjectionEngine::new(&store).read_model::<Shelf>().policy(FailurePolicy::Stop);
    let error = stopped.run_to_frontier().await.expect_err("it stops").to_string();
    assert!(error.contains("nothing is on `attic`"), "{error}");
}

#[test]
fn a_handler_may_answer_with_a_row_or_fail() {
    project::<Shelf>().stream(&id("hall"), BookPut {}).stream(&id("hall"), ShelfBurnt {}).expect([]);
    const { assert!(Shelf::MAY_FAIL) }
}

#[test]
fn a_test_of_a_fold_names_the_event_and_the_rows_at_which_it_failed() {
    let failed = catch_unwind(AssertUnwindSafe(|| drop(project::<Shelf>().stream(&id("attic"), taken()))));
    let said = failed.expect_err("nothing is in the attic");
    let said = said.downcast_ref::<String>().expect("a text");
    assert!(said.contains("`hall`, `attic` of `shelves` could not take in `BookTaken`, version 1 of"), "{said}");
    assert!(said.contains("nothing is on `attic`"), "{said}");
}

#[tokio::test]
async fn a_stored_event_shows_its_payload_as_text() {
    let store = store().await;
    let events: Vec<_> = store.read_all(ReadAll::after(Position::new(1))).try_collect().await.expect("events");
    let shown = format!("{:?}", events[0]);
    assert!(shown.contains(r#"payload: {"from":"attic","to":"hall"}, metadata: {"#), "{shown}");
}

#[test]
fn ids_are_arguments_by_value_and_by_reference() {
    let arguments = (id("hall"), &id("attic"), Number(7), &Number(8), &"cellar".to_owned()).into_arguments();
    let text = |text: &str| Argument::Text(text.to_owned());
    assert_eq!(arguments, [text("hall"), text("attic"), Argument::BigInt(7), Argument::BigInt(8), text("cellar")]);
}
