//! Programs of several versions, one beside the other or one after the other: what each of them is told.

use std::time::Duration;

use es_core::{
    engine::{Health, ProjectionEngine, WaitError},
    prelude::*,
    projection::{FailurePolicy, PrepareError},
};

use super::{
    Contents, Diary, Filled, Log, Looked, Poisoned, PotEvent, engine, filled, happen, poison, pot,
    reacting::{DiaryV2, Word},
    unreliable::Unreliable,
};

/// The next version of the diary, which stops at poison.
#[derive(Projection, Debug)]
#[projection(name = "diary", version = 2)]
struct Fussy(Log);

#[event_handler]
impl Fussy {
    async fn poisoned(&self, _: &Poisoned) -> Result<(), &'static str> {
        self.0.taste()
    }
}

async fn health<S: ProjectionStore>(engine: ProjectionEngine<S>) -> Health {
    engine.controls().health().await
}

pub(crate) async fn a_new_version_that_has_stopped_is_not_healthy<S: ProjectionStore>(store: &S) {
    let (log, cured) = (Log::default(), Log::default());
    cured.cure();
    let old = || engine(store).projection(Diary(cured.clone()));
    let new = || engine(store).projection(Fussy(log.clone()));
    old().run_to_frontier().await.expect("the frontier");
    happen(store, &pot(0), [filled(1), poison()]).await;
    old().run_to_frontier().await.expect("the frontier");
    assert_eq!(health(old()).await.to_string(), "healthy");
    new().run_to_frontier().await.expect_err("it stops at the poison");
    let told = health(new()).await;
    assert_eq!(told.status_code(), 503);
    assert!(told.to_string().starts_with("diary v2, shard 0 has stopped: `Poisoned` at position 2"), "{told}");
    assert!(told.to_string().ends_with("as long as that is so it does not take over"), "{told}");
    // The older program does what it is to do, and tells of it.
    let told = health(old()).await;
    assert!(told.is_degraded() && told.status_code() == 200, "{told}");
    assert!(told.to_string().starts_with("degraded\ndiary v2, shard 0 has stopped"), "{told}");

    log.cure();
    new().controls().resume("diary").await.expect("resumed");
    new().run_to_frontier().await.expect("the frontier");
    assert_eq!(health(new()).await.to_string(), "healthy");
}

pub(crate) async fn an_older_program_is_told_that_a_newer_version_has_taken_over<S: ProjectionStore>(store: &S) {
    happen(store, &pot(0), [filled(1)]).await;
    let old = || engine(store).projection(Diary(Log::default()));
    let new = || engine(store).projection(DiaryV2(Log::default()));
    let status = old().controls().status().await.expect("a status");
    assert!(status.to_string().contains("diary v1: not known to the store"), "{status}");
    old().run_to_frontier().await.expect("the frontier");
    new().prepare().await.expect("it is made ready");
    let status = old().controls().status().await.expect("a status");
    assert!(status.to_string().contains("diary v2, shard 0 (not active): running"), "{status}");
    new().run_to_frontier().await.expect("the frontier");

    let status = old().controls().status().await.expect("a status");
    assert!(status.to_string().contains("diary v1, shard 0 (superseded by v2): running"), "{status}");
    assert!(status.to_string().contains("\ndiary v2, shard 0: running"), "{status}");
    let told = health(old()).await;
    assert!(told.is_degraded(), "{told}");
    assert!(told.to_string().contains("diary v1: readers see version 2, which has taken over"), "{told}");
    assert_eq!(health(new()).await.to_string(), "healthy");

    new().controls().drop_older("diary").await.expect("dropped");
    // It starts, so that all else of the old program goes on, and says what has become of it.
    let running = old().start().await.expect("an engine");
    let status = running.status().await.expect("a status");
    assert!(status.to_string().contains("diary v1: removed, because version 2 has taken over"), "{status}");
    let registered = status.projections.iter().find(|projection| projection.registered).expect("it is told");
    assert_eq!((registered.id.version, registered.superseded_by, registered.shards.len()), (1, Some(2), 0));
    let told = running.health().await;
    assert!(told.is_degraded() && told.to_string().contains("diary v1: removed"), "{told}");
    running.shutdown().await;
}

pub(crate) async fn what_is_set_for_nothing_is_refused<S: ProjectionStore>(store: &S) {
    let nothing = |engine: ProjectionEngine<S>| engine.projection(Diary(Log::default()));
    for (set, what) in [
        (engine(store).policy(FailurePolicy::Skip), "policy"),
        (engine(store).shards(2), "shards"),
        (engine(store).starting(Start::Now), "starting"),
    ] {
        let answer = nothing(set).prepare().await;
        assert!(matches!(&answer, Err(PrepareError::NothingToSet { what: told }) if *told == what), "{answer:?}");
    }
    let answer = engine(store).projection(Diary(Log::default())).shards(0).start().await.map(drop);
    assert!(matches!(&answer, Err(PrepareError::NoShards { projection }) if projection.name == "diary"), "{answer:?}");
    assert!(engine(store).projection(Diary(Log::default())).shards(1).prepare().await.is_ok());
}

