//! Events that could not be projected: kept, told, tried again; and what people do with projections.

use es_core::{
    event::EventSchema,
    projection::{
        Activity, Claim, DeadLetter, Failure, Lag, ProjectionKind, ProjectionSchema, ProjectionStore as _, ShardState,
    },
    recorded::Position,
    store::{EventStore as _, Expected},
};
use es_postgres::PostgresStore;
use es_tests::database::Database;

use crate::{
    projection_support::{LONG, MAILS, begin, claim, engine, mails, moved, open_with, prepare, shard},
    support::{append, raw, run},
};

fn failure(position: u64, message: &str) -> Failure {
    Failure::new(Position::new(position), "Tested".to_owned(), message.to_owned(), 3)
}

fn parked(of: u32, key: &str, position: u64) -> DeadLetter {
    DeadLetter::parked(shard(MAILS, of), key.to_owned(), Position::new(position), failure(position, "no such mail"))
}

async fn state(store: &PostgresStore, of: u32) -> ShardState {
    let roster = store.roster(&[MAILS]).await.expect("a roster");
    roster.shards.into_iter().find(|state| state.shard.shard == of).expect("the shard is there")
}

async fn aside(store: &PostgresStore, held: &Claim, at: u64, letters: &[DeadLetter]) {
    let mut transaction = begin(store, held, at, at).await;
    store.set_aside(&mut transaction, letters).await.expect("events can be set aside");
    store.commit(transaction).await.expect("a commit");
}

pub(crate) async fn events_are_set_aside_once_and_unparked_in_order(database: Database) {
    let store = open_with(&database, &[mails(2)]).await;
    for stream in ["a", "b"] {
        store.append(append(stream, Expected::NoStream, 3)).await.expect("an append");
    }
    let held = claim(&store, &engine("a", LONG), shard(MAILS, 1)).await;
    let skipped =
        DeadLetter::skipped(held.shard, "c".to_owned(), Position::new(6), failure(6, "a NUL \0 in the message"));
    let letters = [parked(1, "b", 5), parked(1, "a", 1), parked(1, "a", 3), skipped, parked(1, "b", 1)];
    let mut transaction = begin(&store, &held, 0, 0).await;
    store.set_aside(&mut transaction, &letters).await.expect("events can be set aside");
    store.set_aside(&mut transaction, &[]).await.expect("none can, too");
    store.rollback(transaction).await;
    assert!(store.parked_keys(held.shard).await.expect("keys").is_empty(), "it was rolled back");
    aside(&store, &held, 0, &letters).await;
    // Those that are there are left as they are, and not counted again.
    let mut again = letters.to_vec();
    again[1].failure = failure(1, "another");
    again.push(parked(1, "a", 4));
    aside(&store, &held, 0, &again).await;

    assert_eq!(store.parked_keys(held.shard).await.expect("keys"), ["a", "b"]);
    assert!(store.parked_keys(shard(MAILS, 0)).await.expect("keys").is_empty());
    let found = store.dead_letters(MAILS, 100).await.expect("letters");
    let places: Vec<_> =
        found.iter().map(|(letter, event)| (event.position.get(), letter.key.as_str(), letter.skipped)).collect();
    let expected =
        [(1, "a", false), (1, "b", false), (3, "a", false), (4, "a", false), (5, "b", false), (6, "c", true)];
    assert_eq!(places, expected);
    assert_eq!((&found[0].0, found[0].1.stream.id()), (&letters[1], "a"));
    assert_eq!(found[5].0.failure.message, "a NUL \u{fffd} in the message");
    assert_eq!(store.dead_letters(MAILS, 2).await.expect("letters").len(), 2);
    let at = async |key: &str, limit| {
        let events = store.parked_events(held.shard, key, limit).await.expect("events");
        events.iter().map(|event| event.position.get()).collect::<Vec<_>>()
    };
    assert_eq!((at("a", 10).await, at("a", 2).await, at("c", 10).await), (vec![1, 3, 4], vec![1, 3], vec![]));
    let shown = state(&store, 1).await;
    assert_eq!((shown.parked, shown.skipped), (5, 1));

    let mut transaction = begin(&store, &held, 0, 0).await;
    let none_left = store.unpark(&mut transaction, held.shard, "a", Position::new(3)).await.expect("an answer");
    assert!(!none_left, "one is left");
    store.commit(transaction).await.expect("a commit");
    assert_eq!((at("a", 10).await, at("b", 10).await, state(&store, 1).await.parked), (vec![4], vec![1, 5], 3));
    let mut transaction = begin(&store, &held, 0, 0).await;
    assert!(store.unpark(&mut transaction, held.shard, "a", Position::new(4)).await.expect("an answer"));
    assert!(
        store.unpark(&mut transaction, held.shard, "c", Position::new(9)).await.expect("an answer"),
        "it was skipped"
    );
    store.commit(transaction).await.expect("a commit");
    assert_eq!(store.parked_keys(held.shard).await.expect("keys"), ["b"]);
    let shown = state(&store, 1).await;
    assert_eq!((shown.parked, shown.skipped), (2, 1));
}

