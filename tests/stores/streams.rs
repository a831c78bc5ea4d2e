//! Lists of streams, and archived streams, beside the contract's own rules in the suite.

use std::num::ParseIntError;

use es_core::{
    prelude::*,
    repository::ListError,
    store::{ListStreams, Load},
};
use futures_util::future::join_all;

use super::{Database, Home, append, stored, stream};

pub(crate) async fn appends_that_race_with_archiving_land_before_or_not_at_all<D: Database>(database: &D) {
    let store = database.open().await;
    for round in 0..10 {
        let id = format!("a{round}");
        store.append(append(&id, Expected::NoStream, 1)).await.expect("an append");
        let writers = (0..8).map(|_| {
            let (store, id) = (store.clone(), id.clone());
            tokio::spawn(async move {
                for appended in 0.. {
                    match store.append(append(&id, Expected::Any, 1)).await {
                        Ok(_) => {}
                        Err(error) if error.is_archived() => return appended,
                        Err(other) => panic!("{other:?}"),
                    }
                }
                0
            })
        });
        let writers: Vec<_> = writers.collect();
        while database.count(&id).await < 20 {}
        store.archive(stream(&id)).await.expect("it exists");
        for expected in [Expected::Any, Expected::StreamExists] {
            let late = store.append(append(&id, expected, 1)).await.expect_err("it begins after the answer");
            assert!(late.is_archived(), "{late:?}");
        }
        // Each writer comes to its end, because each is refused at last.
        let appended: usize = join_all(writers).await.into_iter().map(|writer| writer.expect("a writer")).sum();
        assert_eq!(stored(&store, &id).await.len(), 1 + appended);
    }
}

/// Of a batch the archived streams are refused, their repeats answered, and the others stored.
pub(crate) async fn archived_streams_of_a_batch_fail_alone<D: Database>(database: &D) {
    let store = database.open_with_connections(2).await;
    let name = |number: usize| format!("s{number}");
    let mut repeats = Vec::new();
    for number in 0..100 {
        let first = append(&name(number), Expected::NoStream, 1);
        store.append(first.clone()).await.expect("an append");
        if number % 5 == 0 {
            store.archive(stream(&name(number))).await.expect("it exists");
        }
        repeats.push(first);
    }
    let requests = (0..100).map(|number| match number % 10 {
        0 => repeats[number].clone(),
        _ => append(&name(number), Expected::Exact(1.into()), 1),
    });
    let answers = join_all(requests.map(|request| store.append(request))).await;
    for (number, answer) in answers.into_iter().enumerate() {
        match (number % 10, answer) {
            (0, Ok(appended)) => assert!(appended.replayed, "{number}"),
            (5, Err(error)) => assert!(error.is_archived(), "{number}: {error:?}"),
            (_, Ok(appended)) => assert!(!appended.replayed && appended.version() == 2, "{number}"),
            (_, Err(error)) => panic!("{number}: {error:?}"),
        }
    }
    // Loads travel together, too, and each says of its own stream whether it is archived.
    let loads = join_all((0..100).map(|number| store.load(Load::new(stream(&name(number)))))).await;
    for (number, loaded) in loads.into_iter().enumerate() {
        assert_eq!(loaded.expect("a load").archived_at.is_some(), number % 5 == 0, "{number}");
    }
    // Appends that expect no version follow one another to their stream in one statement, and are refused together.
    let chains = join_all((0..60).map(|number| store.append(append(&name(4 + number % 2), Expected::Any, 1)))).await;
    for (number, answer) in chains.into_iter().enumerate() {
        match (4 + number % 2, answer) {
            (5, Err(error)) => assert!(error.is_archived(), "{error:?}"),
            (_, Ok(appended)) => assert!(!appended.replayed),
            (number, Err(error)) => panic!("{number}: {error:?}"),
        }
    }
    assert_eq!(stored(&store, "s4").await.len(), 32);
    let batches = database.batches(2).await;
    assert!(batches < 40, "80 appends in {batches} statements: hardly any travelled together");
    assert_eq!(stored(&store, "s5").await.len(), 1);
}

