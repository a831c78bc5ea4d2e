//! The role that only runs: what it may do, which the other tests show to be enough, and what the server refuses it.

use es_core::store::{EventStore as _, Expected, StoreError};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, error::DatabaseError};

use crate::support::{append, as_runtime, open, raw, runtime_role};

/// Each table is decided upon: a new one has to be added here, and in `sql/grant_runtime.sql`.
pub(crate) async fn a_role_that_only_runs_has_these_rights_and_no_others(database: Database) {
    open(&database).await;
    let rights: Vec<(String, String)> = sqlx::query_as(
        "select relname::text, string_agg(privilege, ' ' order by privilege)
         from pg_class, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) as privilege
         where relnamespace = 'es'::regnamespace and relkind in ('r', 'p')
           and has_table_privilege($1, pg_class.oid, privilege)
         group by relname order by relname",
    )
    .bind(runtime_role(database.url()))
    .fetch_all(&mut raw(&database).await)
    .await
    .expect("rights can be looked up");
    let rights: Vec<_> = rights.iter().map(|(table, rights)| (table.as_str(), rights.as_str())).collect();
    let expected = [
        ("archived_streams", "DELETE INSERT SELECT"),
        ("copies", "SELECT"),
        ("dead_letters", "DELETE INSERT SELECT UPDATE"),
        // And some columns of an INSERT: see below.
        ("events", "SELECT"),
        ("frontier", "INSERT SELECT UPDATE"),
        ("inline_read_models", "DELETE INSERT SELECT"),
        ("migrations", "SELECT"),
        ("projection_engines", "DELETE INSERT SELECT UPDATE"),
        ("projection_shards", "DELETE INSERT SELECT UPDATE"),
        ("projection_versions", "DELETE INSERT SELECT UPDATE"),
        ("projections", "INSERT SELECT UPDATE"),
        ("snapshots", "INSERT SELECT UPDATE"),
    ];
    assert_eq!(rights, expected);
    let columns: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_attribute
         where attrelid = 'es.events'::regclass and attnum > 0 and not attisdropped
           and not has_column_privilege($1, attrelid, attnum, 'INSERT')
         order by attnum",
    )
    .bind(runtime_role(database.url()))
    .fetch_all(&mut raw(&database).await)
    .await
    .expect("rights can be looked up");
    assert_eq!(columns, ["position", "recorded_at"], "the server fills these");
}

pub(crate) async fn a_role_that_only_runs_cannot_change_what_is_stored(database: Database) {
    let store = open(&database).await;
    store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    let mut runs = PgConnection::connect(&as_runtime(database.url())).await.expect("it may connect");
    let columns = "stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata";
    let values = "'test', 'b', 1, 'Tested', 1, gen_random_uuid(), '{}', '{}'";
    for statement in [
        "update es.events set payload = '{}'".to_owned(),
        "delete from es.events".to_owned(),
        "truncate es.events".to_owned(),
        format!("insert into es.events (position, {columns}) overriding system value values (1000000, {values})"),
        format!("insert into es.events (recorded_at, {columns}) values ('2000-01-01', {values})"),
        "copy es.events (position) from stdin".to_owned(),
        "select nextval('es.events_position_seq')".to_owned(),
        "select setval('es.events_position_seq', 1)".to_owned(),
        "alter sequence es.events_position_seq restart".to_owned(),
        "alter table es.events alter column position restart".to_owned(),
        "alter table es.events disable trigger all".to_owned(),
        "alter table es.events set unlogged".to_owned(),
        "alter table es.events drop column metadata".to_owned(),
        "drop trigger events_are_append_only on es.events".to_owned(),
        "create or replace function es.refuse_change() returns trigger language plpgsql as 'begin return new; end'"
            .to_owned(),
        "set session_replication_role = replica".to_owned(),
        "create index on es.events (event_id)".to_owned(),
        "create table es.more (x integer)".to_owned(),
        "create table es.part () inherits (es.events)".to_owned(),
        "drop table es.events".to_owned(),
        "drop table es.archived_streams cascade".to_owned(),
        "drop schema es cascade".to_owned(),
        "do $$ begin lock table es.events in share mode; end $$".to_owned(),
        "truncate es.snapshots".to_owned(),
        "truncate es.projection_shards".to_owned(),
        "delete from es.projections".to_owned(),
        "create or replace function es.refuse_old_snapshot(name text) returns boolean language sql as 'select true'"
            .to_owned(),
        "insert into es.migrations (version, name) values (99, 'of the future')".to_owned(),
    ] {
        let error = runs.execute(AssertSqlSafe(statement.clone())).await.map(drop).expect_err(&statement);
        let code = error.as_database_error().and_then(DatabaseError::code);
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
    }
    // The same insert without what the server chooses: it is the column that was refused.
    let insert = format!("insert into es.events ({columns}) values ({values})");
    runs.execute(AssertSqlSafe(insert)).await.expect("it may insert");
}