pub(crate) async fn a_redrive_is_wanted_until_it_is_done(database: Database) {
    let store = open_with(&database, &[mails(2)]).await;
    let held = claim(&store, &engine("a", LONG), shard(MAILS, 0)).await;
    store.redrive(MAILS).await.expect("it can be wanted");
    assert_eq!((state(&store, 0).await.redrive, state(&store, 1).await.redrive), (Some(1), Some(1)));
    let mut transaction = begin(&store, &held, 0, 0).await;
    store.redriven(&mut transaction, held.shard, 1).await.expect("it is done");
    let wanted_again = tokio::spawn({
        let store = store.clone();
        async move { store.redrive(MAILS).await }
    });
    // It waits for the batch that is about to end the earlier wish, and is another.
    crate::support::until_one_waits(&mut raw(&database).await).await;
    store.commit(transaction).await.expect("a commit");
    wanted_again.await.expect("the task").expect("it can be wanted again");
    assert_eq!((state(&store, 0).await.redrive, state(&store, 1).await.redrive), (Some(2), Some(2)));
    let mut transaction = begin(&store, &held, 0, 0).await;
    store.redriven(&mut transaction, held.shard, 2).await.expect("it is done");
    store.commit(transaction).await.expect("a commit");
    assert_eq!((state(&store, 0).await.redrive, state(&store, 1).await.redrive), (None, Some(2)));
}

pub(crate) async fn a_shard_stops_under_its_claim_and_goes_on_when_it_is_resumed(database: Database) {
    let store = open_with(&database, &[mails(2)]).await;
    let owner = engine("a", LONG);
    let held = claim(&store, &owner, shard(MAILS, 0)).await;
    let why = failure(3, "no such mail");
    let stale = Claim::new(held.shard, held.engine, held.epoch - 1, held.position, LONG);
    for (claim, from) in [(&stale, 0), (&held, 1)] {
        assert!(!store.stop(claim, Position::new(from), &why).await.expect("an answer"));
    }
    assert_eq!(state(&store, 0).await.activity, Activity::Running);
    assert!(store.stop(&held, Position::START, &why).await.expect("an answer"));
    assert!(!store.stop(&held, Position::START, &failure(4, "another")).await.expect("an answer"), "it has stopped");
    let shown = state(&store, 0).await;
    assert_eq!(
        (shown.activity, shown.failure, shown.position),
        (Activity::Stopped, Some(why.clone()), Position::START)
    );
    assert_eq!(state(&store, 1).await.activity, Activity::Running);
    store.set_activity(MAILS, Activity::Running).await.expect("it can be resumed");
    assert!(!store.stop(&held, Position::START, &why).await.expect("an answer"), "its claim ended with the first");
    let held = claim(&store, &owner, shard(MAILS, 0)).await;
    // The failure is told until somebody has come past it.
    assert!(store.advance(&held, &moved(&store, 0, 2).await).await.expect("an answer"));
    assert_eq!(state(&store, 0).await.failure, Some(why));
    assert!(store.advance(&held, &moved(&store, 2, 3).await).await.expect("an answer"));
    assert_eq!(state(&store, 0).await.failure, None);

    let transaction = begin(&store, &held, 3, 4).await;
    let paused = tokio::spawn({
        let store = store.clone();
        async move { store.set_activity(MAILS, Activity::Paused).await }
    });
    crate::support::until_one_waits(&mut raw(&database).await).await;
    store.commit(transaction).await.expect("a batch that is under way ends first");
    paused.await.expect("the task").expect("it is paused");
    let shown = state(&store, 0).await;
    assert_eq!((shown.activity, shown.position.get()), (Activity::Paused, 4));
}

