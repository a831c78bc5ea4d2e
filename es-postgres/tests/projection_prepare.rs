//! Making projections ready: what is made, what is refused, and who may.

use es_core::{
    projection::{
        ColumnDifference, ColumnSchema, ColumnType, PrepareError, ProjectionId, ProjectionKind, ProjectionSchema,
        ProjectionStore as _, Start, TableSchema,
    },
    recorded::Position,
    store::{EventStore as _, Expected, StoreError},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;
use sqlx::Executor as _;

use crate::{
    projection_support::{
        ID, LAMPS, LAMPS_2, LONG, MAILS, begin, claim, engine, mails, open_with, position, prepare, read_model, shard,
    },
    support::{append, open, raw, run, runtime_role},
};

async fn owner(database: &Database) -> PostgresStore {
    PostgresStore::connect(database.url()).await.expect("the database is there")
}

pub(crate) async fn what_the_owner_has_prepared_runs_without_a_right_to_make_tables(database: Database) {
    let store = open(&database).await;
    let schemas = [read_model(LAMPS), mails(1)];
    let refused = store.prepare(&schemas).await.expect_err("it may make no tables");
    let PrepareError::Store(error @ StoreError::Misconfigured(_)) = &refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("call `prepare` as the owner"), "{error}");
    assert_eq!(store.roster(&[MAILS]).await.expect("a roster").shards.len(), 0, "nothing was made");
    store.prepare(&[mails(1)]).await.expect("for this no table is needed");

    prepare(&database, &schemas).await;
    store.prepare(&schemas).await.expect("all is there");
    let lamps = read_model(LAMPS).id;
    let held = claim(&store, &engine("a", LONG), shard(lamps, 0)).await;
    let mut transaction = begin(&store, &held, 0, 1).await;
    let rows = "[{\"id\": \"a\", \"lit\": 1}, {\"id\": \"b\", \"lit\": 1}]".to_owned();
    store.write_rows(&mut transaction, &LAMPS, rows, &["b".to_owned()]).await.expect("it may write");
    assert_eq!(store.load_rows(&mut transaction, &LAMPS, &["a".to_owned()]).await.expect("it may read").len(), 1);
    store.commit(transaction).await.expect("a commit");
    assert!(store.find_row(&LAMPS, "a").await.expect("it may read").is_some());
    // Rights that were taken away come back with `grant_runtime`, which knows the read models too.
    let role = runtime_role(database.url());
    run(
        &mut raw(&database).await,
        &format!("revoke all on lamps, lamps_v1 from {role}; grant truncate on lamps_v1 to {role}"),
    )
    .await;
    store.find_row(&LAMPS, "a").await.expect_err("it may not");
    owner(&database).await.grant_runtime(&role).await.expect("rights can be granted");
    assert!(store.find_row(&LAMPS, "a").await.expect("it may read").is_some());
    let truncate: bool = sqlx::query_scalar("select has_table_privilege($1, 'lamps_v1', 'truncate')")
        .bind(&role)
        .fetch_one(&mut raw(&database).await)
        .await
        .expect("a look");
    assert!(!truncate, "no others are left");
    // A switch needs none.
    prepare(&database, &[read_model(LAMPS_2)]).await;
    assert!(!store.switch(read_model(LAMPS_2).id, Position::START).await.expect("it may"), "it has not come so far");
    assert!(
        store
            .advance(
                &claim(&store, &engine("b", LONG), shard(read_model(LAMPS_2).id, 0)).await,
                &crate::projection_support::moved(&store, 0, 1).await
            )
            .await
            .expect("it may")
    );
    assert!(store.switch(read_model(LAMPS_2).id, Position::START).await.expect("it may"));
}

