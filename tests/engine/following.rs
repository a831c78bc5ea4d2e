//! Following the events: each is taken in once, in order, and one can wait for it.

use std::time::Duration;

use es_core::{
    engine::{ControlError, ProjectionEngine, WaitError},
    prelude::*,
    projection::{Activity, Lag, PrepareError, Start},
};

use super::{
    Contents, Diary, Log, PotEvent, engine, filled, fold_from_zero, happen, pot, reacting::DiaryV2, rows,
    unreliable::Unreliable,
};

pub(crate) async fn rows_follow_the_events<S: ProjectionStore>(store: &S) {
    for round in 0..20 {
        happen(store, &pot(round % 3), [filled(1), PotEvent::Looked(super::Looked {}), filled(2)]).await;
    }
    happen(store, &pot(1), [PotEvent::Emptied(super::Emptied {})]).await;
    let running = engine(store).batch_size(7).read_model::<Contents>().start().await.expect("an engine");
    let last = happen(store, &pot(3), [filled(10)]).await;
    running.wait_for(last).await.expect("it comes so far");
    assert_eq!(rows(store).await, fold_from_zero(store).await);
    assert_eq!(rows(store).await.len(), 3);
    // And while it waits at the end.
    for round in 0..20 {
        let last = happen(store, &pot(round % 5), [filled(1)]).await;
        running.wait_for(last).await.expect("it comes so far");
        assert_eq!(rows(store).await, fold_from_zero(store).await);
    }
    let row = store.read_model::<Contents>().get(&pot(3)).await.expect("a row");
    assert_eq!(row, Some(Contents { id: pot(3), amount: 14, fillings: 5 }));
    running.shutdown().await;
}

pub(crate) async fn handlers_see_each_event_once_and_in_order<S: ProjectionStore>(store: &S) {
    let log = Log::default();
    for number in 0..4 {
        happen(store, &pot(number), (0..25).map(filled)).await;
    }
    let running =
        engine(store).batch_size(9).projection(Diary(log.clone())).shards(3).start().await.expect("an engine");
    let mut last = Position::START;
    for number in 0..4 {
        last = happen(store, &pot(number), (0..25).map(filled)).await;
    }
    running.wait_for(last).await.expect("it comes so far");
    running.shutdown().await;
    for number in 0..4 {
        assert_eq!(log.of(&pot(number)), (1..=50).collect::<Vec<_>>());
    }
    // Another engine goes on where this one was.
    happen(store, &pot(0), [filled(1)]).await;
    engine(store).projection(Diary(log.clone())).shards(3).run_to_frontier().await.expect("the frontier");
    assert_eq!(log.len(), 201);
}

pub(crate) async fn it_begins_where_it_is_told<S: ProjectionStore>(store: &S) {
    let third = happen(store, &pot(0), [filled(1), filled(2), filled(3)]).await;
    happen(store, &pot(0), [filled(4)]).await;
    let behind = Log::default();
    let run = async |log: &Log, start| {
        let engine = engine(store).projection(Diary(log.clone())).starting(start);
        engine.run_to_frontier().await.expect("the frontier");
    };
    // Whatever it is told later, it goes on where it is.
    run(&behind, Start::After(third)).await;
    run(&behind, Start::Beginning).await;
    assert_eq!(behind.of(&pot(0)), [4]);
}

pub(crate) async fn it_begins_now<S: ProjectionStore>(store: &S) {
    happen(store, &pot(0), [filled(1), filled(2)]).await;
    let log = Log::default();
    let run = || engine(store).projection(Diary(log.clone())).starting(Start::Now).run_to_frontier();
    run().await.expect("the frontier");
    assert_eq!(log.len(), 0);
    happen(store, &pot(0), [filled(3)]).await;
    run().await.expect("the frontier");
    assert_eq!(log.of(&pot(0)), [3]);
}

