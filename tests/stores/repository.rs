//! The whole way: commands, conflicts, repeats, snapshots, time travel, and events that cannot be read.

use es_core::{
    StreamId,
    prelude::*,
    store::{Fault, KeptSnapshot, NewSnapshot},
};
use futures_util::{TryStreamExt as _, future::join_all};

use super::{Database, Home};

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct TallyId(String);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Added {
    by: u32,
}

#[derive(EventSet, Clone, Debug, PartialEq)]
enum TallyEvent {
    Added(Added),
}

#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "tally", id = TallyId, event = TallyEvent, snapshot(every = 20))]
struct Tally {
    sum: u32,
    last_actor: Option<String>,
}

#[event_handler]
impl Tally {
    fn added(&mut self, event: Added, metadata: &Metadata) {
        self.sum += event.by;
        self.last_actor.clone_from(&metadata.actor);
    }
}

#[derive(Clone)]
struct Add {
    by: u32,
    times: usize,
}

#[derive(Debug, PartialEq)]
struct TooMuch;

#[command_handler]
impl Tally {
    #[command(or_default)]
    fn add(&self, command: &Add) -> Result<Vec<Added>, TooMuch> {
        if command.by > 100 { Err(TooMuch) } else { Ok(vec![Added { by: command.by }; command.times]) }
    }
}

/// The same aggregate by a program that remembers something else.
#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "tally", id = TallyId, event = TallyEvent, snapshot(every = 20))]
struct CountingTally {
    sum: u32,
    #[serde(default)]
    events: u32,
}

#[event_handler]
impl CountingTally {
    fn added(&mut self, event: &Added) {
        self.sum += event.by;
        self.events += 1;
    }
}

#[command_handler]
impl CountingTally {
    #[command(or_default)]
    fn add(&self, command: &Add) -> Result<Added, TooMuch> {
        Ok(Added { by: command.by })
    }
}

fn add(by: u32) -> Add {
    Add { by, times: 1 }
}

fn id(text: &str) -> TallyId {
    TallyId(text.to_owned())
}

pub(crate) async fn commands_of_many_callers_all_happen_once<H: Home>(home: &H) {
    const CALLERS: u32 = 8;
    const COMMANDS: u32 = 25;
    let mut callers = Vec::new();
    for caller in 0..CALLERS {
        let tallies = home.open().await.repository::<Tally>().with_attempts(1_000);
        callers.push(tokio::spawn(async move {
            for _ in 0..COMMANDS {
                tallies.execute(&id("a"), add(caller + 1)).await.expect("a command");
            }
        }));
    }
    for caller in callers {
        caller.await.expect("a caller");
    }
    let loaded = home.open().await.repository::<Tally>().load(&id("a")).await.expect("it exists");
    assert_eq!(loaded.state.sum, (1..=CALLERS).sum::<u32>() * COMMANDS);
    assert_eq!(loaded.version, u64::from(CALLERS * COMMANDS));
}

pub(crate) async fn a_conflict_that_never_ends_is_given_back<H: Home>(home: &H) {
    let store = home.open().await;
    let tallies = store.repository::<Tally>().with_attempts(1);
    let same = id("a");
    let outcomes = join_all((0..8).map(|_| tallies.execute(&same, add(1)).into_future())).await;
    let happened = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    for outcome in outcomes {
        match outcome {
            Ok(_) => {}
            Err(ExecuteError::Conflict { conflict, attempts: 1 }) => {
                assert!(matches!(conflict.expected, Expected::Exact(expected) if expected < conflict.actual));
            }
            Err(other) => panic!("expected a conflict, got {other:?}"),
        }
    }
    assert_eq!(tallies.load(&id("a")).await.expect("it exists").version, happened as u64);
}

pub(crate) async fn a_command_with_a_key_happens_once<H: Home>(home: &H) {
    let tallies = home.open().await.repository::<Tally>();
    tallies.execute(&id("a"), add(1)).await.expect("a command");
    let twice = Add { by: 2, times: 2 };
    let first = tallies.execute(&id("a"), twice.clone()).idempotency_key("k").await.expect("a command");
    assert!(!first.replayed);
    tallies.execute(&id("a"), add(4)).await.expect("a command");
    let again = tallies.execute(&id("a"), twice).idempotency_key("k").await.expect("a repeat");
    assert!(again.replayed);
    assert_eq!((&again.state, again.version, again.position), (&first.state, first.version, first.position));
    assert_eq!(again.events, first.events);
    assert_eq!(tallies.load(&id("a")).await.expect("it exists").state.sum, 1 + 4 + 4);
}

