//! Many appends at once that change rows, and a read model that comes and goes meanwhile.

use std::{collections::BTreeSet, sync::Arc};

use es_core::{
    event::EventSchema,
    prelude::*,
    projection::{
        Activity, InlineReadModel, ProjectionError, ProjectionKind, ProjectionSchema, RowChanges, TableSchema,
    },
    store::{StoreError, StoredEvent},
};
use futures_util::future::join_all;

use crate::{
    projection_support::{LAMPS, append, read_model},
    stores::inline::{
        Cleared, Cursed, Looked, StoneEvent, V1, activity, carried, carry, engine, equals_a_fold_from_zero,
        open_inline, pile, place, request,
    },
    support::File,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_appends_from_two_processes_change_every_row_once_and_in_order() {
    let file = File::new();
    let (store, other) = (open_inline(&file).await, file.open().await);
    engine(&other).prepare().await.expect("all is there");
    let appends = (0..400_usize).map(|turn| {
        let store = if turn % 2 == 0 { &store } else { &other };
        let event = match turn % 11 {
            5 => StoneEvent::Cursed(Cursed {}),
            7 => StoneEvent::Cleared(Cleared { place: place(turn % 5) }),
            9 => StoneEvent::Looked(Looked {}),
            _ => carried(turn % 5, turn % 7, i64::try_from(turn).expect("small")),
        };
        store.append(request(&format!("s{}", turn % 6), Expected::Any, [event]))
    });
    let answers = join_all(appends).await;
    let refused = answers.iter().filter(|answer| matches!(answer, Err(StoreError::Inline(_)))).count();
    assert!(refused == 36 && answers.iter().filter(|answer| answer.is_err()).count() == 36, "{refused}");
    equals_a_fold_from_zero(&file, &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_never_miss_a_row_while_it_comes_and_goes() {
    let file = File::new();
    let store = open_inline(&file).await;
    let controls = engine(&store).controls();
    let appends = tokio::spawn({
        let store = store.clone();
        async move {
            for turn in 0..300_usize {
                carry(&store, &format!("s{}", turn % 4), carried(turn % 3, turn % 5, 1)).await;
            }
        }
    });
    for _ in 0..8 {
        controls.pause("piles").await.expect("a pause");
        controls.resume("piles").await.expect("resumed");
        engine(&store).run_to_frontier().await.expect("the frontier");
    }
    appends.await.expect("the task");
    engine(&store).run_to_frontier().await.expect("the frontier");
    assert_eq!(activity(&store, V1).await, Activity::Inline);
    equals_a_fold_from_zero(&file, &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_within_one_transaction_change_a_row_once() {
    let file = File::new();
    let store = open_inline(&file).await;
    let one = request("a", Expected::Any, [carried(1, 2, 1)]);
    let answers = join_all((0..20).map(|_| store.append(one.clone()))).await;
    let new = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|appended| !appended.replayed)).count();
    assert!(new == 1 && answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(pile(&store, 2).await, Some((1, 1)));
    equals_a_fold_from_zero(&file, &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_is_not_taken_for_a_repeat_in_the_same_transaction() {
    let file = File::new();
    let store = open_inline(&file).await;
    let cursed = request("a", Expected::Any, [carried(1, 2, 1), StoneEvent::Cursed(Cursed {})]);
    let appends = (0..40).map(|turn| {
        let other = request("b", Expected::Any, [carried(3, 4, 1)]);
        store.append(if turn % 4 == 3 { other } else { cursed.clone() })
    });
    for (turn, answer) in join_all(appends).await.into_iter().enumerate() {
        assert_eq!(answer.is_ok(), turn % 4 == 3, "{turn}: {answer:?}");
        assert!(answer.is_ok() || matches!(answer, Err(StoreError::Inline(_))), "{turn}: {answer:?}");
    }
    assert_eq!((pile(&store, 2).await, pile(&store, 4).await.map(|(_, carried)| carried)), (None, Some(10)));
    equals_a_fold_from_zero(&file, &store).await;
}

/// How often each clock has ticked.
#[derive(Debug)]
struct Ticks(ProjectionSchema);

impl Ticks {
    fn new() -> Self {
        const EVENTS: &[EventSchema] = &[EventSchema::new("Ticked", 1)];
        Self(ProjectionSchema::new(read_model(LAMPS).id, ProjectionKind::ReadModel(LAMPS), EVENTS))
    }
}

impl InlineReadModel for Ticks {
    fn schema(&self) -> &ProjectionSchema {
        &self.0
    }

    fn table(&self) -> TableSchema {
        LAMPS
    }

    fn keys(&self, events: &[StoredEvent]) -> Result<BTreeSet<String>, ProjectionError> {
        Ok(events.iter().map(|event| event.stream.id().to_owned()).collect())
    }

    fn fold(&self, events: &[StoredEvent], rows: &[Vec<u8>]) -> Result<RowChanges, ProjectionError> {
        let before = rows.first().map_or(0, |row| serde_json::from_slice::<(String, usize)>(row).expect("a row").1);
        let row = serde_json::json!([{ "id": "one", "lit": before + events.len() }]);
        Ok(RowChanges::new(row.to_string(), Vec::new()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_is_taken_in_as_it_begins_to_change_with_the_appends() {
    let file = File::new();
    let store = file.open().await;
    let ticks = Arc::new(Ticks::new());
    let ticked = async || {
        let row = store.find_row(&LAMPS, "one").await.expect("a look");
        row.map_or(0, |row| serde_json::from_slice::<(String, i64)>(&row).expect("a row").1)
    };
    assert!(!store.activate_inline(&*ticks).await.expect("an answer"), "it is not there");
    store.prepare(&[*ticks.schema()]).await.expect("it is made ready");
    for _ in 0..3 {
        append(&store).await.expect("an append");
    }
    store.enlist(Arc::clone(&ticks) as Arc<dyn InlineReadModel>).await.expect("it can be enlisted");
    append(&store).await.expect("an append");
    assert_eq!(ticked().await, 0, "it does not change with the appends yet");
    assert!(store.activate_inline(&*ticks).await.expect("an answer"));
    assert_eq!(ticked().await, 4);
    append(&store).await.expect("an append");
    assert_eq!(ticked().await, 5);
    assert!(!store.activate_inline(&*ticks).await.expect("an answer"), "it does so already");
    let state = store.roster(&[ticks.schema().id]).await.expect("a roster").shards.swap_remove(0);
    assert_eq!((state.activity, state.applied, state.position.get()), (Activity::Inline, 4, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_far_from_the_end_does_not_begin_to_change_with_the_appends() {
    let file = File::new();
    let store = file.open().await;
    let ticks = Ticks::new();
    store.prepare(&[*ticks.schema()]).await.expect("it is made ready");
    join_all((0..1_001).map(|_| append(&store))).await.into_iter().collect::<Result<(), _>>().expect("appends");
    assert!(!store.activate_inline(&ticks).await.expect("an answer"), "nobody could append for so long");
    append(&store).await.expect("nothing is in effect");
}