pub(crate) async fn another_schema_holds_the_read_models_where_that_is_said(database: Database) {
    open(&database).await;
    let config = || PostgresConfig::new().read_model_schema("Read \"models\"");
    let owner = PostgresStore::connect_with(database.url(), config()).await.expect("the database is there");
    owner.prepare(&[read_model(LAMPS), read_model(TableSchema::new("order", 1, LAMPS.columns))]).await.expect("made");
    let url = crate::support::as_runtime(database.url());
    let store = PostgresStore::connect_with(&url, config()).await.expect("the database is there");
    store.prepare(&[read_model(LAMPS)]).await.expect("all is there");
    assert!(store.find_row(&LAMPS, "a").await.expect("a look").is_none());
    let elsewhere = PostgresStore::connect(&url).await.expect("the database is there");
    let refused = elsewhere.prepare(&[read_model(LAMPS)]).await.expect_err("its table is not there");
    assert!(refused.to_string().contains("read_model_schema"), "{refused}");
}

pub(crate) async fn other_columns_need_another_version(database: Database) {
    const CHANGED: TableSchema = TableSchema::new(
        "lamps",
        1,
        &[ColumnSchema::new("id", ColumnType::Uuid, false).key(), ColumnSchema::new("place", ColumnType::Text, true)],
    );
    const INDEXED: TableSchema =
        TableSchema::new("lamps", 1, &[ColumnSchema::new("lit", ColumnType::BigInt, false).indexed(), ID]);
    let store = open_with(&database, &[read_model(LAMPS)]).await;
    let refused = store.prepare(&[mails(1), read_model(CHANGED)]).await.expect_err("the columns are others");
    let PrepareError::TableChanged { projection, differences } = &refused else { panic!("{refused:?}") };
    let expected = [
        ColumnDifference::Other { column: "id".into(), found: "text, the key".into(), wanted: "uuid, the key".into() },
        ColumnDifference::Missing { column: "place".into(), wanted: "text, may be null".into() },
        ColumnDifference::Extra { column: "lit".into() },
    ];
    assert_eq!((*projection, differences.as_slice()), (read_model(LAMPS).id, expected.as_slice()));
    assert_eq!(store.roster(&[MAILS]).await.expect("a roster").shards.len(), 0, "nothing was made");
    // An index is made where it is missing, and the order of the fields means nothing.
    store.prepare(&[read_model(INDEXED)]).await.expect_err("it may make no index");
    prepare(&database, &[read_model(INDEXED)]).await;
    store.prepare(&[read_model(INDEXED)]).await.expect("all is there");
    store.prepare(&[read_model(LAMPS)]).await.expect("an index too many does no harm");
    let indexes: Vec<String> =
        sqlx::query_scalar("select indexdef from pg_indexes where tablename = 'lamps_v1' order by 1")
            .fetch_all(&mut raw(&database).await)
            .await
            .expect("a look");
    assert!(indexes.len() == 2 && indexes[0].contains("(lit)"), "{indexes:?}");
}

pub(crate) async fn names_that_are_taken_are_refused(database: Database) {
    let store = open(&database).await;
    let owner = owner(&database).await;
    let mut connection = raw(&database).await;
    for (taken, made) in [("lamps", "view lamps as select 1"), ("lamps_v1", "table lamps_v1 (x integer)")] {
        run(&mut connection, &format!("create {made}")).await;
        let refused = owner.prepare(&[read_model(LAMPS)]).await.expect_err(made);
        assert!(matches!(&refused, PrepareError::TableTaken { table, .. } if table == taken), "{refused:?}");
        run(
            &mut connection,
            &format!("drop {}", made.split(" as").next().expect("a name").replace(" (x integer)", "")),
        )
        .await;
    }
    owner.prepare(&[read_model(LAMPS)]).await.expect("the names are free");
    run(&mut connection, "create table lamps_v2 (x integer)").await;
    let refused = owner.prepare(&[read_model(LAMPS_2)]).await.expect_err("the table is somebody's");
    assert!(matches!(&refused, PrepareError::TableTaken { table, .. } if table == "lamps_v2"), "{refused:?}");

    let refused = store.prepare(&[mails(1), mails(1)]).await.expect_err("one name");
    assert!(matches!(refused, PrepareError::NameTwice { name: "mails" }), "{refused:?}");
    let id = ProjectionId { name: "lamps", version: 7 };
    let reactor = ProjectionSchema::new(id, ProjectionKind::Reactor, &[]);
    let refused = store.prepare(&[reactor]).await.expect_err("it is another kind");
    assert!(
        matches!(&refused, PrepareError::KindChanged { found, wanted: "reactor", .. } if found == "read_model"),
        "{refused:?}"
    );
    let long: &'static str = Box::leak("x".repeat(62).into_boxed_str());
    let refused = owner.prepare(&[read_model(TableSchema::new(long, 1, LAMPS.columns))]).await.expect_err("too long");
    assert!(refused.to_string().contains("63"), "{refused}");
    // What was dropped by hand is not made anew behind a checkpoint that has moved; a view holds nothing, and is.
    run(&mut connection, "drop view lamps").await;
    owner.prepare(&[read_model(LAMPS)]).await.expect("the view is made anew");
    assert!(owner.find_row(&LAMPS, "a").await.expect("a look").is_none());
    run(&mut connection, "drop table lamps_v1 cascade").await;
    let refused = owner.prepare(&[read_model(LAMPS)]).await.expect_err("the table is gone");
    assert!(refused.to_string().contains("`lamps_v1`"), "{refused}");
}

