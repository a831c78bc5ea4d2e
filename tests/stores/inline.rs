//! Read models whose rows change in the transaction of the append itself.

use std::{collections::HashMap, time::Duration};

use es_core::{
    engine::ProjectionEngine,
    prelude::*,
    projection::{Activity, InlineError, PrepareError, ProjectionId, Rows},
    store::{Append, Appended, NewEvent, StoreError},
};
use futures_util::future::join_all;

use super::Database;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place(pub(crate) String);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Carried {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) stone: i64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Cleared {
    pub(crate) place: String,
}

/// No handler takes it.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Cursed {}

/// Nobody handles it.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Looked {}

#[derive(EventSet, Clone, Debug, PartialEq)]
pub(crate) enum StoneEvent {
    Carried(Carried),
    Cleared(Cleared),
    Cursed(Cursed),
    Looked(Looked),
}

/// What lies at a place: streams share rows, and the order of the events matters.
#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "piles", version = 1, shards = 4)]
pub(crate) struct Pile {
    #[read_model(key)]
    pub(crate) place: Place,
    pub(crate) order: i64,
    pub(crate) carried: i64,
}

#[event_handler]
impl Pile {
    #[key(Place(event.from.clone()), Place(event.to.clone()))]
    fn carried(&mut self, event: &Carried) {
        self.order = self.order.wrapping_mul(31).wrapping_add(event.stone);
        self.carried += 1;
    }

    #[key(Place(event.place.clone()))]
    fn cleared(&mut self, event: &Cleared) -> Row {
        let _ = event;
        Row::Delete
    }

    fn cursed(&mut self, _: &Cursed) {
        assert!(self.carried > 1_000_000, "the stone is cursed");
    }
}

/// The next version.
#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "piles", version = 2)]
pub(crate) struct PileV2 {
    #[read_model(key)]
    pub(crate) place: Place,
    pub(crate) carried: i64,
}

#[event_handler]
impl PileV2 {
    #[key(Place(event.to.clone()))]
    fn carried(&mut self, _: &Carried) {
        self.carried += 1;
    }
}

pub(crate) const V1: ProjectionId = ProjectionId { name: "piles", version: 1 };
const V2: ProjectionId = ProjectionId { name: "piles", version: 2 };

pub(crate) fn place(number: usize) -> String {
    format!("place-{number}")
}

pub(crate) fn carried(from: usize, to: usize, stone: i64) -> StoneEvent {
    StoneEvent::Carried(Carried { from: place(from), to: place(to), stone })
}

pub(crate) fn request(id: &str, expected: Expected, events: impl IntoIterator<Item = StoneEvent>) -> Append {
    let encode = |event| NewEvent::encode(&event, Metadata::at(Utc::now())).expect("the event can be stored");
    Append::new(StreamId::new("stone", id), expected, events.into_iter().map(encode).collect())
}

pub(crate) async fn carry(store: &impl ProjectionStore, id: &str, event: StoneEvent) -> Appended {
    store.append(request(id, Expected::Any, [event])).await.expect("an append")
}

pub(crate) fn engine<S: ProjectionStore>(store: &S) -> ProjectionEngine<S> {
    ProjectionEngine::new(store).lease(Duration::from_millis(500)).inline_read_model::<Pile>()
}

pub(crate) async fn activity(store: &impl ProjectionStore, id: ProjectionId) -> Activity {
    let roster = store.roster(&[id]).await.expect("a roster");
    roster.shards.iter().find(|state| state.shard.projection == id).expect("its shard").activity
}

/// A store on which the read model changes with the appends.
pub(crate) async fn open_inline<D: Database>(database: &D) -> D::Store {
    let store = database.open().await;
    engine(&database.owner().await).prepare().await.expect("the tables");
    engine(&store).run_to_frontier().await.expect("the frontier");
    assert_eq!(activity(&store, V1).await, Activity::Inline);
    store
}

