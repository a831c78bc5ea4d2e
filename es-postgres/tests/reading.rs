//! Histories in both directions, and snapshots held against their events.

use es_core::{
    prelude::*,
    repository::{SnapshotCheck, Unusable},
    store::NewSnapshot,
};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::{
    repositories::{CoinsCame, CoinsWent, Found, Give, Purse, PurseEvent, PurseId, TrapMet, id},
    support::{append, open, raw},
};

/// Each statement that begins at the stream's end reads there no more rows than it gives, by the plan that the store uses.
pub(crate) async fn the_newest_events_come_without_a_look_at_the_rest(database: Database) {
    let store = open(&database).await;
    store.append(append("long", Expected::NoStream, 5_000)).await.expect("an append");
    for number in 0..50 {
        store.append(append(&format!("other-{number}"), Expected::NoStream, 20)).await.expect("an append");
    }
    let mut connection = raw(&database).await;
    connection.execute("analyze es.events; set plan_cache_mode = force_generic_plan").await.expect("it is told");
    let page = include_str!("../src/sql/read_stream_backwards.sql");
    let load = include_str!("../src/sql/load.sql");
    for (name, sql, types, arguments) in [
        ("page", page, "text, text, bigint, bigint, bigint", "'test', 'long', 0, 9223372036854775807, 10"),
        (
            "position",
            load,
            "text, text, text, bigint, timestamptz, bigint, text, boolean, bigint, bigint",
            "'test', 'long', null, 1, null, 9223372036854775807, null, true, 4990, 9223372036854775807",
        ),
    ] {
        let prepare = format!("prepare {name} ({types}) as {sql}");
        connection.execute(AssertSqlSafe(prepare)).await.expect("the statement is one");
        let explain = format!("explain (analyze, timing off, format json) execute {name} ({arguments})");
        let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_one(&mut connection).await.expect("a plan");
        let mut backwards = Vec::new();
        scans(&plan[0]["Plan"], &mut backwards);
        let [scan] = backwards.as_slice() else { panic!("{name}: {plan:#}") };
        assert_eq!(scan["Index Name"], "events_stream_version", "{plan:#}");
        let read = scan["Actual Rows"].as_f64().unwrap_or(f64::MAX)
            + scan["Rows Removed by Filter"].as_f64().unwrap_or_default();
        assert!(read <= 11.0, "{name} reads {read} rows: {plan:#}");
    }
}

/// However long streams are, a load finds their events in order, and sends the first before it has found the last.
pub(crate) async fn a_load_sorts_nothing(database: Database) {
    open(&database).await;
    let mut connection = raw(&database).await;
    let long = "insert into es.events (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
                select 'test', stream, version, 'Tested', 1, gen_random_uuid(), '{}', '{}'
                from generate_series(1, 10000) as version, unnest('{a,b,c}'::text[]) as stream order by stream, version";
    connection.execute(long).await.expect("an insert");
    connection.execute("analyze es.events; set plan_cache_mode = force_generic_plan").await.expect("it is told");
    let latest = include_str!("../src/sql/load_latest.sql");
    let earlier = include_str!("../src/sql/load.sql");
    for (name, sql, arguments) in [
        ("latest", latest, "'test', 'a', null, 9223372036854775807, null, true, 9223372036854775807"),
        (
            "earlier",
            earlier,
            "'test', 'a', null, 9000, null, 9223372036854775807, null, true, null, 9223372036854775807",
        ),
    ] {
        connection.execute(AssertSqlSafe(format!("prepare {name} as {sql}"))).await.expect("the statement is one");
        let explain = format!("explain (format json) execute {name} ({arguments})");
        let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_one(&mut connection).await.expect("a plan");
        assert!(!plan.to_string().contains("\"Sort\""), "{name}: {plan:#}");
    }
}

/// The scans of a plan that begin at the end of an index.
fn scans<'a>(plan: &'a Value, backwards: &mut Vec<&'a Value>) {
    if plan["Scan Direction"] == "Backward" {
        backwards.push(plan);
    }
    for part in plan["Plans"].as_array().into_iter().flatten() {
        scans(part, backwards);
    }
}

