//! Every way to insert takes the lock that readers watch before it draws a position: the frontier's proof rests on it.

use std::time::Duration;

use crate::support::{open, positions, raw, read_all, run};
use es_core::recorded::Position;
use es_tests::database::Database;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

const COLUMNS: &str = "(stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)";

/// What the forms need.
const SCENE: &str = "
    create table source as select 'test' as t, 'x' as i, 0::bigint as v, 'Tested' as e, 1 as s, '{}'::jsonb as p,
        '{\"occurred_at\":\"2026-01-01T00:00:00Z\"}'::jsonb as m;
    create view shown as select stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata
        from es.events;
    create function inserted(id text) returns bigint language sql as
        $$ insert into es.events COLUMNS select t, id, 1, e, s, gen_random_uuid(), p, m from source returning position $$;
    create table watched (id text);
    create function also() returns trigger language plpgsql as $$ begin perform inserted(new.id); return new; end $$;
    create trigger also after insert on watched for each row execute function also();
    create table watched_late (id text);
    create constraint trigger also_late after insert on watched_late deferrable initially deferred
        for each row execute function also()";

/// Each form, with the stream's id for `ID`. Those with a newer syntax say from which version on.
const FORMS: &[(&str, i32, &str)] = &[
    (
        "values",
        14,
        "insert into es.events COLUMNS values ('test', 'ID', 1, 'Tested', 1, gen_random_uuid(), '{}', META)",
    ),
    ("select", 14, "insert into es.events COLUMNS select t, 'ID', 1, e, s, gen_random_uuid(), p, m from source"),
    (
        "with",
        14,
        "with new as (insert into es.events COLUMNS select t, 'ID', 1, e, s, gen_random_uuid(), p, m from source
         returning position) select count(*) from new",
    ),
    (
        "several rows",
        14,
        "insert into es.events COLUMNS select t, 'ID', n, e, s, gen_random_uuid(), p, m
         from source, generate_series(1, 3) as n",
    ),
    (
        "prepared statement",
        14,
        "prepare again(text) as insert into es.events COLUMNS
         select t, $1, 1, e, s, gen_random_uuid(), p, m from source; execute again('ID'); deallocate again",
    ),
    (
        "on conflict",
        14,
        "insert into es.events COLUMNS select t, 'ID', 1, e, s, gen_random_uuid(), p, m from source
         on conflict (stream_type, stream_id, version) do nothing",
    ),
    (
        "block with exception",
        14,
        "do $$ begin
         insert into es.events COLUMNS select t, 'ID', 1, e, s, gen_random_uuid(), p, m from source;
         begin perform inserted('ID'); exception when unique_violation then null; end; end $$",
    ),
    ("dynamic", 14, "do $$ begin execute 'select inserted(''ID'')'; end $$"),
    ("savepoint", 14, "savepoint one; select inserted('ID'); release one"),
    ("function", 14, "select inserted('ID')"),
    ("view", 14, "insert into shown select t, 'ID', 1, e, s, gen_random_uuid(), p, m from source"),
    ("trigger", 14, "insert into watched values ('ID')"),
    ("deferred trigger", 14, "insert into watched_late values ('ID'); set constraints all immediate"),
    (
        "merge",
        15,
        "merge into es.events using source on false when not matched then
         insert COLUMNS values (t, 'ID', 1, e, s, gen_random_uuid(), p, m)",
    ),
];

fn filled(sql: &str, id: &str) -> String {
    let meta = "'{\"occurred_at\":\"2026-01-01T00:00:00Z\"}'";
    sql.replace("COLUMNS", COLUMNS).replace("META", meta).replace("ID", id)
}