#[derive(AggregateId, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct LampId(u32);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct LampLit {}

#[derive(EventSet, Clone, Debug, PartialEq)]
enum LampEvent {
    Lit(LampLit),
}

#[derive(Aggregate, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "test", id = LampId, event = LampEvent)]
struct Lamp {
    lit: u32,
}

#[event_handler]
impl Lamp {
    fn lit(&mut self, _: &LampLit) {
        self.lit += 1;
    }
}

#[derive(Clone)]
struct Light;
struct Install;

#[command_handler]
impl Lamp {
    fn light(&self, _: &Light) -> Result<LampLit, ParseIntError> {
        Ok(LampLit {})
    }

    fn install(_: &Install) -> Result<LampLit, ParseIntError> {
        Ok(LampLit {})
    }
}

pub(crate) async fn an_archived_aggregate_takes_no_commands<H: Home>(home: &H) {
    let store = home.open().await;
    let (lamps, id) = (store.repository::<Lamp>(), LampId(7));
    let first = lamps.execute(&id, Install).idempotency_key("k").await.expect("a command");
    lamps.execute(&id, Light).await.expect("a command");
    store.archive(stream("7")).await.expect("it exists");

    assert!(lamps.execute(&id, Light).await.expect_err("it is archived").is_archived());
    let refused = lamps.execute(&id, Install).await.expect_err("it is archived");
    assert!(refused.is_archived(), "not that it exists: {refused:?}");
    let again = lamps.execute(&id, Install).idempotency_key("k").await.expect("a repeat stores nothing");
    assert!(again.replayed);
    assert_eq!((again.version, again.events), (first.version, first.events));

    let refused = lamps.load(&id).await.expect_err("it is archived");
    assert!(matches!(&refused, LoadError::Archived { .. }) && refused.is_archived(), "{refused:?}");
    assert_eq!(lamps.load(&id).at_version(1).await.expect("time travel").state.lit, 1);
    assert_eq!(lamps.load(&id).at_time(Utc::now()).await.expect("time travel").state.lit, 2);
    for (asked, expected) in [(0, 2), (3, 2)] {
        match lamps.load(&id).at_version(asked).await {
            Err(LoadError::NoSuchVersion { last, .. }) => assert_eq!(last, expected),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(lamps.history(&id).all().await.expect("its history").len(), 2);

    store.restore(stream("7")).await.expect("it exists");
    assert_eq!(lamps.execute(&id, Light).await.expect("it goes on").state.lit, 3);
}

pub(crate) async fn aggregates_are_listed_by_their_ids<H: Home>(home: &H) {
    let store = home.open().await;
    let lamps = store.repository::<Lamp>();
    for id in [10, 9, 11, 2] {
        lamps.execute(&LampId(id), Install).await.expect("a command");
    }
    // Streams of another type, and one of this type that some other program wrote.
    store
        .append(es_core::store::Append::new(
            StreamId::new("tests", "5"),
            Expected::Any,
            append("5", Expected::Any, 1).events,
        ))
        .await
        .expect("an append");
    store.append(append("1x", Expected::Any, 1)).await.expect("an append");
    store.archive(stream("2")).await.expect("it exists");

    let mut list = lamps.list(ListStreams::all().stream_type("ignored"));
    let mut ids = Vec::new();
    let mut unreadable = Vec::new();
    while let Some(listed) = list.next().await {
        match listed {
            Ok(listed) => {
                assert_eq!(listed.info.version, 1);
                ids.push(listed.id.0);
            }
            Err(ListError::UnreadableId { stream, id_type }) => {
                assert!(id_type.ends_with("LampId"), "{id_type}");
                unreadable.push(stream.stream.id().to_owned());
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((ids, unreadable), (vec![10, 11, 9], vec!["1x".to_owned()]), "the list goes on behind it");
    let mut archived = lamps.list(ListStreams::all().only_archived());
    assert_eq!(archived.next().await.expect("one").expect("a lamp").id, LampId(2));
    assert!(archived.next().await.is_none());
}