pub(crate) async fn a_key_that_races_with_itself_happens_once<H: Home>(home: &H) {
    let store = home.open().await;
    let tallies = store.repository::<Tally>();
    let id = id("a");
    for round in 1..=20_u64 {
        let same = (0..6).map(|_| tallies.execute(&id, add(1)).idempotency_key(format!("k{round}")).into_future());
        let outcomes = join_all(same).await;
        let first = outcomes.iter().flatten().filter(|executed| !executed.replayed).count();
        assert_eq!(first, 1, "of six, one is the first");
        assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_ok_and(|executed| executed.version == round)));
    }
}

pub(crate) async fn a_rejected_command_does_not_take_its_key<H: Home>(home: &H) {
    let tallies = home.open().await.repository::<Tally>();
    let error = tallies.execute(&id("a"), add(1_000)).idempotency_key("k").await.expect_err("too much");
    assert_eq!(error.rejection(), Some(&TooMuch));
    let nothing = Add { by: 1, times: 0 };
    let done = tallies.execute(&id("a"), nothing).idempotency_key("k").await.expect("nothing to do");
    assert!(done.events.is_empty() && !done.replayed);
    assert!(!tallies.execute(&id("a"), add(1)).idempotency_key("k").await.expect("a command").replayed);
}

async fn kept<H: Home>(store: &H::Store) -> Option<KeptSnapshot> {
    H::flush(store).await;
    store.kept_snapshot(StreamId::new("tally", "a")).await.expect("it can be looked at")
}

async fn kept_version<H: Home>(store: &H::Store) -> Option<u64> {
    kept::<H>(store).await.map(|snapshot| snapshot.version.get())
}

pub(crate) async fn a_snapshot_is_kept_every_twenty_events<H: Home>(home: &H) {
    let store = home.open().await;
    let tallies = store.repository::<Tally>();
    for version in 1..=19 {
        tallies.execute(&id("a"), add(version)).await.expect("a command");
    }
    assert_eq!(kept_version::<H>(&store).await, None);
    tallies.execute(&id("a"), add(20)).await.expect("a command");
    assert_eq!(kept_version::<H>(&store).await, Some(20));
    let many = Add { by: 1, times: 33 };
    tallies.execute(&id("a"), many).await.expect("a command");
    assert_eq!(kept_version::<H>(&store).await, Some(53), "an append may jump over the twentieth");
    for _ in 54..73 {
        tallies.execute(&id("a"), add(1)).await.expect("a command");
    }
    assert_eq!(kept_version::<H>(&store).await, Some(53), "at version 72, 19 events have followed");
    tallies.execute(&id("a"), add(1)).await.expect("a command");
    assert_eq!(kept_version::<H>(&store).await, Some(73));
    assert_eq!(tallies.load(&id("a")).await.expect("it exists").state.sum, 210 + 33 + 20);
}

/// Proved by making it unreadable.
pub(crate) async fn what_a_snapshot_has_is_not_read_again<D: Database>(database: &D) {
    let store = database.open().await;
    let tallies = store.repository::<Tally>();
    tallies.execute(&id("a"), Add { by: 1, times: 25 }).await.expect("a command");
    assert_eq!(kept_version::<D>(&store).await, Some(25));
    tallies.execute(&id("a"), Add { by: 2, times: 3 }).await.expect("a command");
    database.spoil_events(25).await;
    assert_eq!(tallies.load(&id("a")).await.expect("the snapshot is enough").state.sum, 25 + 6);
    let error = tallies.load(&id("a")).at_version(24).await.expect_err("too early for the snapshot");
    assert!(matches!(error, LoadError::Store(StoreError::Corrupt(_))), "{error}");
}

