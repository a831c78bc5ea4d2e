//! What reads cost, by the plans of their statements.

use es_core::store::{EventStore as _, Expected};
use es_tests::database::Database;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::support::{append, open, raw};

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