pub(crate) async fn a_type_that_readers_could_not_be_shown_is_refused(database: Database) {
    const NUMBER: TableSchema = TableSchema::new("others", 1, LAMPS.columns);
    const DECIMAL: TableSchema =
        TableSchema::new("others", 2, &[ID, ColumnSchema::new("lit", ColumnType::Decimal, false)]);
    const TEXT: TableSchema = TableSchema::new("lamps", 1, &[ID, ColumnSchema::new("lit", ColumnType::Text, false)]);
    let store = open_with(&database, &[read_model(TEXT)]).await;
    let refused = owner(&database).await.prepare(&[read_model(LAMPS_2)]).await.expect_err("not every text is a number");
    let PrepareError::Store(error @ StoreError::Misconfigured(_)) = &refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("`lit`") && error.to_string().contains("another name"), "{error}");
    assert_eq!(store.roster(&[read_model(LAMPS_2).id]).await.expect("a roster").shards.len(), 1, "nothing was made");
    // Somebody's view stands upon ours: what changes a type says so, and changes nothing.
    prepare(&database, &[read_model(NUMBER)]).await;
    run(&mut raw(&database).await, "create view upon as select * from others").await;
    let refused = owner(&database).await.prepare(&[read_model(DECIMAL)]).await.expect_err("a view depends on it");
    assert!(refused.to_string().contains("depends"), "{refused}");
    run(&mut raw(&database).await, "drop view upon").await;
    prepare(&database, &[read_model(DECIMAL)]).await;
}

pub(crate) async fn many_processes_may_prepare_at_once(database: Database) {
    open(&database).await;
    let mut preparing = Vec::new();
    for _ in 0..8 {
        let store = owner(&database).await;
        preparing.push(tokio::spawn(async move { store.prepare(&[read_model(LAMPS), mails(3)]).await }));
    }
    for prepared in preparing {
        prepared.await.expect("the task").expect("each succeeds");
    }
    let roster = owner(&database).await.roster(&[MAILS, read_model(LAMPS).id]).await.expect("a roster");
    assert_eq!((roster.shards.len(), roster.active.len()), (4, 2));
}

pub(crate) async fn a_projection_begins_where_it_is_told(database: Database) {
    let store = open(&database).await;
    store.append(append("a", Expected::NoStream, 5)).await.expect("an append");
    let named = |name, start| {
        let mut schema = mails(2);
        (schema.id.name, schema.start) = (name, start);
        schema
    };
    let schemas = [
        named("beginning", Start::Beginning),
        named("now", Start::Now),
        named("after", Start::After(Position::new(3))),
    ];
    store.prepare(&schemas).await.expect("they can be made ready");
    store.append(append("b", Expected::NoStream, 5)).await.expect("an append");
    store.prepare(&schemas).await.expect("one that is known goes on where it is");
    for (schema, expected) in schemas.iter().zip([0, 5, 3]) {
        for number in 0..2 {
            assert_eq!(position(&store, shard(schema.id, number)).await, expected, "{}", schema.id);
        }
    }
    let mut connection = raw(&database).await;
    connection.execute("select 1").await.expect("the server is there");
}