pub(crate) fn inline_error(error: StoreError) -> InlineError {
    match error {
        StoreError::Inline(error) => *error,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn not_here(error: &StoreError) {
    let StoreError::Inline(inline) = error else { panic!("{error:?}") };
    let InlineError::NotHere { read_model } = &**inline else { panic!("{error:?}") };
    assert_eq!(read_model, "piles v1");
}

pub(crate) async fn pile(store: &impl ProjectionStore, number: usize) -> Option<(i64, i64)> {
    let row = store.read_model::<Pile>().get(&Place(place(number))).await.expect("a row");
    row.map(|row| (row.order, row.carried))
}

/// The rows are what a fold of everything from the first event makes, and nothing is missing among the events.
pub(crate) async fn equals_a_fold_from_zero<D: Database>(database: &D, store: &D::Store) {
    is_a_fold_from_zero(store).await;
    database.assert_whole().await;
}

pub(crate) async fn is_a_fold_from_zero<S: ProjectionStore>(store: &S) {
    let mut expected = Rows::<Pile>::new();
    expected.catch_up(store).await.expect("a fold");
    let expected: HashMap<_, _> = expected.iter().map(|row| (row.place.0.clone(), row.clone())).collect();
    let rows = store.read_model::<Pile>().all().await.expect("rows");
    let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.place.0.clone(), row)).collect();
    assert_eq!(rows, expected);
}

pub(crate) async fn who_has_the_answer_reads_the_row<D: Database>(database: &D) {
    let store = open_inline(database).await;
    let other = database.open().await;
    engine(&other).prepare().await.expect("all is there");
    for (number, store) in [&store, &other].into_iter().cycle().take(20).enumerate() {
        let weight = i64::try_from(number).expect("small");
        carry(store, &format!("s{}", number % 3), carried(0, 1 + number, weight)).await;
        assert_eq!(pile(store, 1 + number).await, Some((weight, 1)));
        assert_eq!(pile(store, 0).await.map(|(_, carried)| carried), Some(weight + 1));
    }
    // Several streams at once, of which two concern the same row, and nothing else of the store's.
    let looked = request("l", Expected::NoStream, [StoneEvent::Looked(Looked {})]);
    let group = [("g", carried(50, 51, 1)), ("a", carried(52, 51, 2))];
    let group = group.map(|(id, event)| request(id, Expected::NoStream, [event]));
    let answers = store.append_all(vec![group[0].clone(), looked, group[1].clone()]).await.expect("an append");
    assert_eq!(answers[2].position() < answers[0].position(), D::SORTS_GROUPS);
    let (order, other_order) = (2 * 31 + 1, 31 + 2);
    assert_eq!(pile(&store, 51).await, Some((if D::SORTS_GROUPS { order } else { other_order }, 2)));
    // A row may come and go within an append, and in one.
    let events = [carried(60, 61, 5), StoneEvent::Cleared(Cleared { place: place(60) }), carried(60, 62, 7)];
    store.append(request("c", Expected::NoStream, events)).await.expect("an append");
    assert_eq!((pile(&store, 60).await, pile(&store, 61).await), (Some((7, 1)), Some((5, 1))));
    carry(&store, "c", StoneEvent::Cleared(Cleared { place: place(60) })).await;
    assert_eq!(pile(&store, 60).await, None);
    equals_a_fold_from_zero(database, &other).await;
    // And nobody has to be waited for.
    let status = engine(&store).controls().status().await.expect("a status");
    assert!(status.to_string().contains("inline"), "{status}");
    engine(&store).controls().wait_for(answers[0].position()).await.expect("it is there");
}

pub(crate) async fn repeats_and_conflicts_change_no_row<D: Database>(database: &D) {
    let store = open_inline(database).await;
    for (id, expected, key) in
        [("a", Expected::NoStream, None), ("b", Expected::Any, None), ("c", Expected::Any, Some("k"))]
    {
        let mut request = request(id, expected, [carried(1, 2, 1)]);
        request.idempotency_key = key.map(str::to_owned);
        let before = pile(&store, 2).await.map_or(0, |(_, carried)| carried);
        let first = store.append(request.clone()).await.expect("an append");
        let again = store.append(request).await.expect("it stands already");
        assert!(!first.replayed && again.replayed);
        assert_eq!(pile(&store, 2).await.map(|(_, carried)| carried), Some(before + 1));
    }
    let conflict = store.append(request("a", Expected::NoStream, [carried(1, 2, 1)])).await.expect_err("it is there");
    assert!(conflict.is_conflict(), "{conflict}");
    let group =
        vec![request("a", Expected::NoStream, [carried(1, 2, 1)]), request("d", Expected::Any, [carried(1, 2, 1)])];
    assert!(store.append_all(group).await.expect_err("one of them is there").is_conflict());
    equals_a_fold_from_zero(database, &store).await;
}

