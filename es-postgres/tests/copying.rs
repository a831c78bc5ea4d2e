//! Copies out of the server and into it: the rules that hold for every two stores, and what only a server shows.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use es_core::{
    MemoryStore,
    copy::{CopyError, Difference, copy},
    store::{EventStore as _, Expected, StoreError},
};
use es_postgres::PostgresStore;
use es_tests::database::{Database, DatabaseTest};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, error::DatabaseError};

use crate::{
    copies,
    support::{append, as_runtime, open, open_schema, raw, read_all, run, runtime_role},
};

macro_rules! on_postgres {
    ($name:ident: $source:expr => $target:expr; $($module:ident::$test:ident,)+) => {
        pub(crate) mod $name {
            use super::*;
            use crate::copying;

            pub(crate) fn tests() -> Vec<DatabaseTest> {
                es_tests::database_tests![$(copying::$name::$test),+]
            }

            $(pub(crate) async fn $test(database: Database) {
                copies::$module::$test(&$source(&database).await, &$target(&database).await).await;
            })+
        }
    };
}

fn memory(_: &Database) -> Ready<MemoryStore> {
    ready(MemoryStore::new())
}

async fn one(database: &Database) -> PostgresStore {
    open_schema(database, "one").await
}

async fn other(database: &Database) -> PostgresStore {
    open_schema(database, "the \"other\" o'the es").await
}

copies::every_rule! { on_postgres! { from_memory: memory => other; } }
copies::every_rule! { on_postgres! { into_memory: one => memory; } }
copies::every_rule! { on_postgres! { between_schemas: one => other; } }

/// The rules, in every direction.
pub(crate) fn tests() -> Vec<DatabaseTest> {
    [from_memory::tests(), into_memory::tests(), between_schemas::tests()].into_iter().flatten().collect()
}

/// Two databases, as in a move from one to another.
pub(crate) async fn one_database_is_copied_into_another(database: Database) {
    let name = format!("{}_copy", database.name());
    let mut admin = PgConnection::connect(database.admin_url()).await.expect("the server is there");
    run(&mut admin, &format!("create database {name}")).await;
    let url = database.url().replace(database.name(), &name);
    let source = open(&database).await;
    let target = PostgresStore::connect(&url).await.expect("the database is there");
    target.migrate().await.expect("it can be migrated");
    copies::fill(&source, 1_234).await;
    let first = copies::copied(&source, &target).await;
    copies::assert_same(&source, &target).await;
    // And back into the first one.
    let back = open_schema(&database, "back").await;
    assert_eq!(copies::copied(&target, &back).await.hash, first.hash);
    copies::assert_same(&source, &back).await;
    target.close().await;
    run(&mut admin, &format!("drop database {name}")).await;
}

/// Changes that the triggers would refuse, of one event or its absence.
pub(crate) async fn what_was_changed_by_hand_is_found(database: Database) {
    let source = MemoryStore::new();
    copies::fill(&source, 40).await;
    let target = open(&database).await;
    copies::copied(&source, &target).await;
    let mut hands = raw(&database).await;
    let of = "where position = (select position from es.events order by position offset 16 limit 1)";
    for (change, expected) in [
        ("payload = payload || '{\"more\": 1}'", "payload"),
        ("payload = jsonb_set(payload, '{number}', '0.00000000000000000001')", "payload"),
        ("metadata = metadata || '{\"actor\": \"nobody\"}'", "metadata"),
        ("recorded_at = recorded_at + interval '1 microsecond'", "time of recording"),
        ("event_id = gen_random_uuid()", "event id"),
        ("event_type = 'LampPutOut'", "event type"),
        ("schema_version = 2", "schema version"),
        ("version = version + 1000", "version"),
        ("stream_id = 'another'", "stream id"),
        ("idempotency_key = 'another'", "idempotency key"),
        ("append_size = 2", "size of the append"),
    ] {
        run(&mut hands, "alter table es.events disable trigger all").await;
        run(&mut hands, &format!("create table before as select * from es.events {of}")).await;
        run(&mut hands, &format!("update es.events set {change} {of}")).await;
        let found = copy(&source, &target).await.expect_err(change);
        let CopyError::Verification(Difference::Field { field, position, .. }) = &found else { panic!("{found:?}") };
        assert_eq!((*field, position.get()), (expected, 17));
        run(
            &mut hands,
            "update es.events as it
             set (stream_id, version, event_type, schema_version, event_id, payload, metadata, recorded_at,
                  idempotency_key, append_size)
               = (select stream_id, version, event_type, schema_version, event_id, payload, metadata, recorded_at,
                         idempotency_key, append_size from before)
             where position = (select position from before)",
        )
        .await;
        run(&mut hands, "drop table before").await;
        copies::copied(&source, &target).await;
    }
    run(&mut hands, &format!("delete from es.events {of}")).await;
    let found = copy(&source, &target).await.expect_err("one is missing");
    assert!(matches!(found, CopyError::Verification(Difference::Field { .. })), "the next stands there: {found:?}");
    run(&mut hands, "delete from es.events where position = (select max(position) from es.events)").await;
    let found = copy(&source, &target).await.expect_err("the last is missing");
    assert!(matches!(found, CopyError::TargetDiverged { .. }), "{found:?}");
}

