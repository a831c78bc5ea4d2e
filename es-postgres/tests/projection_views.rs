//! What readers see of a read model while it is built anew.

use es_core::{
    projection::{Claim, ProjectionId, ProjectionStore as _, TableSchema},
    recorded::Position,
    store::StoreError,
};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, error::DatabaseError};

use crate::{
    projection_support::{
        LAMPS, LAMPS_2, LAMPS_3, LONG, begin, claim, engine, moved, open_with, prepare, read_model, shard,
    },
    support::{raw, run},
};

fn lamps(version: u32) -> ProjectionId {
    ProjectionId { name: "lamps", version }
}

/// Brings a version to a position, with these rows.
async fn build(store: &PostgresStore, table: &TableSchema, to: u64, rows: &Value) -> Claim {
    let held = claim(store, &engine("builder", LONG), shard(lamps(table.version), 0)).await;
    let mut transaction = begin(store, &held, 0, to).await;
    store.write_rows(&mut transaction, table, rows.to_string(), &[]).await.expect("rows can be written");
    store.commit(transaction).await.expect("a commit");
    store.release(&held).await.expect("a release");
    held
}

async fn sums(reader: &mut PgConnection) -> (i64, i64) {
    sqlx::query_as("select count(*), sum(lit)::bigint from lamps").fetch_one(reader).await.expect("the view is there")
}

pub(crate) async fn a_switch_is_seen_at_once_or_not_at_all(database: Database) {
    let store = open_with(&database, &[read_model(LAMPS)]).await;
    build(&store, &LAMPS, 5, &json!([{ "id": "a", "lit": 1 }, { "id": "b", "lit": 2 }])).await;
    // A reader in one view of the data, before anything is known of a new version, with a statement that is prepared.
    let (mut early, mut prepared, mut connection) = (raw(&database).await, raw(&database).await, raw(&database).await);
    early.execute("begin isolation level repeatable read").await.expect("a transaction");
    assert_eq!(
        sqlx::query_scalar::<_, i32>("select active from es.projections").fetch_one(&mut early).await.expect("1"),
        1
    );
    run(&mut prepared, "prepare seen as select count(*), sum(lit)::bigint from lamps where id >= 'a'").await;

    prepare(&database, &[read_model(LAMPS_2)]).await;
    let mut late = raw(&database).await;
    late.execute("begin isolation level repeatable read").await.expect("a transaction");
    for reader in [&mut early, &mut late, &mut connection] {
        assert_eq!(sums(reader).await, (2, 3), "the new version is empty, and nobody sees it");
    }
    assert!(!store.switch(lamps(2), Position::new(5)).await.expect("an answer"), "it has not come so far");
    build(&store, &LAMPS_2, 4, &json!([{ "id": "a", "lit": 10, "place": "hall" }])).await;
    assert!(!store.switch(lamps(2), Position::new(4)).await.expect("an answer"), "the old one is further");
    let held = claim(&store, &engine("builder", LONG), shard(lamps(2), 0)).await;
    assert!(store.advance(&held, &moved(&store, 4, 5).await).await.expect("an answer"));
    assert!(!store.switch(lamps(2), Position::new(6)).await.expect("an answer"), "it has not come so far");
    assert_eq!(sums(&mut connection).await, (2, 3));
    assert!(store.switch(lamps(2), Position::new(5)).await.expect("an answer"));
    for (reader, expected) in [(&mut early, (2, 3)), (&mut late, (2, 3)), (&mut connection, (1, 10))] {
        assert_eq!(sums(reader).await, expected);
    }
    let answer = sqlx::query_as::<_, (i64, i64)>("execute seen").fetch_one(&mut prepared).await;
    assert_eq!(answer.expect("a statement that was prepared goes on"), (1, 10));
    // Never back, and again changes nothing.
    assert!(!store.switch(lamps(1), Position::START).await.expect("an answer"));
    assert!(store.switch(lamps(2), Position::new(900)).await.expect("an answer"), "it is active already");
    // An older program may go on with the older version, and changes nothing of what readers see.
    store.prepare(&[read_model(LAMPS)]).await.expect("it is there still");
    assert_eq!(sums(&mut connection).await, (1, 10));
    for reader in [&mut early, &mut late] {
        reader.execute("commit").await.expect("an end");
        assert_eq!(sums(reader).await, (1, 10));
    }
}