pub(crate) async fn who_does_not_change_the_rows_is_refused<D: Database>(database: &D) {
    let older = database.open().await;
    let store = open_inline(database).await;
    // Those that travel with it are stored.
    let requests = (0..40).map(|number| {
        let event = if number % 2 == 0 { carried(1, 2, 1) } else { StoneEvent::Looked(Looked {}) };
        request(&format!("s{number}"), Expected::Any, [event])
    });
    let requests: Vec<_> = requests.collect();
    let appends = requests.iter().map(|request| older.append(request.clone()));
    for (number, answer) in join_all(appends).await.into_iter().enumerate() {
        match answer {
            Err(error) if number % 2 == 0 => not_here(&error),
            Ok(_) if number % 2 == 1 => {}
            other => panic!("{number}: {other:?}"),
        }
    }
    let group = vec![
        request("x", Expected::Any, [StoneEvent::Looked(Looked {})]),
        request("y", Expected::Any, [carried(1, 2, 1)]),
    ];
    let refused = older.append_all(group).await.expect_err("it is refused");
    not_here(&refused);
    for id in ["x", "y", "s0"] {
        assert_eq!(database.count(id).await, 0);
    }
    // Who does as it says is let in, with the very same request.
    engine(&older).prepare().await.expect("all is there");
    assert!(!older.append(requests[0].clone()).await.expect("an append").replayed);
    equals_a_fold_from_zero(database, &store).await;
}

pub(crate) async fn what_cannot_be_folded_is_not_stored<D: Database>(database: &D) {
    let store = open_inline(database).await;
    let appends = (0..30).map(|number| {
        let event = if number % 10 == 3 { StoneEvent::Cursed(Cursed {}) } else { carried(1, 2, number) };
        store.append(request(&format!("s{number}"), Expected::NoStream, [carried(3, 4, 1), event]))
    });
    for (number, answer) in join_all(appends).await.into_iter().enumerate() {
        if number % 10 != 3 {
            answer.expect("it is stored");
            continue;
        }
        let failed = inline_error(answer.expect_err("it is refused"));
        assert!(matches!(failed, InlineError::Failed { read_model: V1, .. }), "{failed}");
        let said = failed.to_string();
        assert!(
            said.contains("`Cursed`") && said.contains("the stone is cursed") && said.contains("piles v1"),
            "{said}"
        );
        assert_eq!(database.count(&format!("s{number}")).await, 0);
    }
    assert_eq!(pile(&store, 4).await.map(|(_, carried)| carried), Some(27));
    // What follows in the same stream stands where that would have stood; and sent again it is not known.
    let cursed = request("s5", Expected::Any, [StoneEvent::Cursed(Cursed {})]);
    let (refused, stored) = tokio::join!(store.append(cursed.clone()), async {
        tokio::task::yield_now().await;
        store.append(request("s5", Expected::Any, [carried(5, 6, 1)])).await
    });
    refused.expect_err("it is refused");
    assert_eq!(stored.expect("it is stored").version().get(), 3);
    store.append(cursed).await.expect_err("it is refused again");
    equals_a_fold_from_zero(database, &store).await;
    // Nor what the table cannot take.
    database.limit_piles(28).await;
    let failed = store.append(request("n", Expected::Any, [carried(3, 4, 1)])).await;
    let failed = inline_error(failed.expect_err("it is refused"));
    assert!(matches!(failed, InlineError::Failed { read_model: V1, .. }), "{failed}");
    assert!(failed.to_string().contains("it is full"), "{failed}");
    assert_eq!(database.count("n").await, 0);
    carry(&store, "n", carried(5, 6, 1)).await;
    equals_a_fold_from_zero(database, &store).await;
}

