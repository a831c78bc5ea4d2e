//! Read models whose rows change with the append, where only a server can show it: connections that die, transactions of the
//! caller's, schemas.

use es_core::{
    prelude::*,
    projection::{Activity, InlineError},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;
use sqlx::{Connection as _, Executor as _};

use crate::{
    stores::inline::{
        Looked, StoneEvent, V1, activity, carried, carry, engine, inline_error, is_a_fold_from_zero, not_here,
        open_inline, pile, request,
    },
    support::{count, open, raw, run, until_one_waits},
};

pub(crate) async fn who_has_an_older_view_of_the_data_is_refused(database: Database) {
    open(&database).await;
    let mut late = raw(&database).await;
    // It sees the data as they are now, in which nothing is guarded.
    late.execute("begin isolation level repeatable read; select count(*) from es.events").await.expect("a view");
    let store = open_inline(&database).await;
    let into = "insert into es.events (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
                values ('stone', 'raw', 1, 'Carried', 1, gen_random_uuid(), '{}', '{}')";
    let refused = late.execute(into).await.expect_err("an older view of the data is no way around");
    let refused = refused.as_database_error().expect("the server refuses it");
    assert_eq!((refused.code().as_deref(), refused.constraint()), (Some("ES002"), Some("piles@1")));
    run(&mut late, "rollback").await;
    assert_eq!(count(&mut late, "raw").await, 0);
    is_a_fold_from_zero(&store).await;
}

pub(crate) async fn a_transaction_of_the_callers_is_left_as_it_was(database: Database) {
    let older = open(&database).await;
    let mut connection = raw(&database).await;
    let store = open_inline(&database).await;
    let mut transaction = connection.begin().await.expect("a transaction");
    let refused = store.append_in(&mut transaction, request("t", Expected::Any, [carried(1, 2, 1)])).await;
    let refused = inline_error(refused.expect_err("it is refused"));
    assert!(matches!(refused, InlineError::InTransaction { .. }), "{refused}");
    let looked = request("t", Expected::Any, [StoneEvent::Looked(Looked {})]);
    store.append_in(&mut transaction, looked).await.expect("others are taken");
    transaction.commit().await.expect("a commit");
    let mut transaction = connection.begin().await.expect("a transaction");
    let refused = older.append_in(&mut transaction, request("t", Expected::Any, [carried(1, 2, 1)])).await;
    not_here(&refused.expect_err("it is refused"));
    transaction.rollback().await.expect("a rollback");
    assert_eq!(count(&mut connection, "t").await, 1);
    is_a_fold_from_zero(&store).await;
}

pub(crate) async fn an_append_whose_backend_is_killed_changes_rows_once(database: Database) {
    let store = open_inline(&database).await;
    let (mut other, mut killer) = (raw(&database).await, raw(&database).await);
    carry(&store, "first", carried(1, 2, 1)).await;
    for round in 0..5 {
        let mut transaction = other.begin().await.expect("a transaction");
        transaction.execute("select from piles_v1 for update").await.expect("the rows are held");
        let sent = tokio::spawn({
            let (store, request) =
                (store.clone(), request(&format!("s{round}"), Expected::Any, [carried(1, 2, round)]));
            async move { store.append(request).await }
        });
        // Its events are stored, its rows are not: now its connection dies.
        let pid = until_one_waits(&mut killer).await;
        sqlx::query("select pg_terminate_backend($1)").bind(pid).execute(&mut killer).await.expect("a kill");
        transaction.rollback().await.expect("a rollback");
        sent.await.expect("the task").expect("the append is sent again");
        assert_eq!(count(&mut killer, &format!("s{round}")).await, 1);
        assert_eq!(pile(&store, 2).await.map(|(_, carried)| carried), Some(round + 2));
    }
    is_a_fold_from_zero(&store).await;
}

pub(crate) async fn it_works_in_a_schema_with_a_difficult_name(database: Database) {
    let config = PostgresConfig::new().schema("o'b\"es\"r");
    let store = PostgresStore::connect_with(database.url(), config).await.expect("the database is there");
    store.migrate().await.expect("it can be migrated");
    engine(&store).run_to_frontier().await.expect("the frontier");
    assert_eq!(activity(&store, V1).await, Activity::Inline);
    carry(&store, "a", carried(1, 2, 1)).await;
    assert_eq!(pile(&store, 2).await, Some((1, 1)));
    is_a_fold_from_zero(&store).await;
}