pub(crate) async fn a_source_that_was_changed_by_hand_is_found(database: Database) {
    let (source, target) = (open(&database).await, MemoryStore::new());
    copies::fill(&source, 10).await;
    copies::copied(&source, &target).await;
    let mut hands = raw(&database).await;
    run(&mut hands, "alter table es.events disable trigger all").await;
    run(&mut hands, "update es.events set payload = '{}' where position = 3").await;
    let found = copy(&source, &target).await.expect_err("one was changed");
    assert!(matches!(found, CopyError::Verification(Difference::Field { field: "payload", .. })), "{found:?}");
    run(&mut hands, "update es.events set event_id = gen_random_uuid() where position = 10").await;
    let found = copy(&source, &target).await.expect_err("the last is another one");
    assert!(matches!(found, CopyError::SourceDiverged { .. }), "{found:?}");
}

/// An append that has drawn its position and is not committed is seen by no look at the table.
pub(crate) async fn an_open_transaction_in_the_target_is_waited_for_and_then_noticed(database: Database) {
    let source = MemoryStore::new();
    copies::fill(&source, 10).await;
    let target = open(&database).await;
    copies::copied(&source, &target).await;
    copies::fill(&source, 10).await;
    let mut connection = raw(&database).await;
    let mut open = connection.begin().await.expect("a transaction");
    target.append_in(&mut open, append("own", Expected::NoStream, 1)).await.expect("an append");
    let commit = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        open.commit().await.expect("a commit");
    };
    let (refused, ()) = tokio::join!(copy(&source, &target), commit);
    let refused = refused.expect_err("an event came between");
    assert!(matches!(refused, CopyError::AppendedBetween { .. }), "{refused:?}");
    assert_eq!(read_all(&target, 0.into()).await.len(), 11);
}

pub(crate) async fn a_transaction_in_the_target_that_gave_up_harms_nothing(database: Database) {
    let source = MemoryStore::new();
    copies::fill(&source, 10).await;
    let target = open(&database).await;
    for _ in 0..2 {
        let mut connection = raw(&database).await;
        let mut open = connection.begin().await.expect("a transaction");
        target.append_in(&mut open, append("own", Expected::NoStream, 1)).await.expect("an append");
        let roll_back = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            open.rollback().await.expect("it is rolled back");
        };
        let (report, ()) = tokio::join!(copy(&source, &target), roll_back);
        assert_eq!(report.expect("there was no event of its own").copied, 10);
        copies::fill(&source, 10).await;
    }
    copies::copied(&source, &target).await;
}

/// Readers wait for a batch that is not committed as for any writer, and pass it when it was given up.
pub(crate) async fn a_batch_that_is_not_committed_holds_readers(database: Database) {
    let source = MemoryStore::new();
    copies::fill(&source, 20).await;
    let target = open(&database).await;
    copies::copied(&source, &target).await;
    let mut connection = raw(&database).await;
    run(&mut connection, "begin").await;
    run(
        &mut connection,
        "select es.import_events(source_history, events, hash, source_history, 21, events + 1, hash, '{lamp}', '{z}', '{1}',
             '{LampLit}', '{1}', array[gen_random_uuid()], '{2020-01-01}', '{null}', '{null}', '{\"{}\"}', '{\"{}\"}')
         from es.copies",
    )
    .await;
    let modes: Vec<String> = sqlx::query_scalar(
        "select mode from pg_locks where pid = pg_backend_pid() and relation = 'es.events'::regclass and granted",
    )
    .fetch_all(&mut connection)
    .await
    .expect("locks can be looked at");
    assert!(modes.iter().any(|mode| mode == "RowExclusiveLock"), "{modes:?}");
    assert_eq!(target.settled().await.expect("a position"), 20);
    run(&mut connection, "rollback").await;
    let placed = target.append(append("own", Expected::NoStream, 1)).await.expect("an append");
    assert_eq!(placed.position(), 22, "a position was drawn and given up");
    assert_eq!(target.settled().await.expect("a position"), 22);
}