pub(crate) async fn a_pause_ends_it_and_resumed_it_begins_again<D: Database>(database: &D) {
    let store = open_inline(database).await;
    carry(&store, "a", carried(1, 2, 1)).await;
    let controls = engine(&store).controls();
    controls.resume("piles").await.expect("nothing to resume");
    assert_eq!(activity(&store, V1).await, Activity::Inline);
    controls.pause("piles").await.expect("a pause");
    assert_eq!(activity(&store, V1).await, Activity::Paused);
    // Nobody is refused, and nothing is applied.
    let plain = database.open().await;
    carry(&plain, "b", carried(1, 2, 2)).await;
    carry(&store, "c", carried(1, 2, 3)).await;
    assert_eq!(pile(&store, 2).await, Some((1, 1)));
    database.assert_unguarded().await;
    controls.resume("piles").await.expect("resumed");
    engine(&store).run_to_frontier().await.expect("the frontier");
    assert_eq!(activity(&store, V1).await, Activity::Inline);
    assert_eq!(pile(&store, 2).await.map(|(_, carried)| carried), Some(3));
    carry(&store, "c", carried(1, 2, 4)).await;
    not_here(&plain.append(request("d", Expected::Any, [carried(1, 2, 1)])).await.expect_err("it is refused"));
    equals_a_fold_from_zero(database, &store).await;
}

pub(crate) async fn a_new_version_is_built_and_takes_over<D: Database>(database: &D) {
    let old = open_inline(database).await;
    for number in 0..10 {
        carry(&old, &format!("s{number}"), carried(number, number + 1, 1)).await;
    }
    let owner = database.owner().await;
    let new = |store: &D::Store| ProjectionEngine::new(store).inline_read_model::<PileV2>();
    new(&owner).prepare().await.expect("the tables");
    assert_eq!(activity(&old, V1).await, Activity::Running, "no program of the next version could change these rows");
    let fresh = database.open().await;
    new(&fresh).prepare().await.expect("all is there");
    // Both programs append, and readers see the old version, which engines of the old program keep up.
    carry(&old, "o", carried(20, 21, 1)).await;
    carry(&fresh, "n", carried(20, 21, 1)).await;
    engine(&old).run_to_frontier().await.expect("the frontier");
    assert_eq!(activity(&old, V1).await, Activity::Running, "a newer version is known");
    equals_a_fold_from_zero(database, &old).await;
    new(&fresh).run_to_frontier().await.expect("the frontier");
    assert_eq!(activity(&fresh, V2).await, Activity::Inline);
    let roster = fresh.roster(&[V2]).await.expect("a roster");
    assert_eq!(roster.active, [V2]);
    carry(&fresh, "n", carried(20, 21, 1)).await;
    let row = fresh.read_model::<PileV2>().get(&Place(place(21))).await.expect("a row").expect("it is there");
    assert_eq!(row.carried, 3);
    let refused = old.append(request("o", Expected::Any, [carried(1, 2, 1)])).await;
    let InlineError::NotHere { read_model } = inline_error(refused.expect_err("it is refused")) else {
        panic!("refused")
    };
    assert_eq!(read_model, "piles v2");
    if D::OWNED {
        new(&fresh).controls().drop_older("piles").await.expect_err("it has no right to");
    }
    new(&owner).controls().drop_older("piles").await.expect("the old version is removed");
    carry(&fresh, "n", carried(20, 21, 1)).await;
}

pub(crate) async fn it_takes_in_what_is_there_and_only_when_it_is_near_the_end<D: Database>(database: &D) {
    let store = database.open().await;
    engine(&database.owner().await).prepare().await.expect("the tables");
    let many = || request("a", Expected::Any, (0..600).map(|stone| carried(1, 2, stone)));
    store.append(many()).await.expect("an append");
    store.append(many()).await.expect("an append");
    // Nobody appends while they are taken in, so there must not be too many of them.
    let running = engine(&store).start().await.expect("an engine");
    while activity(&store, V1).await != Activity::Inline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(pile(&store, 2).await.map(|(_, carried)| carried), Some(1_200));
    carry(&store, "a", carried(1, 2, 7)).await;
    running.shutdown().await;
    equals_a_fold_from_zero(database, &store).await;
}

pub(crate) async fn what_cannot_change_with_the_append_is_refused<D: Database>(database: &D) {
    let memory = ProjectionEngine::new(&MemoryStore::new()).inline_read_model::<Pile>().prepare().await;
    assert!(matches!(memory, Err(PrepareError::NoInline { projection: V1 })), "{memory:?}");
    let divided = engine(&database.open().await).shards(4).prepare().await;
    assert!(matches!(divided, Err(PrepareError::InlineShards { projection: V1, shards: 4 })), "{divided:?}");
}