pub(crate) async fn whoever_waits_in_vain_is_told_why<S: ProjectionStore>(store: &S) {
    let last = happen(store, &pot(0), [filled(1), filled(2)]).await;
    let engine = engine(store).read_model::<Contents>();
    let controls = engine.controls();
    let unprepared = controls.wait_for(last).timeout(Duration::from_millis(30)).await;
    assert!(matches!(unprepared, Err(WaitError::TimedOut { .. })), "{unprepared:?}");
    engine.prepare().await.expect("the tables");
    let answer = controls.wait_for(last).timeout(Duration::from_millis(30)).await;
    let Err(WaitError::TimedOut { position, behind, settled, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!((position, settled), (last, last));
    assert_eq!((behind.len(), behind[0].position, &behind[0].owner), (1, Position::START, &None));

    controls.pause("pot_contents").await.expect("paused");
    let answer = controls.wait_for(last).await;
    let Err(WaitError::Halted { state, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(state.activity, Activity::Paused);

    let answer = controls.wait_for(last).projection("pots").await;
    let Err(WaitError::Control(ControlError::Unknown { name, known })) = answer else { panic!("{answer:?}") };
    assert_eq!((name.as_str(), known), ("pots", vec!["pot_contents"]));

    controls.resume("pot_contents").await.expect("resumed");
    engine.run_to_frontier().await.expect("the frontier");
    controls.wait_for(last).await.expect("it is there");
}

pub(crate) async fn the_status_says_how_it_goes<S: ProjectionStore>(store: &S) {
    happen(store, &pot(0), (0..5).map(filled)).await;
    let definition = || engine(store).label("here").read_model::<Contents>().shards(2);
    definition().prepare().await.expect("the tables");
    let controls = definition().controls();
    let status = controls.status().await.expect("a status");
    let contents = status.projection("pot_contents").expect("it is known");
    assert_eq!(contents.shards.len(), 2);
    assert_eq!(contents.shards[0].lag.map(|lag| lag.events), Some(5));
    assert_ne!(contents.shards[0].lag.map(|lag| lag.time), Some(Duration::ZERO));

    let running = definition().start().await.expect("an engine");
    let last = happen(store, &pot(0), [filled(1)]).await;
    running.wait_for(last).await.expect("it comes so far");
    let status = running.status().await.expect("a status");
    let contents = status.projection("pot_contents").expect("it is known");
    assert_eq!(contents.shards.iter().map(|shard| shard.state.applied).sum::<u64>(), 6, "{status}");
    let owner = contents.shards[0].state.owner.as_ref().expect("an owner");
    assert_eq!((owner.0, owner.1.as_str()), (running.id(), "here"));
    assert!(running.health().await.is_healthy());
    running.shutdown().await;
    let status = controls.status().await.expect("a status");
    let shards = &status.projection("pot_contents").expect("it is known").shards;
    assert!(shards.iter().all(|shard| shard.state.owner.is_none() && shard.lag == Some(Lag::default())), "{status}");
}

pub(crate) async fn what_is_tried_again_and_again_is_shown<S: ProjectionStore>(store: &S) {
    let unreliable = Unreliable::new(store.clone());
    let running = engine(&unreliable).read_model::<Contents>().start().await.expect("an engine");
    let first = happen(store, &pot(0), [filled(1)]).await;
    running.wait_for(first).await.expect("it comes so far");
    let failing = async || {
        let status = running.status().await.expect("a status");
        let shard = &status.projection("pot_contents").expect("it is known").shards[0];
        assert_eq!(shard.to_string().contains(", failing for "), shard.failing.is_some(), "{shard}");
        shard.failing.clone()
    };
    assert_eq!(failing().await, None);
    unreliable.cut_at_next_batch();
    let last = happen(store, &pot(0), [filled(2)]).await;
    let told = loop {
        match failing().await {
            Some(failing) if failing.attempts > 2 => break failing,
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    };
    assert!(told.message.contains("the plug was pulled"), "{told}");
    let first = told.lasts;
    assert!(failing().await.is_some_and(|failing| failing.lasts > first), "since the first attempt");
    unreliable.mend();
    running.wait_for(last).await.expect("it comes so far");
    assert_eq!(failing().await, None);
    running.shutdown().await;
}

pub(crate) async fn a_paused_projection_stands_still<S: ProjectionStore>(store: &S) {
    let log = Log::default();
    let running =
        engine(store).read_model::<Contents>().projection(Diary(log.clone())).start().await.expect("an engine");
    let first = happen(store, &pot(0), [filled(1)]).await;
    running.wait_for(first).await.expect("it comes so far");
    running.controls().pause("diary").await.expect("paused");
    // It ends with the next look that the engine has round.
    while status_of(running.controls(), "diary").await.owner.is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = happen(store, &pot(0), [filled(2)]).await;
    running.wait_for(second).projection("pot_contents").await.expect("the other goes on");
    assert_eq!(log.len(), 1);
    running.controls().resume("diary").await.expect("resumed");
    running.wait_for(second).await.expect("it comes so far");
    assert_eq!(log.len(), 2);
    running.shutdown().await;
}

pub(crate) async fn status_of<S: ProjectionStore>(
    controls: &Controls<S>,
    name: &str,
) -> es_core::projection::ShardState {
    let status = controls.status().await.expect("a status");
    status.projection(name).expect("it is known").shards[0].state.clone()
}

pub(crate) async fn two_of_a_name_are_refused<S: ProjectionStore>(store: &S) {
    let engine = ProjectionEngine::new(store).projection(Diary(Log::default())).projection(Diary(Log::default()));
    let answer = engine.start().await.map(drop);
    assert!(matches!(answer, Err(PrepareError::NameTwice { name: "diary" })), "{answer:?}");
}

pub(crate) async fn one_reader_serves_all_at_the_end_of_the_events<S: ProjectionStore>(store: &S) {
    let watched = Unreliable::new(store.clone());
    let mut last = Position::START;
    for number in 0..100 {
        last = happen(store, &pot(number % 10), [filled(1)]).await;
    }
    let running = engine(&watched).projection(Diary(Log::default())).shards(8).read_model::<Contents>().shards(8);
    let running = running.start().await.expect("an engine");
    running.wait_for(last).await.expect("they come so far");
    // Who catches up with the others of its projection reads with them.
    assert!(watched.pages() < 16, "16 shards are there");
    for number in 0..20 {
        last = happen(store, &pot(number), [filled(1)]).await;
        running.wait_for(last).await.expect("they come so far");
    }
    // A shard whose turn came late may have had to look once for itself.
    let pages = watched.pages();
    assert!(pages < 60, "{pages} pages for 20 events and 16 shards");
    running.shutdown().await;
}

pub(crate) async fn what_nobody_has_prepared_is_not_controlled<S: ProjectionStore>(store: &S) {
    let first = engine(store).projection(Diary(Log::default()));
    let controls = first.controls();
    let expect = |answer: Result<(), ControlError>| {
        let Err(ControlError::NotPrepared { projection }) = &answer else { panic!("{answer:?}") };
        assert_eq!(projection.to_string(), "diary v1");
        let said = answer.map_err(|error| error.to_string());
        let text = "`diary v1` is not known to the store yet; call `prepare()` or `start()` on its engine first";
        assert_eq!(said, Err(text.to_owned()));
    };
    expect(controls.pause("diary").await);
    expect(controls.resume("diary").await);
    expect(controls.redrive("diary").await);
    expect(controls.drop_older("diary").await);
    expect(controls.dead_letters("diary", 1).await.map(drop));
    first.prepare().await.expect("the store knows it");
    controls.pause("diary").await.expect("paused");
    controls.resume("diary").await.expect("resumed");
    controls.redrive("diary").await.expect("wanted");

    // Of an older program the version is gone as soon as it was dropped.
    let second = || engine(store).projection(DiaryV2(Log::default()));
    let answer = second().controls().pause("diary").await;
    assert!(matches!(answer, Err(ControlError::NotPrepared { projection }) if projection.version == 2), "{answer:?}");
    second().run_to_frontier().await.expect("the frontier");
    controls.pause("diary").await.expect("it is there still");
    second().controls().drop_older("diary").await.expect("dropped");
    let answer = controls.resume("diary").await;
    assert!(matches!(answer, Err(ControlError::Removed { active: 2, .. })), "{answer:?}");
    controls.drop_older("diary").await.expect("nothing is left to drop");
}
