//! Every statement finds what it wants by an index, however many events there are.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{SqliteStore, copy, pages, read, streams};

/// The steps of a plan.
async fn plan(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(format!("explain query plan {sql}"))).fetch_all(connection).await;
    rows.expect("the statement is one").iter().map(|row| row.get::<String, _>(3)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_looks_at_every_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.db");
    drop(SqliteStore::open(&path).await.expect("it can be opened"));
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("the file is there");
    let fill = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
        insert into es_events (position, stream_type, stream_id, version, event_type, schema_version, event_id, payload,
                               metadata, recorded_at, idempotency_key, append_size)
        select i, 'test', 's' || (i / 100), i % 100 + 1, 'Tested', 1, randomblob(16), '{}', '{}', i, 'k' || i, 1 from n";
    connection.execute(fill).await.expect("events");
    for analyzed in [false, true] {
        if analyzed {
            connection.execute("analyze").await.expect("statistics");
        }
        for (name, sql) in [
            ("load", include_str!("sql/load.sql")),
            ("look_up", include_str!("sql/look_up.sql")),
            ("placed", include_str!("sql/placed.sql")),
            ("streams", include_str!("sql/streams.sql")),
            ("streams_archived", include_str!("sql/streams_archived.sql")),
            ("snapshot", include_str!("sql/snapshot.sql")),
            ("forwards", read::FORWARDS),
            ("backwards", read::BACKWARDS),
            ("all", pages::ALL),
            ("filtered", pages::FILTERED),
            ("of_streams", pages::OF_STREAMS),
            ("settled", pages::SETTLED),
            ("next_type", streams::NEXT_TYPE),
            ("names of a copy", copy::NAMES),
            ("behind a copy", copy::BEHIND),
        ] {
            let steps = plan(&mut connection, sql).await;
            for step in &steps {
                // What is read from its beginning is small; of the events themselves it is one, the last.
                let small = [
                    "json_each",
                    "page",
                    "until",
                    "snapshot",
                    "always",
                    "CONSTANT ROW",
                    "es_history",
                    "es_inline_read_models",
                    "asked",
                ];
                let scans = step.starts_with("SCAN") && !small.iter().any(|small| step.contains(small));
                let last = step == "SCAN es_events" && ["look_up", "settled"].contains(&name);
                assert!(!scans || last, "{name} scans: {steps:#?}");
                // What is sorted are the positions of a few streams, and a page of streams.
                let small = ["of_streams", "streams"].contains(&name);
                let sorts = step.contains("TEMP B-TREE FOR ORDER BY") && !small;
                assert!(!sorts, "{name} sorts: {steps:#?}");
            }
        }
    }
}