pub(crate) async fn history_is_read_in_both_directions(database: Database) {
    let purses = open(&database).await.repository::<Purse>();
    let a = id("a");
    for coins in 1..=9 {
        purses.execute(&a, Give(coins)).await.expect("a command");
    }
    let coins = async |history: es_core::History<Purse>| -> Vec<u64> {
        let came = |recorded: Recorded<PurseEvent>| match recorded.event {
            PurseEvent::Came(event) => event.coins,
            other => panic!("{other:?}"),
        };
        history.all().await.expect("a history").into_iter().map(came).collect()
    };
    assert_eq!(coins(purses.history(&a)).await, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(coins(purses.history(&a).backwards()).await, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(coins(purses.history(&a).after(3).before(6)).await, [4, 5]);
    assert_eq!(coins(purses.history(&a).before(6).backwards().after(3)).await, [5, 4]);
    assert_eq!(coins(purses.history(&id("nobody")).backwards()).await, [0; 0]);

    // Page by page: before the last one of the page before.
    let (mut seen, mut before) = (Vec::new(), u64::MAX);
    loop {
        let mut page = purses.history(&a).before(before).backwards();
        for _ in 0..4 {
            let Some(recorded) = page.next().await else { break };
            before = recorded.expect("an event").envelope.version.get();
            seen.push(before);
        }
        if before == 1 {
            assert!(page.next().await.is_none() && page.next().await.is_none(), "the end stays the end");
            break;
        }
    }
    assert_eq!(seen, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
}

/// The purse of a program whose handlers count otherwise, although its fields are the same.
#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "purse", id = PurseId, event = PurseEvent, snapshot(every = 10))]
struct DoublingPurse {
    coins: u64,
    last_actor: Option<String>,
}

#[event_handler(ignore(TrapMet))]
impl DoublingPurse {
    fn came(&mut self, event: &CoinsCame) {
        self.coins += 2 * event.coins;
    }

    fn went(&mut self, event: &CoinsWent) {
        self.coins -= 2 * event.coins;
    }
}

async fn save(store: &PostgresStore, version: u64, fingerprint: &'static str, state: &str) {
    let stream = StreamId::new("purse", "a");
    let snapshot = NewSnapshot::new(stream, version.into(), Position::new(version), fingerprint, state.to_owned());
    store.save_snapshot(snapshot).await.expect("it is taken in");
    store.flush().await;
}

pub(crate) async fn a_snapshot_is_held_against_its_events(database: Database) {
    let store = open(&database).await;
    let (purses, doubling) = (store.repository::<Purse>(), store.repository::<DoublingPurse>());
    let a = id("a");
    let check = async || purses.verify_snapshot(&a).await.expect("it can be looked at");
    assert_eq!(check().await, SnapshotCheck::NoSnapshot);
    purses.execute(&a, Found(5)).await.expect("a command");
    for _ in 2..=12 {
        purses.execute(&a, Give(1)).actor("ada").await.expect("a command");
        // Or the snapshot at 10 may come too late for the command behind it, and there is another.
        store.flush().await;
    }
    assert_eq!(check().await, SnapshotCheck::Same { version: 10.into() });

    // The same fields and so the same fingerprint, but another fold.
    let other = doubling.verify_snapshot(&a).await.expect("it can be looked at");
    let paths = vec!["coins".to_owned(), "last_actor".to_owned()];
    assert_eq!(other, SnapshotCheck::Different { version: 10.into(), paths });
    assert!(!other.is_harmless());
    assert_eq!(doubling.load(&a).await.expect("it exists").state.coins, 14 + 2 * 2, "it is what loads build upon");

    let fits = Purse::SNAPSHOTS.expect("it keeps snapshots").fingerprint();
    save(&store, 11, fits, "[]").await;
    let unusable = check().await;
    let SnapshotCheck::Unusable { version, why: Unusable::DoesNotDecode { .. } } = &unusable else {
        panic!("{unusable:?}")
    };
    assert!(unusable.is_harmless() && *version == 11);
    save(&store, 11, "of another time", r#"{"coins": 15, "last_actor": "ada"}"#).await;
    let why = Unusable::OtherFingerprint { found: "of another time".to_owned(), needed: fits };
    assert_eq!(check().await, SnapshotCheck::Unusable { version: 11.into(), why });
    save(&store, 12, fits, r#"{"coins": 16, "last_actor": null, "more": 1}"#).await;
    let paths = vec!["last_actor".to_owned()];
    assert_eq!(check().await, SnapshotCheck::Different { version: 12.into(), paths });
    save(&store, 40, fits, r#"{"coins": 1, "last_actor": null}"#).await;
    assert_eq!(check().await, SnapshotCheck::Ahead { version: 40.into(), last: 12.into() });
    let missing = store.kept_snapshot(StreamId::new("purse", "\0")).await.expect_err("no store can hold the name");
    assert!(matches!(missing, StoreError::Invalid(_)));
}