pub(crate) async fn a_reactor_is_waited_for_only_by_name<S: ProjectionStore>(store: &S) {
    let unreliable = Unreliable::new(store.clone());
    let word = Word::default();
    let last = happen(store, &pot(0), [filled(1), poison()]).await;
    let engine = engine(&unreliable).read_model::<Contents>().reactor(word.clone());
    let running = engine.start().await.expect("an engine");
    running.wait_for(last).await.expect("the rows are there, whatever cannot be delivered");
    let answer = running.wait_for(last).projection("word").await;
    assert!(matches!(answer, Err(WaitError::Halted { .. })), "{answer:?}");

    // Who is too late is told with what it fails.
    unreliable.cut_at_next_batch();
    let last = happen(store, &pot(0), [filled(1)]).await;
    let answer = running.wait_for(last).timeout(Duration::from_millis(200)).await;
    let Err(error @ WaitError::TimedOut { .. }) = answer else { panic!("{answer:?}") };
    // The store itself may be the one that does not answer.
    assert!(error.to_string().contains("failing for") && error.to_string().contains("the plug was pulled"), "{error}");
    unreliable.mend();
    running.wait_for(last).await.expect("it comes so far");
    running.shutdown().await;
}

/// The diary of a program in which somebody has removed a handler.
#[derive(Projection, Debug)]
#[projection(name = "diary", version = 1)]
struct Shorter(Log);

#[event_handler]
impl Shorter {
    async fn filled(&self, _: &Filled, envelope: &Envelope) {
        self.0.see(envelope);
    }
}

/// The diary of a program in which somebody has added one.
#[derive(Projection, Debug)]
#[projection(name = "diary", version = 1)]
struct Longer(Log);

#[event_handler]
impl Longer {
    async fn filled(&self, _: &Filled, envelope: &Envelope) {
        self.0.see(envelope);
    }

    async fn poisoned(&self, _: &Poisoned, envelope: &Envelope) {
        self.0.see(envelope);
    }

    async fn looked(&self, _: &Looked, envelope: &Envelope) {
        self.0.see(envelope);
    }
}

pub(crate) async fn other_handlers_need_another_version<S: ProjectionStore>(store: &S) {
    let log = Log::default();
    log.cure();
    let diary = || engine(store).projection(Diary(log.clone()));
    let shorter = || engine(store).projection(Shorter(log.clone()));
    let longer = || engine(store).projection(Longer(log.clone()));
    let look = || PotEvent::Looked(Looked {});
    let refused = |answer: Result<(), PrepareError>| match answer {
        Err(PrepareError::HandlersChanged { projection, added, removed }) => {
            assert_eq!(projection.to_string(), "diary v1");
            (added.join(" "), removed.join(" "))
        }
        answer => panic!("{answer:?}"),
    };
    // Nothing has been taken in: whatever it handles is handled from the first event on.
    happen(store, &pot(0), [filled(1), look()]).await;
    for engine in [diary(), longer(), shorter(), diary()] {
        engine.prepare().await.expect("nothing was passed");
    }
    diary().run_to_frontier().await.expect("the frontier");
    let names = |added: &str, removed: &str| (added.to_owned(), removed.to_owned());
    assert_eq!(refused(longer().prepare().await), names("Looked", ""));
    // Of what it handles no more nothing was there, and so of what it handles again.
    shorter().run_to_frontier().await.expect("there was no poison");
    diary().run_to_frontier().await.expect("there was no poison");
    happen(store, &pot(0), [poison()]).await;
    // What is still to come is not passed.
    shorter().prepare().await.expect("the poison is still to come");
    diary().run_to_frontier().await.expect("the poison was still to come");
    assert_eq!(log.of(&pot(0)), [1, 3]);
    assert_eq!(refused(shorter().prepare().await), names("", "Poisoned"));
    // What is refused changes nothing.
    diary().run_to_frontier().await.expect("the frontier");
}

/// A reactor that has more to tell than the one of its name.
#[derive(Reactor, Debug)]
#[reactor(name = "word")]
struct MoreWords;

#[event_handler]
impl MoreWords {
    async fn looked(&self, _: &Looked) {}
}

pub(crate) async fn what_was_before_it_began_is_not_missed<S: ProjectionStore>(store: &S) {
    happen(store, &pot(0), [filled(1), PotEvent::Looked(Looked {})]).await;
    let log = Log::default();
    engine(store).projection(Diary(log.clone())).starting(Start::Now).run_to_frontier().await.expect("the frontier");
    engine(store).projection(Longer(log.clone())).run_to_frontier().await.expect("it would have begun behind it");
    happen(store, &pot(0), [PotEvent::Looked(Looked {})]).await;
    engine(store).projection(Longer(log.clone())).run_to_frontier().await.expect("the frontier");
    assert_eq!(log.of(&pot(0)), [3]);
    // A reactor has no version, because nothing delivers old events: what is added begins now.
    engine(store).reactor(Word::default()).run_to_frontier().await.expect("the frontier");
    engine(store).reactor(MoreWords).run_to_frontier().await.expect("the frontier");
}