pub(crate) async fn rights_from_before_are_taken_away(database: Database) {
    let owner = PostgresStore::connect(database.url()).await.expect("the database is there");
    owner.migrate().await.expect("it can be migrated");
    let role = format!("{}_\"runs\" o'the $1", &database.name()[..30]);
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    let mut connection = raw(&database).await;
    let before = format!(
        "create role {quoted}; grant all on schema es to {quoted}; grant all on all tables in schema es to {quoted};
         grant all on all sequences in schema es to {quoted}; grant update (payload) on es.events to {quoted}"
    );
    connection.execute(sqlx::raw_sql(AssertSqlSafe(before))).await.expect("rights as they should not be");
    for _ in 0..2 {
        owner.grant_runtime(&role).await.expect("rights can be granted, and again");
    }
    let left: (bool, bool, bool, bool, bool) = sqlx::query_as(
        "select has_schema_privilege($1, 'es', 'create'), has_table_privilege($1, 'es.events', 'delete, truncate'),
                has_any_column_privilege($1, 'es.events', 'update'),
                has_column_privilege($1, 'es.events', 'position', 'insert'),
                has_sequence_privilege($1, 'es.events_position_seq', 'usage, update')",
    )
    .bind(&role)
    .fetch_one(&mut connection)
    .await
    .expect("rights can be looked up");
    let may_insert: bool = sqlx::query_scalar("select has_column_privilege($1, 'es.events', 'payload', 'insert')")
        .bind(&role)
        .fetch_one(&mut connection)
        .await
        .expect("rights can be looked up");
    let away = format!("drop owned by {quoted}; drop role {quoted}");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(away))).await.expect("the role is dropped");
    assert_eq!((left, may_insert), ((false, false, false, false, false), true));
}

pub(crate) async fn a_role_that_no_grant_restricts_is_refused(database: Database) {
    let owner = PostgresStore::connect(database.url()).await.expect("the database is there");
    let refused = owner.grant_runtime("postgres").await.expect_err("there are no tables");
    assert!(matches!(refused, StoreError::WrongSchema { found: 0, .. }), "{refused:?}");
    let runs = open(&database).await;
    let long = format!("{}{}", runtime_role(database.url()), "x".repeat(60));
    for (role, words) in [
        ("public", "no role"),
        ("none", "no role"),
        ("", "no role"),
        ("a\0b", "no role"),
        (long.as_str(), "no role"),
        (owner_role(&database).await.as_str(), "superuser"),
    ] {
        let refused = owner.grant_runtime(role).await.expect_err(role);
        assert!(matches!(refused, StoreError::Misconfigured(_)), "{refused:?}");
        assert!(refused.to_string().contains(words), "{refused}");
    }
    let refused = runs.grant_runtime(&runtime_role(database.url())).await.expect_err("it does not own the tables");
    assert!(matches!(refused, StoreError::Misconfigured(_)), "{refused:?}");
    assert!(refused.to_string().contains("only the owner"), "{refused}");
}

async fn owner_role(database: &Database) -> String {
    let role = sqlx::query_scalar("select current_user::text").fetch_one(&mut raw(database).await).await;
    role.expect("a connection has a role")
}