pub(crate) async fn a_copy_whose_backend_is_killed_goes_on(database: Database) {
    let source = MemoryStore::new();
    copies::fill(&source, 600).await;
    let target = open(&database).await;
    let killer = tokio::spawn({
        let mut connection = raw(&database).await;
        async move {
            for _ in 0..12 {
                tokio::time::sleep(Duration::from_millis(25)).await;
                let kill = "select pg_terminate_backend(pid) from pg_stat_activity
                            where datname = current_database() and pid <> pg_backend_pid()
                              and query like '%import_events%' and state = 'active'";
                connection.execute(kill).await.expect("backends can be ended");
            }
        }
    });
    let mut broken = 0;
    loop {
        match copy(&source, &target).batch(3).await {
            Ok(_) => break,
            Err(error) if error.is_unavailable() => broken += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    killer.await.expect("it ended well");
    copies::copied(&source, &target).await;
    copies::assert_same(&source, &target).await;
    println!("broken off {broken} times");
}

/// What the role may not do otherwise, say when an event was recorded, it may only while there is nothing but a copy.
pub(crate) async fn a_role_that_only_runs_can_copy_and_not_forge(database: Database) {
    let target = open(&database).await;
    target.append(append("own", Expected::NoStream, 1)).await.expect("an append");
    let mut runs = PgConnection::connect(&as_runtime(database.url())).await.expect("it may connect");
    let forged = "select es.import_events(null, null, null, gen_random_uuid(), 1, 1, decode(repeat('00', 32), 'hex'), '{test}',
                      '{forged}', '{1}', '{Tested}', '{1}', array[gen_random_uuid()], '{1999-01-01}', '{null}', '{null}',
                      '{\"{}\"}', '{\"{}\"}')";
    runs.execute(forged).await.expect("it is answered");
    assert_eq!(read_all(&target, 0.into()).await.len(), 1, "nothing was stored");
    for refused in
        ["insert into es.copies select * from es.copies", "update es.copies set events = 0", "delete from es.copies"]
    {
        let error = runs.execute(refused).await.map(drop).expect_err(refused);
        assert_eq!(error.as_database_error().and_then(DatabaseError::code).as_deref(), Some("42501"), "{error}");
    }
    // Nobody but those who were granted it may call it at all.
    let stranger = format!("{}_stranger", runtime_role(database.url()));
    let mut admin = raw(&database).await;
    run(&mut admin, &format!("create role {stranger}; grant usage on schema es to {stranger}; set role {stranger}"))
        .await;
    let error = admin.execute(AssertSqlSafe(forged)).await.map(drop).expect_err("it was granted nothing");
    assert_eq!(error.as_database_error().and_then(DatabaseError::code).as_deref(), Some("42501"), "{error}");
    run(&mut admin, &format!("reset role; drop owned by {stranger}; drop role {stranger}")).await;
}

pub(crate) async fn what_the_server_cannot_keep_is_refused_as_a_whole(database: Database) {
    let (source, target) = (MemoryStore::new(), open(&database).await);
    copies::fill(&source, 5).await;
    let huge = es_core::store::Append::new(copies::stream("odd"), Expected::Any, vec![copies::new_event("1e200000")]);
    source.append(huge).await.expect("memory keeps it");
    for _ in 0..2 {
        let refused = copy(&source, &target).await.expect_err("no number is that large there");
        assert!(matches!(refused, CopyError::Target(StoreError::Backend { .. })), "{refused:?}");
    }
    assert_eq!(read_all(&target, 0.into()).await.len(), 0);
}

/// Their rows would be left behind.
pub(crate) async fn a_read_model_that_changes_with_the_appends_stands_in_the_way(database: Database) {
    let (source, target) = (MemoryStore::new(), open(&database).await);
    copies::fill(&source, 5).await;
    let mut owner = raw(&database).await;
    run(
        &mut owner,
        "insert into es.projections (name, kind, active, oldest, newest) values ('lamps', 'read_model', 1, 1, 1);
         insert into es.projection_versions (name, version) values ('lamps', 1);
         insert into es.inline_read_models (name, version, events) values ('lamps', 1, '{LampLit}');
         select es.place_inline_guard()",
    )
    .await;
    let refused = copy(&source, &target).await.expect_err("its rows are to change");
    assert!(matches!(refused, CopyError::Target(StoreError::Inline(_))), "{refused:?}");
    assert_eq!(read_all(&target, 0.into()).await.len(), 0);
    run(&mut owner, "delete from es.inline_read_models; select es.place_inline_guard()").await;
    copies::copied(&source, &target).await;
}

pub(crate) async fn tables_from_before_copies_say_what_to_do(database: Database) {
    let (source, target) = (MemoryStore::new(), open(&database).await);
    run(&mut raw(&database).await, "drop table es.copies").await;
    let refused = copy(&source, &target).await.expect_err("there is no table");
    assert!(matches!(refused, CopyError::Target(StoreError::WrongSchema { .. })), "{refused:?}");
    assert!(refused.to_string().contains("migrate()"), "{refused}");
}
