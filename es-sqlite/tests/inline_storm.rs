//! Many appends at once that change rows, and a read model that comes and goes meanwhile.

use es_core::{prelude::*, projection::Activity, store::StoreError};
use futures_util::future::join_all;

use crate::{
    inline::{
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
