//! Lists of streams, and archived streams, on the real server; the contract's own rules are in the suite.

use std::num::ParseIntError;

use es_core::{
    prelude::*,
    repository::ListError,
    store::{ListStreams, Load},
};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::support::{append, count, insert, open, open_with, raw, stored, stream};

/// How many blocks a statement looks at.
async fn blocks(connection: &mut PgConnection, execute: &str) -> u64 {
    let explain = format!("explain (analyze, buffers, timing off, format json) execute {execute}");
    let row = sqlx::query(AssertSqlSafe(explain)).fetch_one(connection).await.expect("it can be explained");
    let plan: String = row.try_get_unchecked(0).expect("a text");
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    let blocks = |name: &str| plan[0]["Plan"][name].as_u64().expect("a number of blocks");
    blocks("Shared Hit Blocks") + blocks("Shared Read Blocks")
}

/// A hundred streams of a thousand events: a scan would look at thousands of blocks.
pub(crate) async fn a_page_costs_as_much_as_it_has_streams(database: Database) {
    open(&database).await;
    let mut connection = raw(&database).await;
    let fill = "insert into es.events
                    (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
                select 'test', to_char(stream, 'FM000'), version, 'Tested', 1, gen_random_uuid(), '{}', '{}'
                from generate_series(1, 1000) as version, generate_series(0, 99) as stream";
    connection.execute(fill).await.expect("events");
    connection.execute("set plan_cache_mode = force_generic_plan").await.expect("a setting");
    for (name, sql) in [
        ("page(text, text, text, bigint)", include_str!("../src/sql/streams.sql")),
        ("archived(text, text, text, bigint)", include_str!("../src/sql/streams_archived.sql")),
        ("next_type(text)", include_str!("../src/sql/stream_type.sql")),
    ] {
        connection.execute(AssertSqlSafe(format!("prepare {name} as {sql}"))).await.expect("a statement");
    }
    for analyzed in [false, true] {
        if analyzed {
            connection.execute("vacuum analyze es.events").await.expect("statistics");
        }
        for (execute, streams) in [
            ("page('test', '', '', 20)", 20),
            ("page('test', '', '', 500)", 100),
            // The stream behind the prefix's last is the end, whatever lies behind that.
            ("page('test', '04', '', 500)", 10),
            ("page('test', '04', '047', 500)", 2),
            ("page('test', 'none', '', 500)", 0),
            ("next_type('')", 1),
            ("next_type('test')", 0),
        ] {
            let blocks = blocks(&mut connection, execute).await;
            assert!(blocks <= 25 * (streams + 2), "{execute} looks at {blocks} blocks, analyzed: {analyzed}");
        }
    }
    connection
        .execute("insert into es.archived_streams select 'test', to_char(stream, 'FM000') from generate_series(0, 9) as stream")
        .await
        .expect("archived streams");
    assert!(blocks(&mut connection, "archived('test', '', '', 5)").await <= 25 * 7);
}

pub(crate) async fn appends_that_race_with_archiving_land_before_or_not_at_all(database: Database) {
    let store = open(&database).await;
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
        while count(&mut raw(&database).await, &id).await < 20 {}
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
pub(crate) async fn archived_streams_of_a_batch_fail_alone(database: Database) {
    let store = open_with(&database, |config| config.max_connections(2)).await;
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
    let mut connection = raw(&database).await;
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
    let batches = "select count(distinct xmin::text) from es.events where version = 2";
    let batches: i64 = sqlx::query_scalar(batches).fetch_one(&mut connection).await.expect("a count");
    assert!(batches < 40, "80 appends in {batches} statements: hardly any travelled together");
    assert_eq!(stored(&store, "s5").await.len(), 1);
}

/// An append that was sent before the stream was archived, and whose connection was lost, may still be on its way.
pub(crate) async fn an_append_in_doubt_on_an_archived_stream_stays_in_doubt(database: Database) {
    let store = open(&database).await;
    let mut killer = raw(&database).await;
    // An append that has waited for a moment is sent again, and is told then that its stream is archived: where the machine
    // is slow, that may come before the kill.
    for attempt in 0..100 {
        let answer =
            killed_in_front_of_an_archived_stream(&database, &store, &mut killer, &format!("a{attempt}")).await;
        if let Some(answer) = answer {
            assert!(matches!(answer, StoreError::OutcomeUnknown { .. }), "{answer:?}");
            return;
        }
    }
    panic!("no append was killed while it waited");
}

/// What an append is told whose connection is ended while it waits, when its stream is archived by then; `None` where it was
/// answered before.
async fn killed_in_front_of_an_archived_stream(
    database: &Database,
    store: &PostgresStore,
    killer: &mut PgConnection,
    id: &str,
) -> Option<StoreError> {
    store.append(append(id, Expected::NoStream, 1)).await.expect("an append");
    let mut other = raw(database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    insert(&mut transaction, id, 2).await;
    let sent = tokio::spawn({
        let (store, append) = (store.clone(), append(id, Expected::Exact(1.into()), 1));
        async move { store.append(append).await }
    });
    let waiting = "select pid from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock' and state = 'active'";
    while sqlx::query_scalar::<_, i32>(waiting).fetch_optional(&mut *killer).await.expect("a look").is_none() {}
    store.archive(stream(id)).await.expect("it exists");
    let kill = format!("select pg_terminate_backend(pid) from ({waiting}) as waiting");
    while sqlx::query(AssertSqlSafe(kill.clone())).fetch_optional(&mut *killer).await.expect("a kill").is_none() {
        if sent.is_finished() {
            return None;
        }
    }
    let answer = sent.await.expect("the task").expect_err("the stream is archived");
    transaction.rollback().await.expect("a rollback");
    Some(answer)
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

pub(crate) async fn an_archived_aggregate_takes_no_commands(database: Database) {
    let store = open(&database).await;
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

pub(crate) async fn aggregates_are_listed_by_their_ids(database: Database) {
    let store = open(&database).await;
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
