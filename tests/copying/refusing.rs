//! Copies that are refused, and what is said about it.

use std::future::Future;

use es_core::{
    copy::{CopyError, CopyPhase, CopyStatus, CopyStore, copy},
    prelude::*,
};

use super::{append, assert_same, copied, everything, fill, stream};

/// Does something in the middle of what is not asynchronous.
fn meanwhile<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
}

pub(crate) async fn of_two_copies_at_once_one_loses<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 100).await;
    let mut other = None;
    let overtake = |_| {
        other.get_or_insert_with(|| meanwhile(async { copy(source, target).batch(10).await }));
    };
    let lost = copy(source, target).batch(10).observe(overtake).await.expect_err("the other was quicker");
    assert!(matches!(lost, CopyError::Overtaken), "{lost:?}");
    let won = other.expect("it ran").expect("the quicker one");
    assert_eq!((won.copied, won.events), (90, 100));
    assert_same(source, target).await;
}

/// However they meet.
pub(crate) async fn many_copies_at_once_double_nothing<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 200).await;
    let copies = (0..4).map(|_| {
        let (source, target) = (source.clone(), target.clone());
        tokio::spawn(async move { copy(&source, &target).batch(5).await })
    });
    for outcome in copies.collect::<Vec<_>>() {
        match outcome.await.expect("it does not panic") {
            Ok(report) => assert_eq!(report.events, 200),
            Err(error) => assert!(matches!(error, CopyError::Overtaken), "{error:?}"),
        }
    }
    copied(source, target).await;
    assert_same(source, target).await;
}

pub(crate) async fn a_target_with_events_of_its_own_is_refused<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 3).await;
    target.append(append("own", 2)).await.expect("an append");
    let refused = copy(source, target).await.expect_err("it is no copy");
    let CopyError::NotACopy { stream: of, version, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!((of, version.get()), (&stream("own"), 1));
    assert_eq!(everything(target).await.len(), 2);
}

pub(crate) async fn an_append_to_the_target_ends_the_copying<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 20).await;
    copied(source, target).await;
    target.append(append("own", 2)).await.expect("the copy is a store like any other");
    // Whether there is anything to copy or not.
    for _ in 0..2 {
        let refused = copy(source, target).await.expect_err("it has gone on");
        let CopyError::AppendedBetween { stream: of, version, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!((of, version.get()), (&stream("own"), 1));
        assert!(refused.to_string().contains("begin with an empty store"), "{refused}");
        fill(source, 20).await;
    }
    assert_eq!(everything(target).await.len(), 22);
}

pub(crate) async fn an_append_between_two_batches_is_noticed<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 30).await;
    let mut appended = false;
    let interfere = |_| {
        if !std::mem::replace(&mut appended, true) {
            meanwhile(target.append(append("own", 1))).expect("an append");
        }
    };
    let refused = copy(source, target).batch(10).observe(interfere).await.expect_err("it has gone on");
    assert!(matches!(refused, CopyError::AppendedBetween { .. }), "{refused:?}");
    assert_eq!(everything(target).await.len(), 11);
}

/// Before the first batch, between two, or behind the last.
pub(crate) async fn an_append_at_the_same_time_is_noticed<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 30).await;
    let (run, appended) = tokio::join!(copy(source, target).batch(10), target.append(append("own", 1)));
    appended.expect("an append");
    let refused = match run {
        // It came when the copy had ended.
        Ok(report) => {
            assert_eq!(report.events, 30);
            copy(source, target).await.expect_err("there is another event")
        }
        Err(refused) => refused,
    };
    assert!(matches!(refused, CopyError::NotACopy { .. } | CopyError::AppendedBetween { .. }), "{refused:?}");
}

pub(crate) async fn an_append_while_both_are_read_again_is_noticed<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 1_100).await;
    let interfere = |status: CopyStatus| {
        if status.phase == CopyPhase::Verifying {
            meanwhile(target.append(append("own", 1))).expect("an append");
        }
    };
    let refused = copy(source, target).observe(interfere).await.expect_err("it has gone on");
    assert!(matches!(refused, CopyError::AppendedBetween { .. }), "{refused:?}");
    // From then on before anything is done.
    let refused = copy(source, target).observe(|status| panic!("{status:?}")).await.expect_err("it has gone on");
    assert!(matches!(refused, CopyError::AppendedBetween { .. }), "{refused:?}");
}

pub(crate) async fn a_store_is_not_copied_into_itself<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    for refused in [copy(source, source).await, copy(target, &target.clone()).await] {
        assert!(matches!(refused, Err(CopyError::SameStore)), "{refused:?}");
    }
}

pub(crate) async fn another_source_is_refused_unless_it_has_all_that_was_copied<S: CopyStore, T: CopyStore>(
    source: &S,
    target: &T,
) {
    fill(source, 20).await;
    // The same store under another history, as after a failover, and another one.
    let (same, other) = (MemoryStore::new(), MemoryStore::new());
    copied(source, &same).await;
    fill(&other, 20).await;
    copied(&same, target).await;
    fill(&same, 5).await;
    let known = same.history().await.expect("a history");
    for wrong in [source.history().await, other.history().await] {
        let found = wrong.expect("a history");
        let refused = if found == other.history().await.expect("a history") {
            copy(&other, target).await
        } else {
            copy(source, target).await
        };
        let refused = refused.expect_err("it is another one");
        assert!(matches!(refused, CopyError::AnotherSource { known: was, found: is } if was == known && is == found));
        assert!(refused.to_string().contains("prove_source()"), "{refused}");
    }
    let refused = copy(&other, target).prove_source().await.expect_err("it has other events");
    assert!(matches!(refused, CopyError::SourceDiverged { .. }), "{refused:?}");
    // One that differs, but for the last event.
    let (almost, last) = (MemoryStore::new(), everything(&same).await[19].event.clone());
    fill(&almost, 19).await;
    let mut end = append(last.stream.id(), 1);
    end.events[0].metadata.event_id = last.event_id;
    almost.append(end).await.expect("an append");
    let refused = copy(&almost, target).prove_source().await.expect_err("it has other events");
    assert!(matches!(refused, CopyError::SourceDiverged { .. }), "{refused:?}");
    assert_eq!(everything(target).await.len(), 20, "nothing was stored");

    let renamed = MemoryStore::new();
    copied(&same, &renamed).await;
    let report = copy(&renamed, target).prove_source().await.expect("it has all of it");
    assert_eq!((report.copied, report.events, report.verified), (5, 25, 25));
    assert_same(&renamed, target).await;
    // From here on that is the source.
    copied(&renamed, target).await;
    let refused = copy(&same, target).await.expect_err("it was the source before");
    assert!(matches!(refused, CopyError::AnotherSource { .. }), "{refused:?}");
}
