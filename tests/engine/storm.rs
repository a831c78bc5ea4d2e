//! Everything at once: several engines that are started and dropped, on a store whose every call may fail, before it took
//! place or behind it.

use std::time::Duration;

use es_core::{engine::RunningEngine, prelude::*, projection::FailurePolicy};

use super::{Contents, Emptied, PotEvent, engine, filled, fold_from_zero, happen, pot, rows, unreliable::Unreliable};

/// The read model equals a fold from zero, whatever happened on the way.
pub(crate) async fn nothing_is_lost_or_applied_twice<S: ProjectionStore>(store: &S, rounds: u32) {
    let unreliable = Unreliable::new(store.clone());
    let mut engines: Vec<RunningEngine<Unreliable<S>>> = Vec::new();
    for round in 0..rounds {
        unreliable.fails_one_in(if round % 5 == 4 { 0 } else { 4 });
        while engines.len() < 3 {
            let definition = engine(&unreliable).lease(Duration::from_millis(100)).batch_size(5);
            let definition = definition.read_model::<Contents>().shards(3).policy(FailurePolicy::Stop);
            // It may be that it cannot even begin.
            if let Ok(running) = definition.start().await {
                engines.push(running);
            }
        }
        let mut last = Position::START;
        for number in 0..10_usize {
            let turn = number + round as usize;
            let event = if turn.is_multiple_of(11) { PotEvent::Emptied(Emptied {}) } else { filled(1) };
            last = happen(store, &pot(turn % 13), [event, filled(2)]).await;
        }
        if round % 5 == 4 {
            engines[0].wait_for(last).timeout(Duration::from_mins(1)).await.expect("they come so far");
            assert_eq!(rows(store).await, fold_from_zero(store).await, "in round {round}");
        } else {
            // Some time to get into trouble; they need not come through.
            drop(engines[0].wait_for(last).timeout(Duration::from_millis(30)).await);
        }
        // One is gone without a word: what it was doing is cut off in the middle.
        engines.remove(0).abort();
    }
    unreliable.fails_one_in(0);
    for running in engines {
        running.shutdown().await;
    }
    engine(store).read_model::<Contents>().shards(3).run_to_frontier().await.expect("the frontier");
    assert_eq!(rows(store).await, fold_from_zero(store).await);
    assert!(unreliable.failures() > u64::from(rounds / 2), "only {} calls failed", unreliable.failures());
}
