//! Copies that are interrupted, run again, and of sources that are written to.

use std::time::Duration;

use es_core::copy::{CopyError, CopyPhase, CopyStore, Verification, copy};

use super::{append, assert_same, copied, everything, fill, stream};

pub(crate) async fn a_second_run_goes_on_behind_the_first<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 30).await;
    let first = copied(source, target).await;
    assert_eq!((first.copied, first.events), (30, 30));
    let nothing = copied(source, target).await;
    assert_eq!((nothing.copied, nothing.events, nothing.hash), (0, 30, first.hash));
    fill(source, 12).await;
    let second = copied(source, target).await;
    assert_eq!((second.copied, second.events), (12, 42));
    assert_ne!(second.hash, first.hash);
    assert_same(source, target).await;
}

pub(crate) async fn it_tells_how_far_it_is_and_ends_where_it_is_told<S: CopyStore, T: CopyStore>(
    source: &S,
    target: &T,
) {
    fill(source, 2_500).await;
    let end = source.settled().await.expect("a position");
    let half = everything(source).await[1_249].event.position;
    let mut told = Vec::new();
    let report = copy(source, target).batch(500).until(half).observe(|status| told.push(status)).await.expect("a copy");
    assert_eq!((report.copied, report.source, report.verified), (1_250, half, 1_250));
    let steps: Vec<_> = told.iter().map(|status| (status.phase, status.events)).collect();
    let (copying, verifying) = (CopyPhase::Copying, CopyPhase::Verifying);
    assert_eq!(steps, [(copying, 500), (copying, 1_000), (copying, 1_250), (verifying, 1_000)]);
    assert_eq!((told[2].position, told[2].end), (half, end));

    let report = copy(source, target).until(half).await.expect("a copy");
    assert_eq!((report.copied, report.source), (0, half));
    fill(source, 1).await;
    let report = copy(source, target).verify(Verification::New).await.expect("a copy");
    assert_eq!((report.copied, report.events, report.verified), (1_251, 2_501, 1_251));
    fill(source, 1).await;
    let report = copy(source, target).verify(Verification::Nothing).await.expect("a copy");
    assert_eq!((report.copied, report.verified), (1, 0));
    assert_same(source, target).await;
}

/// A program that ends between two batches: nothing of it runs any more.
pub(crate) async fn a_copy_that_is_killed_goes_on<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 100).await;
    source.archive(stream("lamp-3")).await.expect("it is there");
    for kills in 1..=3 {
        let (from, to) = (source.clone(), target.clone());
        let mut batches = 0;
        let run = async move {
            copy(&from, &to)
                .batch(10)
                .observe(move |_| {
                    batches += 1;
                    assert!(batches < 3, "it is killed here");
                })
                .await
        };
        tokio::spawn(run).await.expect_err("it was killed");
        assert_eq!(everything(target).await.len(), kills * 30, "what was stored stands");
    }
    assert_eq!(copied(source, target).await.copied, 10);
    assert_same(source, target).await;
}

/// Wherever it is when it is dropped.
pub(crate) async fn a_copy_that_is_dropped_at_any_moment_goes_on<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 300).await;
    source.archive(stream("lamp-5")).await.expect("it is there");
    let mut dropped = 0;
    for attempt in 0_u64.. {
        let patience = Duration::from_micros(200 + attempt % 40 * 500 + attempt * 1_000);
        match tokio::time::timeout(patience, copy(source, target).batch(9)).await {
            Ok(Ok(report)) => {
                assert_eq!(report.verified, 300);
                break;
            }
            // What was under way when the last was dropped was stored behind the back of this one.
            Ok(Err(error)) => assert!(matches!(error, CopyError::Overtaken), "{error:?}"),
            Err(_) => dropped += 1,
        }
    }
    copied(source, target).await;
    assert_same(source, target).await;
    println!("dropped {dropped} times");
}

pub(crate) async fn a_source_may_be_written_meanwhile<S: CopyStore, T: CopyStore>(source: &S, target: &T) {
    fill(source, 50).await;
    let writers = (0..3).map(|writer| {
        let source = source.clone();
        tokio::spawn(async move {
            for number in 0..60 {
                let one = append(&format!("w{writer}-{}", number % 4), 1 + number % 3);
                let all = vec![append("shared", 1), append(&format!("w{writer}"), 2)];
                source.append(one.idempotency_key(number.to_string())).await.expect("an append");
                source.append_all(all).await.expect("appends");
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut events = 0;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let report = copy(source, target).batch(16).await.expect("a copy");
        assert!(report.events >= events);
        events = report.events;
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.expect("it ended well");
    }
    let report = copied(source, target).await;
    assert_eq!(report.events, 50 + 3 * 60 * 5);
    assert_same(source, target).await;
}
