//! Reactors: each event is delivered, in order, under an id that stays the same; a rebuild delivers nothing.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use es_core::{engine::EngineError, prelude::*, projection::FailurePolicy};

use super::{Diary, Filled, Log, Poisoned, engine, filled, happen, poison, pot};

/// Sends word of each filling.
#[derive(Reactor, Clone, Debug, Default)]
#[reactor(name = "word")]
pub(crate) struct Word {
    /// The id of each delivery, with its attempt.
    sent: Arc<Mutex<Vec<(String, u32)>>>,
    /// How many deliveries fail from here on.
    failing: Arc<AtomicU32>,
    log: Log,
}

impl Word {
    fn send(&self, delivery: &Delivery) -> Result<(), &'static str> {
        let fails = |left: u32| left.checked_sub(1);
        if self.failing.try_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err("the line is busy");
        }
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push((delivery.id.clone(), delivery.attempt));
        drop(sent);
        self.log.see(&delivery.envelope);
        Ok(())
    }

    fn sent(&self) -> Vec<(String, u32)> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[event_handler]
impl Word {
    async fn filled(&self, _: &Filled, delivery: &Delivery) -> Result<(), &'static str> {
        self.send(delivery)
    }

    async fn poisoned(&self, _: &Poisoned, delivery: &Delivery) -> Result<(), &'static str> {
        self.log.taste()?;
        self.send(delivery)
    }
}

pub(crate) async fn each_event_is_delivered_under_its_id<S: ProjectionStore>(store: &S) {
    let word = Word::default();
    let running = engine(store).reactor(word.clone()).start().await.expect("an engine");
    happen(store, &pot(0), [filled(1), filled(2)]).await;
    word.failing.store(2, Ordering::SeqCst);
    let last = happen(store, &pot(1), [filled(3)]).await;
    running.wait_for(last).projection("word").await.expect("it comes so far");
    running.shutdown().await;
    let sent = word.sent();
    assert_eq!(word.log.of(&pot(0)), [1, 2]);
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|(id, _)| id.starts_with("word/")), "{sent:?}");
    // Two attempts of one delivery failed.
    assert_eq!(sent.iter().map(|(_, attempt)| attempt - 1).sum::<u32>(), 2);
    // Another engine goes on behind what was delivered.
    engine(store).reactor(word.clone()).run_to_frontier().await.expect("the frontier");
    assert_eq!(word.sent(), sent);
}

pub(crate) async fn what_cannot_be_delivered_stops_or_waits_with_its_key<S: ProjectionStore>(store: &S) {
    let word = Word::default();
    happen(store, &pot(0), [filled(1), poison(), filled(3)]).await;
    happen(store, &pot(1), [filled(1)]).await;
    let answer = engine(store).reactor(word.clone()).run_to_frontier().await;
    let Err(EngineError::Stopped { failure, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!((failure.attempts, word.log.of(&pot(0))), (5, vec![1]));

    let parking = || engine(store).reactor(word.clone()).policy(FailurePolicy::DeadLetter);
    parking().controls().resume("word").await.expect("resumed");
    parking().run_to_frontier().await.expect("the frontier");
    assert_eq!((word.log.of(&pot(0)), word.log.of(&pot(1))), (vec![1], vec![1]));
    word.log.cure();
    parking().controls().redrive("word").await.expect("wanted");
    parking().run_to_frontier().await.expect("the frontier");
    assert_eq!(word.log.of(&pot(0)), [1, 2, 3]);
}

/// The projection beside it may begin anew as often as it likes.
pub(crate) async fn nothing_is_delivered_again_by_a_rebuild<S: ProjectionStore>(store: &S) {
    let word = Word::default();
    happen(store, &pot(0), [filled(1), filled(2)]).await;
    engine(store)
        .reactor(word.clone())
        .projection(Diary(Log::default()))
        .run_to_frontier()
        .await
        .expect("the frontier");
    let again = Log::default();
    engine(store)
        .reactor(word.clone())
        .projection(DiaryV2(again.clone()))
        .run_to_frontier()
        .await
        .expect("the frontier");
    assert_eq!((again.len(), word.sent().len()), (2, 2));
}

/// The next version of the diary.
#[derive(Projection, Debug)]
#[projection(name = "diary", version = 2)]
pub(crate) struct DiaryV2(pub(crate) Log);

#[event_handler]
impl DiaryV2 {
    async fn filled(&self, _: &Filled, envelope: &Envelope) {
        self.0.see(envelope);
    }
}