pub(crate) async fn a_snapshot_that_does_not_fit_is_ignored_and_replaced<H: Home>(home: &H) {
    let store = home.open().await;
    let tallies = store.repository::<Tally>();
    tallies.execute(&id("a"), Add { by: 1, times: 25 }).await.expect("a command");
    assert_eq!(kept_version::<H>(&store).await, Some(25));
    let counting = store.repository::<CountingTally>();
    let loaded = counting.load(&id("a")).await.expect("it exists");
    assert_eq!(
        loaded.state,
        CountingTally { sum: 25, events: 25 },
        "its shape is another: not taken from the snapshot"
    );
    counting.execute(&id("a"), add(1)).await.expect("a command");
    assert_eq!(kept_version::<H>(&store).await, Some(26), "it has none of its own, so one is due");
    assert_eq!(counting.load(&id("a")).await.expect("it exists").state.events, 26);
    assert_eq!(tallies.load(&id("a")).await.expect("it exists").state.sum, 26);

    let fits = CountingTally::SNAPSHOTS.expect("it keeps snapshots").fingerprint();
    // Of the same version, one takes the place of another only where the fingerprint differs.
    for fingerprint in ["another", fits] {
        let no_state = "[\"no state\"]".to_owned();
        let snapshot = NewSnapshot::new(StreamId::new("tally", "a"), 26.into(), 26.into(), fingerprint, no_state);
        store.save_snapshot(snapshot).await.expect("it is taken in");
        let found = kept::<H>(&store).await.expect("it is kept");
        assert_eq!((found.fingerprint.as_str(), found.version.get(), found.state[0]), (fingerprint, 26, b'['));
    }
    assert_eq!(counting.load(&id("a")).await.expect("it exists").state.events, 26, "replayed from the start");
    counting.execute(&id("a"), add(1)).await.expect("a command");
    assert_eq!(kept_version::<H>(&store).await, Some(27), "and replaced by one that decodes");
    assert_eq!(counting.load(&id("a")).await.expect("it exists").state.events, 27);
}

pub(crate) async fn a_snapshot_that_failed_to_be_written_harms_no_command<D: Database>(database: &D) {
    let store = database.open().await;
    let tallies = store.repository::<Tally>();
    database.refuse_snapshots(20).await;
    tallies.execute(&id("a"), Add { by: 1, times: 20 }).await.expect("a command");
    assert_eq!(kept_version::<D>(&store).await, None);
    tallies.execute(&id("a"), add(1)).await.expect("a command");
    assert_eq!(kept_version::<D>(&store).await, Some(21), "the next command makes up for it");

    // Of those that are written together, only the one that the database refuses is not kept.
    let others = ["b", "c", "d"];
    for (other, version) in others.into_iter().zip([19, 20, 21]) {
        let stream = StreamId::new("tally", other);
        let snapshot = NewSnapshot::new(stream, version.into(), version.into(), "f", "{}".to_owned());
        store.save_snapshot(snapshot).await.expect("it is taken in");
    }
    D::flush(&store).await;
    let mut kept = Vec::new();
    for other in others {
        let snapshot = store.kept_snapshot(StreamId::new("tally", other)).await.expect("it can be looked at");
        kept.push(snapshot.map(|snapshot| snapshot.version.get()));
    }
    assert_eq!(kept, [Some(19), None, Some(21)]);
}

pub(crate) async fn states_of_earlier_versions_and_times_can_be_had<H: Home>(home: &H) {
    let store = home.open().await;
    let tallies = store.repository::<Tally>();
    let mut times = Vec::new();
    for version in 1..=45_u32 {
        let done = tallies.execute(&id("a"), add(version)).await.expect("a command");
        times.push(done.events[0].envelope.recorded_at);
    }
    H::flush(&store).await;
    let sum = |version: u32| version * (version + 1) / 2;
    for version in [1, 19, 20, 21, 39, 40, 44, 45] {
        let loaded = tallies.load(&id("a")).at_version(u64::from(version)).await.expect("a version");
        assert_eq!((loaded.state.sum, loaded.version.get()), (sum(version), u64::from(version)));
        let loaded = tallies.load(&id("a")).at_time(times[version as usize - 1]).await.expect("a time");
        assert_eq!((loaded.state.sum, loaded.version.get()), (sum(version), u64::from(version)));
    }
    for asked in [0, 46, u64::MAX] {
        match tallies.load(&id("a")).at_version(asked).await {
            Err(LoadError::NoSuchVersion { asked: named, last, .. }) => {
                assert_eq!((named.get(), last.get()), (asked, 45));
            }
            other => panic!("expected no version {asked}, got {other:?}"),
        }
    }
    let before = times[0] - std::time::Duration::from_micros(1);
    let error = tallies.load(&id("a")).at_time(before).await.expect_err("it did not exist then");
    assert!(error.is_not_found(), "{error}");
    let error = tallies.load(&id("nobody")).await.expect_err("it does not exist");
    assert!(matches!(error, LoadError::NotFound { .. }), "{error}");
    let history: Vec<_> = tallies.history(&id("a")).try_collect().await.expect("a history");
    assert!(history.iter().map(|recorded| recorded.envelope.version.get()).eq(1..=45));
    assert!(history.iter().map(|recorded| recorded.envelope.recorded_at).eq(times));
}

