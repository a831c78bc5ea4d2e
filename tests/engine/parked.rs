//! Poison that comes and goes, and parked events that are tried again, while several engines are started and cut off on a
//! store whose calls may fail.

use std::{
    panic::resume_unwind,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use es_core::{engine::RunningEngine, prelude::*, projection::Rows};

use super::{Filled, Poisoned, PotId, engine, filled, happen, poison, pot, unreliable::Unreliable};

/// Whether poison acts. Handlers of a read model have nothing but the row and the event.
static ACTS: AtomicBool = AtomicBool::new(false);

/// What went through a pot, in what order.
#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "tasted", shards = 3, policy = dead_letter)]
struct Tasted {
    #[read_model(key)]
    id: PotId,
    events: i64,
    /// How many events did not come behind the one before them.
    disorder: i64,
}

#[event_handler]
impl Tasted {
    fn filled(&mut self, _: &Filled, envelope: &Envelope) {
        self.events += 1;
        self.disorder += i64::from(envelope.version.get().cast_signed() != self.events);
    }

    fn poisoned(&mut self, _: &Poisoned, envelope: &Envelope) {
        if ACTS.load(Ordering::SeqCst) {
            // As a panic, but quietly.
            resume_unwind(Box::new("that was poison"));
        }
        self.events += 1;
        self.disorder += i64::from(envelope.version.get().cast_signed() != self.events);
    }
}

/// In the end all is applied once, and in order.
pub(crate) async fn what_is_parked_is_applied_once_and_in_order<S: ProjectionStore>(store: &S, rounds: usize) {
    let unreliable = Unreliable::new(store.clone());
    let controls = engine(store).read_model::<Tasted>().controls();
    let mut engines: Vec<RunningEngine<Unreliable<S>>> = Vec::new();
    let mut most = 0;
    for round in 0..rounds {
        unreliable.fails_one_in(if round % 3 == 2 { 0 } else { 6 });
        ACTS.store(round % 4 < 2, Ordering::SeqCst);
        while engines.len() < 3 {
            let definition = engine(&unreliable).lease(Duration::from_millis(100)).batch_size(7);
            engines.extend(definition.read_model::<Tasted>().start().await.ok());
        }
        let mut last = Position::START;
        for number in 0..10 {
            let event = if (number + round).is_multiple_of(7) { poison() } else { filled(1) };
            last = happen(store, &pot((number * round) % 9), [event, filled(2)]).await;
        }
        if round % 3 == 2 {
            let waits = controls.wait_for(last).timeout(Duration::from_mins(1));
            waits.await.expect("parked events hold up nobody else");
            most = most.max(controls.dead_letters("tasted", 1_000).await.expect("letters").len());
        }
        if round % 2 == 1 {
            controls.redrive("tasted").await.expect("wanted");
        }
        engines.remove(0).abort();
    }
    assert!(most > 1, "nothing was parked");
    unreliable.fails_one_in(0);
    ACTS.store(false, Ordering::SeqCst);
    let begun = Instant::now();
    // Once: an engine that is just seeing to an earlier wish sees to this one, too.
    controls.redrive("tasted").await.expect("wanted");
    while !controls.dead_letters("tasted", 1).await.expect("letters").is_empty() {
        assert!(begun.elapsed() < Duration::from_mins(1), "an event stays parked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for running in engines {
        running.shutdown().await;
    }
    engine(store).read_model::<Tasted>().run_to_frontier().await.expect("the frontier");
    let mut expected = Rows::<Tasted>::new();
    expected.catch_up(store).await.expect("a fold");
    let rows = store.read_model::<Tasted>().all().await.expect("rows");
    assert_eq!(rows.len(), expected.len());
    for row in rows {
        assert_eq!((row.disorder, Some(&row)), (0, expected.get(&row.id)));
    }
}