pub(crate) async fn every_form_of_insert_takes_the_lock_before_it_draws(database: Database) {
    let store = open(&database).await;
    let mut other = raw(&database).await;
    run(&mut other, &filled(SCENE, "")).await;
    let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::integer / 10000")
        .fetch_one(&mut other)
        .await
        .expect("a version");
    for (number, (name, since, sql)) in FORMS.iter().enumerate() {
        if *since > version {
            eprintln!("left out: `{name}` is not in PostgreSQL {version}");
            continue;
        }
        let sql = filled(sql, &format!("f{number}"));
        let form = async |connection: &mut PgConnection| run(connection, &format!("begin; {sql}; commit")).await;
        drawing_is_seen(&database, name, form).await;
    }
    drawing_is_seen(&database, "copy", async |connection: &mut PgConnection| {
        let columns = format!("copy es.events {COLUMNS} from stdin");
        let mut copy = connection.copy_in_raw(&columns).await.expect("a copy");
        let row = "test\tcopied\t1\tTested\t1\t00000000-0000-7000-8000-000000000001\t{}\t{\"occurred_at\":\"2026-01-01T00:00:00Z\"}\n";
        copy.send(row.as_bytes()).await.expect("a row");
        copy.finish().await.expect("a row was copied");
    })
    .await;
    // What was drawn here and is missing was rolled back within its block.
    let mut connection = raw(&database).await;
    let committed: Vec<i64> = sqlx::query_scalar("select position from es.events order by position")
        .fetch_all(&mut connection)
        .await
        .expect("a look past the store");
    assert!(committed.len() > FORMS.len(), "{committed:?}");
    let committed: Vec<u64> = committed.into_iter().map(i64::unsigned_abs).collect();
    assert_eq!(positions(&read_all(&store, Position::START).await), committed);
}

/// Runs a form while nobody can draw, and looks at the locks of the moment in which it is about to.
async fn drawing_is_seen(database: &Database, name: &str, form: impl AsyncFnOnce(&mut PgConnection)) {
    let (mut writer, mut blocker, mut watcher) = (raw(database).await, raw(database).await, raw(database).await);
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut writer).await.expect("a process");
    // `nextval` locks the sequence before it draws, and this keeps it from that.
    run(&mut blocker, "begin; alter sequence es.events_position_seq no cycle").await;
    let watch = async {
        loop {
            let waits: bool = sqlx::query_scalar(
                "select exists (select from pg_locks where pid = $1 and not granted
                     and relation = 'es.events_position_seq'::regclass)",
            )
            .bind(pid)
            .fetch_one(&mut watcher)
            .await
            .expect("a look at the locks");
            if waits {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let is_watched: bool = sqlx::query_scalar(
            "select exists (select from pg_locks where pid = $1 and granted and mode = 'RowExclusiveLock'
                 and locktype = 'relation' and relation = 'es.events'::regclass)",
        )
        .bind(pid)
        .fetch_one(&mut watcher)
        .await
        .expect("a look at the locks");
        run(&mut blocker, "rollback").await;
        is_watched
    };
    let ((), is_watched) = futures_util::future::join(form(&mut writer), watch).await;
    assert!(is_watched, "`{name}` draws before its transaction can be seen");
    for connection in [writer, blocker, watcher] {
        connection.close().await.expect("it is closed");
    }
}

/// What is not seen by the lock on the table is seen by that on the sequence: drawing without inserting.
pub(crate) async fn a_draw_without_an_insert_is_seen_by_the_lock_on_the_sequence(database: Database) {
    open(&database).await;
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    transaction.execute("savepoint one").await.expect("a savepoint");
    transaction.execute("select nextval('es.events_position_seq')").await.expect("a position");
    transaction.execute("rollback to one").await.expect("back");
    // The table's lock would be let go with the savepoint, and what was drawn can still be inserted with OVERRIDING.
    let holds: i64 = sqlx::query_scalar(AssertSqlSafe(
        "select count(*) from pg_locks where pid = pg_backend_pid() and mode = 'RowExclusiveLock'
             and relation = 'es.events_position_seq'::regclass",
    ))
    .fetch_one(&mut *transaction)
    .await
    .expect("a look");
    assert_eq!(holds, 1, "nextval's lock belongs to the whole transaction");
}