pub(crate) async fn an_event_that_cannot_be_read_is_named_and_not_skipped<D: Database>(database: &D) {
    let tallies = database.open().await.repository::<Tally>();
    for (stream, event_type, schema_version, payload, metadata) in [
        ("payload", "Added", 1, r#"{"by": "much"}"#, r#"{"occurred_at": "2026-01-01T00:00:00Z"}"#),
        ("metadata", "Added", 1, r#"{"by": 1}"#, r#"{"occurred_at": "once"}"#),
        ("name", "Subtracted", 1, "{}", "{}"),
        ("version", "Added", 7, "{}", "{}"),
    ] {
        tallies.execute(&id(stream), add(1)).await.expect("a command");
        let position =
            database.insert(&StreamId::new("tally", stream), (event_type, schema_version), payload, metadata).await;
        let LoadError::Store(StoreError::Corrupt(corrupt)) = tallies.load(&id(stream)).await.expect_err(stream) else {
            panic!("{stream}: expected Corrupt");
        };
        assert_eq!(corrupt.event_type, event_type);
        assert_eq!(corrupt.schema_version, schema_version);
        assert_eq!(corrupt.stream.id(), stream);
        assert_eq!((corrupt.version.get(), corrupt.position.get()), (2, position));
        match (stream, &corrupt.fault) {
            ("payload", Fault::Payload { path, .. }) => assert_eq!(path, "by"),
            ("metadata", Fault::Metadata { path, .. }) => assert_eq!(path, "occurred_at"),
            ("name", Fault::UnknownEvent { known }) => assert_eq!(known, &["Added"]),
            ("version", Fault::UnknownVersion { newest }) => assert_eq!(*newest, 1),
            (_, fault) => panic!("{stream}: {fault:?}"),
        }
        let error = tallies.execute(&id(stream), add(1)).await.expect_err("nothing is decided upon half a state");
        assert!(matches!(&error, ExecuteError::Store(error) if error.is_corrupt()), "{error:?}");
        let history: Result<Vec<_>, _> = tallies.history(&id(stream)).try_collect().await;
        assert!(history.expect_err("history reports it too").is_corrupt());
    }
}

pub(crate) async fn a_missing_event_is_found_out<D: Database>(database: &D) {
    let tallies = database.open().await.repository::<Tally>();
    tallies.execute(&id("a"), Add { by: 1, times: 5 }).await.expect("a command");
    database.lose_event(3).await;
    let LoadError::Store(StoreError::Corrupt(corrupt)) = tallies.load(&id("a")).await.expect_err("a gap") else {
        panic!("expected Corrupt");
    };
    assert_eq!(corrupt.fault, Fault::Gap { missing: StreamVersion::new(3) });
}

pub(crate) async fn metadata_travels_with_the_events<H: Home>(home: &H) {
    let store = home.open().await;
    let tallies = store.repository::<Tally>();
    let then = DateTime::from_timestamp(1_000_000, 123_456_789).expect("a time");
    let cause = EventId::now();
    let done = tallies
        .execute(&id("a"), Add { by: 1, times: 2 })
        .actor("teller-7")
        .correlation_id(uuid::Uuid::nil())
        .causation_id(cause)
        .occurred_at(then)
        .metadata("channel", "counter")
        .await
        .expect("a command");
    assert_eq!(done.state.last_actor.as_deref(), Some("teller-7"), "the fold sees it after the append");
    assert_eq!(tallies.load(&id("a")).await.expect("it exists").state, done.state, "and in a replay");
    let history: Vec<_> = tallies.history(&id("a")).try_collect().await.expect("a history");
    assert_eq!(history, done.events);
    let metadata = &history[1].envelope.metadata;
    assert_eq!((metadata.occurred_at, metadata.causation_id), (then, Some(cause)));
    assert_eq!(metadata.correlation_id.as_deref(), Some("00000000-0000-0000-0000-000000000000"));
    assert_eq!(metadata.extra["channel"], "counter");
    assert_ne!(history[0].envelope.metadata.event_id, metadata.event_id);
}
