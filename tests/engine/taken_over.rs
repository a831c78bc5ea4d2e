//! An engine that loses the store in the midst of a batch, and finds when it is back that another one had its shard.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use es_core::{engine::ProjectionEngine, prelude::*, projection::FailurePolicy};

use super::{Diary, Filled, Log, engine, filled, happen, poison, pot, unreliable::Unreliable};

pub(crate) async fn what_another_engine_has_parked_holds_up_its_key<S: ProjectionStore>(store: &S) {
    fn parking<S: ProjectionStore>(store: &S, log: &Log) -> ProjectionEngine<S> {
        engine(store).projection(Diary(log.clone())).policy(FailurePolicy::DeadLetter)
    }
    let (unreliable, log) = (Unreliable::new(store.clone()), Log::default());
    let running = parking(&unreliable, &log).lease(Duration::from_millis(100)).start().await.expect("an engine");
    let first = happen(store, &pot(0), [filled(1)]).await;
    running.wait_for(first).await.expect("it comes so far");

    unreliable.cut_at_next_batch();
    happen(store, &pot(0), [poison()]).await;
    unreliable.until_cut().await;
    parking(store, &log).run_to_frontier().await.expect("the frontier");
    let last = happen(store, &pot(0), [filled(3)]).await;
    unreliable.mend();
    running.wait_for(last).await.expect("it comes so far");
    assert_eq!(log.of(&pot(0)), [1], "what comes behind a parked event waits for it");
    let letters = running.controls().dead_letters("diary", 10).await.expect("letters");
    assert_eq!(letters.iter().map(|(_, stored)| stored.version.get()).collect::<Vec<_>>(), [2, 3]);
    running.shutdown().await;
}

/// Writes down each delivery.
#[derive(Reactor, Clone, Debug, Default)]
#[reactor(name = "doorbell")]
struct Doorbell(Arc<Mutex<Vec<u64>>>);

#[event_handler]
impl Doorbell {
    async fn filled(&self, _: &Filled, delivery: &Delivery) {
        let mut rung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rung.push(delivery.envelope.version.get());
    }
}

pub(crate) async fn what_another_engine_has_delivered_is_not_delivered_again<S: ProjectionStore>(store: &S) {
    let (unreliable, bell) = (Unreliable::new(store.clone()), Doorbell::default());
    engine(store).reactor(bell.clone()).prepare().await.expect("it is made ready");
    happen(store, &pot(0), [filled(1), filled(2), filled(3)]).await;
    unreliable.cut_at_next_batch();
    let cut_off = engine(&unreliable).lease(Duration::from_millis(100)).reactor(bell.clone());
    let running = cut_off.start().await.expect("an engine");
    unreliable.until_cut().await;
    engine(store).reactor(bell.clone()).run_to_frontier().await.expect("the frontier");
    let last = happen(store, &pot(0), [filled(4)]).await;
    unreliable.mend();
    running.wait_for(last).projection("doorbell").await.expect("it comes so far");
    running.shutdown().await;
    // The first one was delivered, and nobody could be told.
    assert_eq!(*bell.0.lock().unwrap_or_else(PoisonError::into_inner), [1, 1, 2, 3, 4]);
}
