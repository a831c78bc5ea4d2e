//! Events that cannot be projected: what each policy makes of them.

use std::time::Duration;

use es_core::{
    engine::{EngineError, WaitError},
    prelude::*,
    projection::{Activity, Column, ColumnType, FailurePolicy},
};

use super::{
    Contents, Diary, Filled, Log, PotId, engine, filled, fold_from_zero, following::status_of, happen, poison, pot,
    rows, unreliable::Unreliable,
};

pub(crate) async fn one_that_stops_stops_alone_and_goes_on_when_resumed<S: ProjectionStore>(store: &S) {
    let log = Log::default();
    let running =
        engine(store).read_model::<Contents>().projection(Diary(log.clone())).start().await.expect("an engine");
    happen(store, &pot(0), [filled(1), filled(2), poison(), filled(3)]).await;
    let last = happen(store, &pot(1), [filled(1)]).await;
    running.wait_for(last).projection("pot_contents").await.expect("the other goes on");
    let answer = running.wait_for(last).timeout(Duration::from_mins(1)).await;
    let Err(WaitError::Halted { state, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(state.activity, Activity::Stopped);
    let failure = state.failure.as_ref().expect("a failure");
    assert_eq!((failure.position, failure.event_type.as_str()), (Position::new(state.position.get() + 1), "Poisoned"));
    assert!(failure.message.contains("that was poison"), "{failure}");
    // What came before it is there.
    assert_eq!(log.of(&pot(0)), [1, 2]);
    assert!(!running.health().await.is_healthy());

    // Resumed too early, it stops again.
    running.controls().resume("diary").await.expect("resumed");
    let answer = running.wait_for(last).timeout(Duration::from_mins(1)).await;
    assert!(matches!(answer, Err(WaitError::Halted { .. })), "{answer:?}");
    log.cure();
    running.controls().resume("diary").await.expect("resumed");
    running.wait_for(last).await.expect("it comes so far");
    assert_eq!((log.of(&pot(0)), log.of(&pot(1))), (vec![1, 2, 3, 4], vec![1]));
    assert_eq!(status_of(running.controls(), "diary").await.failure, None);
    running.shutdown().await;
}

pub(crate) async fn a_panic_is_a_failure<S: ProjectionStore>(store: &S) {
    let log = Log::default();
    log.panics();
    happen(store, &pot(0), [filled(1), poison(), filled(3)]).await;
    let answer = engine(store).projection(Diary(log.clone())).read_model::<Contents>().run_to_frontier().await;
    let Err(EngineError::Stopped { failure, .. }) = answer else { panic!("{answer:?}") };
    assert!(failure.message.contains("the handler panicked: this was bad"), "{failure}");
    assert_eq!(log.of(&pot(0)), [1]);
    // The other one came to the end.
    assert_eq!(rows(store).await, fold_from_zero(store).await);
}

pub(crate) async fn what_is_skipped_is_kept_to_be_seen<S: ProjectionStore>(store: &S) {
    let log = Log::default();
    let at = happen(store, &pot(0), [filled(1), poison()]).await;
    happen(store, &pot(0), [filled(3)]).await;
    let definition = engine(store).projection(Diary(log.clone())).policy(FailurePolicy::Skip);
    let controls = definition.controls();
    definition.run_to_frontier().await.expect("the frontier");
    assert_eq!(log.of(&pot(0)), [1, 3]);
    let letters = controls.dead_letters("diary", 10).await.expect("letters");
    assert_eq!(letters.len(), 1);
    let (letter, stored) = &letters[0];
    assert_eq!((letter.skipped, letter.position, stored.position, stored.version.get()), (true, at, at, 2));
    let state = status_of(&controls, "diary").await;
    assert_eq!((state.skipped, state.parked), (1, 0));
}

pub(crate) async fn what_is_parked_holds_up_its_key_and_is_redriven_in_order<S: ProjectionStore>(store: &S) {
    let log = Log::default();
    let definition = || engine(store).projection(Diary(log.clone())).policy(FailurePolicy::DeadLetter).batch_size(2);
    happen(store, &pot(0), [filled(1), poison(), filled(3)]).await;
    happen(store, &pot(1), [filled(1)]).await;
    let running = definition().start().await.expect("an engine");
    let last = happen(store, &pot(0), [filled(4), poison(), filled(6)]).await;
    running.wait_for(last).await.expect("it comes so far");
    assert_eq!((log.of(&pot(0)), log.of(&pot(1))), (vec![1], vec![1]));
    running.shutdown().await;

    // Another process knows which keys have to wait.
    let running = definition().start().await.expect("an engine");
    let last = happen(store, &pot(0), [filled(7)]).await;
    happen(store, &pot(1), [filled(2)]).await;
    running.wait_for(last).await.expect("it comes so far");
    assert_eq!(log.of(&pot(0)), [1]);
    let versions = async || {
        let letters = running.controls().dead_letters("diary", 100).await.expect("letters");
        letters.iter().map(|(_, stored)| stored.version.get()).collect::<Vec<_>>()
    };
    assert_eq!(versions().await, [2, 3, 4, 5, 6, 7]);

    // Tried again too early, it stays as it is.
    running.controls().redrive("diary").await.expect("wanted");
    until_redriven(&running).await;
    assert_eq!((log.of(&pot(0)), versions().await.len()), (vec![1], 6));
    log.cure();
    running.controls().redrive("diary").await.expect("wanted");
    until_redriven(&running).await;
    assert_eq!(log.of(&pot(0)), (1..=7).collect::<Vec<_>>());
    assert_eq!(versions().await, [0; 0]);
    // The key is free again.
    let last = happen(store, &pot(0), [filled(8)]).await;
    running.wait_for(last).await.expect("it comes so far");
    assert_eq!(log.of(&pot(0)), (1..=8).collect::<Vec<_>>());
    running.shutdown().await;
}

async fn until_redriven<S: ProjectionStore>(running: &es_core::engine::RunningEngine<S>) {
    while status_of(running.controls(), "diary").await.redrive.is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn a_parked_key_holds_up_only_its_own_shard_and_key<S: ProjectionStore>(store: &S) {
    let log = Log::default();
    for number in 0..8 {
        let events = if number == 5 { vec![poison(), filled(2)] } else { vec![filled(1), filled(2)] };
        happen(store, &pot(number), events).await;
    }
    let definition = engine(store).projection(Diary(log.clone())).policy(FailurePolicy::DeadLetter).shards(4);
    definition.run_to_frontier().await.expect("the frontier");
    for number in 0..8 {
        let expected: &[u64] = if number == 5 { &[] } else { &[1, 2] };
        assert_eq!(log.of(&pot(number)), expected);
    }
}

/// A limit for what would go on for ever, and not a measure.
const FOR_EVER: Duration = Duration::from_secs(30);

pub(crate) async fn a_commit_that_is_refused_comes_to_the_policy<S: ProjectionStore>(store: &S) {
    let store = Unreliable::new(store.clone());
    happen(&store, &pot(0), [filled(1), filled(2)]).await;
    store.refuses_commits();
    let run = engine(&store).read_model::<Contents>().run_to_frontier();
    let answer = tokio::time::timeout(FOR_EVER, run).await.expect("it comes to an end");
    let Err(EngineError::Stopped { failure, .. }) = answer else { panic!("{answer:?}") };
    assert!(failure.message.contains("there is one already"), "{failure}");
}

pub(crate) async fn a_redrive_of_what_never_passes_ends<S: ProjectionStore>(store: &S) {
    let (store, log) = (Unreliable::new(store.clone()), Log::default());
    let definition = engine(&store).projection(Diary(log.clone())).policy(FailurePolicy::DeadLetter);
    let last = happen(&store, &pot(0), [filled(1), poison()]).await;
    let running = definition.start().await.expect("an engine");
    running.wait_for(last).await.expect("it comes so far");
    store.hopes();
    running.controls().redrive("diary").await.expect("wanted");
    tokio::time::timeout(FOR_EVER, until_redriven(&running)).await.expect("it comes to an end");
    let last = happen(&store, &pot(1), [filled(1)]).await;
    running.wait_for(last).await.expect("others go on");
    assert_eq!((log.of(&pot(0)), log.of(&pot(1))), (vec![1], vec![1]));
    running.shutdown().await;
}

/// It is written, and cannot be read.
#[derive(Serialize, Clone, Default, Debug, PartialEq)]
struct Unreadable(i64);

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("it cannot be read"))
    }
}

impl Column for Unreadable {
    const TYPE: ColumnType = ColumnType::BigInt;
}

#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "unreadable_pots")]
struct UnreadablePot {
    #[read_model(key)]
    id: PotId,
    amount: Unreadable,
}

#[event_handler]
impl UnreadablePot {
    fn filled(&mut self, event: &Filled) {
        self.amount.0 += event.amount;
    }
}

pub(crate) async fn a_row_that_cannot_be_read_is_no_events_fault<S: ProjectionStore>(store: &S) {
    let run = || engine(store).read_model::<UnreadablePot>().policy(FailurePolicy::Skip).run_to_frontier();
    happen(store, &pot(0), [filled(1)]).await;
    run().await.expect("the frontier");
    let second = happen(store, &pot(0), [filled(2)]).await;
    let answer = run().await;
    let Err(EngineError::Stopped { failure, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(failure.position, second);
    assert!(failure.message.contains("the column `amount` does not fit its field"), "{failure}");
}
