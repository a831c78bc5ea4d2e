//! What lists of streams cost, and appends in doubt on archived streams.

use es_core::store::{EventStore as _, Expected, StoreError};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::support::{append, insert, open, raw, stream};

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