/// Readers that look all the time see one version or the other, whatever is made, switched and removed.
pub(crate) async fn readers_never_see_the_view_missing_or_mixed(database: Database) {
    let store = open_with(&database, &[read_model(LAMPS)]).await;
    build(&store, &LAMPS, 1, &json!([{ "id": "a", "lit": 1 }, { "id": "b", "lit": 1 }, { "id": "c", "lit": 1 }])).await;
    let (done, stop) = tokio::sync::watch::channel(false);
    let readers: Vec<_> = ["read committed", "repeatable read", "serializable"]
        .into_iter()
        .map(|isolation| {
            let (database, stop) = (database.clone(), stop.clone());
            tokio::spawn(async move {
                let mut connection = raw(&database).await;
                let mut looks = 0;
                while !*stop.borrow() {
                    run(&mut connection, &format!("begin isolation level {isolation}")).await;
                    for _ in 0..3 {
                        let seen =
                            sqlx::query_as::<_, (i64, Option<i64>)>("select count(*), sum(lit)::bigint from lamps");
                        match seen.fetch_one(&mut connection).await {
                            Ok(seen) => assert!(matches!(seen, (3, Some(3 | 30 | 300))), "{seen:?}"),
                            // Older versions are gone, and this transaction is older than the switch: it is told so.
                            Err(error) => {
                                let code = error.as_database_error().and_then(DatabaseError::code);
                                assert_eq!(code.as_deref(), Some("40001"), "{error}");
                                break;
                            }
                        }
                    }
                    run(&mut connection, "rollback").await;
                    looks += 1;
                }
                looks
            })
        })
        .collect();
    for (table, lit) in [(LAMPS_2, 10), (LAMPS_3, 100)] {
        prepare(&database, &[read_model(table)]).await;
        let lit = if table.version == 3 { json!(lit.to_string()) } else { json!(lit) };
        let rows: Value = ["a", "b", "c"].iter().map(|id| json!({ "id": id, "lit": lit })).collect();
        build(&store, &table, 1, &rows).await;
        assert!(store.switch(lamps(table.version), Position::new(1)).await.expect("an answer"));
        let owner = PostgresStore::connect(database.url()).await.expect("the database is there");
        owner.drop_older("lamps").await.expect("older versions can be removed");
        owner.drop_older("lamps").await.expect("and again");
    }
    done.send(true).expect("readers wait");
    for reader in readers {
        assert!(reader.await.expect("no reader saw anything else") > 0);
    }
    let tables: Vec<String> =
        sqlx::query_scalar("select relname::text from pg_class where relname ~ '^lamps_v.$' and relkind = 'r'")
            .fetch_all(&mut raw(&database).await)
            .await
            .expect("a look");
    assert_eq!(tables, ["lamps_v3"]);
    let columns: Vec<String> =
        sqlx::query_scalar("select attname::text from pg_attribute where attrelid = 'lamps'::regclass order by attnum")
            .fetch_all(&mut raw(&database).await)
            .await
            .expect("a look");
    assert_eq!(columns, ["id", "lit"]);
    let row = store.find_row(&LAMPS_3, "a").await.expect("a look").expect("it is there");
    assert_eq!(row, b"[\"a\", \"100\"]");
    // What is gone is not made anew by an older program, and whoever claims it is told.
    store.prepare(&[read_model(LAMPS_2)]).await.expect("nothing is done");
    assert_eq!(store.claim(&engine("old", LONG), shard(lamps(2), 0)).await.expect("an answer"), None);
    let roster = store.roster(&[lamps(2)]).await.expect("a roster");
    assert!(roster.shards.iter().all(|state| state.shard.projection == lamps(3)), "{roster:?}");
    assert_eq!(roster.active, [lamps(3)]);
}

pub(crate) async fn a_reader_from_before_the_switch_is_told_where_its_version_is_gone(database: Database) {
    let store = open_with(&database, &[read_model(LAMPS)]).await;
    build(&store, &LAMPS, 1, &json!([{ "id": "a", "lit": 1 }])).await;
    prepare(&database, &[read_model(LAMPS_2)]).await;
    let mut early = raw(&database).await;
    early.execute("begin isolation level repeatable read; select 1").await.expect("its view of the data begins");
    build(&store, &LAMPS_2, 1, &json!([{ "id": "a", "lit": 2 }])).await;
    assert!(store.switch(lamps(2), Position::new(1)).await.expect("an answer"));
    let owner = PostgresStore::connect(database.url()).await.expect("the database is there");
    owner.drop_older("lamps").await.expect("older versions can be removed");
    let error = sqlx::query("select * from lamps").fetch_all(&mut early).await.expect_err("its version is gone");
    assert_eq!(error.as_database_error().and_then(DatabaseError::code).as_deref(), Some("40001"), "{error}");
    assert_eq!(sums(&mut raw(&database).await).await, (1, 2));
    // The role that only runs may not remove tables, and is told who may.
    prepare(&database, &[read_model(LAMPS_3)]).await;
    build(&store, &LAMPS_3, 1, &json!([{ "id": "a", "lit": "3" }])).await;
    assert!(store.switch(lamps(3), Position::new(1)).await.expect("an answer"));
    let error = store.drop_older("lamps").await.expect_err("it may not");
    assert!(matches!(error, StoreError::Misconfigured(_)) && error.to_string().contains("owner"), "{error:?}");
    assert_eq!(sums(&mut raw(&database).await).await, (1, 3));
}