pub(crate) async fn another_number_of_shards_takes_all_along(database: Database) {
    use es_core::projection::{PrepareError, ShardId};

    let store = open_with(&database, &[mails(1)]).await;
    store.append(append("a", Expected::NoStream, 3)).await.expect("an append");
    let owner = engine("a", LONG);
    let held = claim(&store, &owner, shard(MAILS, 0)).await;
    assert!(store.advance(&held, &moved(&store, 0, 3).await).await.expect("an answer"));
    let keys: Vec<_> = (0..20).map(|key| format!("key {key}")).collect();
    let letters: Vec<_> = keys.iter().map(|key| parked(0, key, 2)).collect();
    aside(&store, &held, 3, &letters).await;
    let refused = store.prepare(&[mails(3)]).await.expect_err("somebody works on it");
    assert!(matches!(refused, PrepareError::ShardsChanged { found: 1, wanted: 3, .. }), "{refused:?}");
    store.release(&held).await.expect("a release");
    // No right to change tables is needed.
    store.prepare(&[mails(3)]).await.expect("nobody works on it");
    let roster = store.roster(&[MAILS]).await.expect("a roster");
    let shards: Vec<_> =
        roster.shards.iter().map(|state| (state.position.get(), state.applied, state.parked)).collect();
    let of = |shard| keys.iter().filter(|key| ShardId::of_key(key, 3) == shard).count() as u64;
    assert_eq!(shards, [(3, 3, of(0)), (3, 0, of(1)), (3, 0, of(2))]);
    for number in 0..3 {
        let found = store.parked_keys(shard(MAILS, number)).await.expect("keys");
        assert!(!found.is_empty() && found.iter().all(|key| ShardId::of_key(key, 3) == number), "{found:?}");
    }
    // The older claim is void, also to a shard of the same number.
    assert!(!store.advance(&held, &moved(&store, 3, 4).await).await.expect("an answer"));
    let held = claim(&store, &owner, shard(MAILS, 2)).await;
    assert!(store.advance(&held, &moved(&store, 3, 4).await).await.expect("an answer"));
    store.release(&held).await.expect("a release");
    let refused = store.prepare(&[mails(2)]).await.expect_err("they stand at different positions");
    assert!(matches!(refused, PrepareError::ShardsChanged { found: 3, wanted: 2, .. }), "{refused:?}");
    for number in 0..2 {
        let held = claim(&store, &owner, shard(MAILS, number)).await;
        assert!(store.advance(&held, &moved(&store, 3, 4).await).await.expect("an answer"));
        store.release(&held).await.expect("a release");
    }
    let claims = [claim(&store, &owner, shard(MAILS, 0)).await, claim(&store, &owner, shard(MAILS, 2)).await];
    for claim in &claims {
        store.release(claim).await.expect("a release");
    }
    prepare(&database, &[mails(1)]).await;
    let shown = state(&store, 0).await;
    assert_eq!((shown.parked, shown.applied, store.roster(&[MAILS]).await.expect("a roster").shards.len()), (20, 6, 1));
    prepare(&database, &[mails(3)]).await;
    let newest = claims.iter().map(|claim| claim.epoch).max().expect("two");
    assert!(claim(&store, &owner, shard(MAILS, 2)).await.epoch > newest, "no epoch comes twice");
}

pub(crate) async fn the_lag_counts_what_is_handled_and_still_to_come(database: Database) {
    const HANDLED: &[EventSchema] = &[EventSchema::new("Tested", 1)];
    const OTHERS: &[EventSchema] = &[EventSchema::new("Other", 1)];
    let store = open_with(&database, &[mails(1)]).await;
    let schema = |events| ProjectionSchema::new(MAILS, ProjectionKind::Projection, events);
    let lag = store.lag(&schema(HANDLED), Position::START).await.expect("a lag");
    assert_eq!(lag, Lag::default());
    store.append(append("a", Expected::NoStream, 5)).await.expect("an append");
    let mut connection = raw(&database).await;
    run(&mut connection, "select pg_sleep(0.01)").await;
    let lag = store.lag(&schema(HANDLED), Position::new(2)).await.expect("a lag");
    assert_eq!(lag.events, 3);
    assert!(lag.time >= std::time::Duration::from_millis(10), "{lag:?}");
    for (events, after) in [(OTHERS, 0), (HANDLED, 5)] {
        assert_eq!(store.lag(&schema(events), Position::new(after)).await.expect("a lag"), Lag::default());
    }
}