pub(crate) async fn the_view_is_as_quick_as_the_table(database: Database) {
    let store = open_with(&database, &[read_model(LAMPS)]).await;
    let rows: Value = (0..2_000).map(|lamp| json!({ "id": format!("{lamp:04}"), "lit": lamp })).collect();
    build(&store, &LAMPS, 1, &rows).await;
    prepare(&database, &[read_model(LAMPS_2)]).await;
    build(&store, &LAMPS_2, 1, &rows).await;
    let mut connection = raw(&database).await;
    connection.execute("analyze lamps_v1; analyze lamps_v2").await.expect("statistics");
    for (active, other) in [(1, 2), (2, 1)] {
        let plan: Vec<String> = sqlx::query_scalar(
            "explain (analyze, costs off, timing off, summary off) select * from lamps where id = '0007'",
        )
        .fetch_all(&mut connection)
        .await
        .expect("a plan");
        let scan = |version: u32| {
            let index = format!("using lamps_v{version}_pkey");
            plan.iter().find(|line| line.contains(&index)).unwrap_or_else(|| panic!("{plan:#?}"))
        };
        assert!(scan(active).contains("rows=1 loops=1"), "{plan:#?}");
        assert!(scan(other).contains("never executed"), "{plan:#?}");
        assert!(store.switch(lamps(2), Position::new(1)).await.expect("an answer"));
    }
}

pub(crate) async fn rights_on_a_view_outlive_its_change(database: Database) {
    let store = open_with(&database, &[read_model(LAMPS_2)]).await;
    let mut connection = raw(&database).await;
    let reader = format!("{}_reads", &database.name()[..30]);
    run(&mut connection, &format!("create role {reader}; grant select on lamps to {reader}")).await;
    // Another type of a column: the view is made anew.
    prepare(&database, &[read_model(LAMPS_3)]).await;
    let ty: String = sqlx::query_scalar("select pg_typeof(lit)::text from (select 1) as one left join lamps on true")
        .fetch_one(&mut connection)
        .await
        .expect("a type");
    let mut transaction = connection.begin().await.expect("a transaction");
    run(&mut transaction, &format!("set local role {reader}")).await;
    assert_eq!(sqlx::query("select * from lamps").fetch_all(&mut *transaction).await.expect("it may read").len(), 0);
    transaction.rollback().await.expect("an end");
    run(&mut connection, &format!("drop owned by {reader}; drop role {reader}")).await;
    assert_eq!(ty, "numeric");
    assert_eq!(store.find_rows(&LAMPS_2, "", vec![]).await.expect("a look").len(), 0);
}

pub(crate) async fn a_view_that_stays_in_use_is_not_waited_for_for_ever(database: Database) {
    let store = open_with(&database, &[read_model(LAMPS)]).await;
    let mut reader = raw(&database).await;
    reader.execute("begin; select * from lamps").await.expect("a reader");
    let set = es_postgres::PostgresConfig::new().acquire_timeout(std::time::Duration::from_millis(500));
    let owner = PostgresStore::connect_with(database.url(), set).await.expect("the database is there");
    let error = owner.prepare(&[read_model(LAMPS_2)]).await.expect_err("the view is in use");
    let es_core::projection::PrepareError::Store(error) = error else { panic!("{error:?}") };
    assert!(error.is_unavailable(), "{error:?}");
    // All of it was undone, and meanwhile nobody was kept from reading.
    assert_eq!(store.roster(&[lamps(2)]).await.expect("a roster").shards.len(), 1);
    assert!(store.find_row(&LAMPS, "a").await.expect("a look").is_none());
    let preparing = tokio::spawn(async move {
        let schemas = [read_model(LAMPS_2)];
        PostgresStore::prepare(&PostgresStore::connect(database.url()).await.expect("it is there"), &schemas).await
    });
    reader.execute("commit").await.expect("the reader ends");
    preparing.await.expect("the task").expect("the view is free");
}
