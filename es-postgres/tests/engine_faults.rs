//! What people do wrong, on the real server, and what they are told.

use es_core::{
    engine::EngineError,
    prelude::*,
    store::{InvalidRequest, StoreError},
};
use es_postgres::{PgContext, PostgresStore};
use es_tests::database::Database;
use sqlx::Executor as _;

use crate::{
    engines::{Contents, Filled, engine, filled, happen, pot},
    support::raw,
};

async fn owner(database: &Database) -> PostgresStore {
    let store = PostgresStore::connect(database.url()).await.expect("the database is there");
    store.migrate().await.expect("it can be migrated");
    store
}

pub(crate) async fn arguments_that_do_not_fit_the_condition_are_refused(database: Database) {
    let store = owner(&database).await;
    happen(&store, &pot(0), [filled(3)]).await;
    engine(&store).read_model::<Contents>().run_to_frontier().await.expect("the frontier");
    let contents = store.read_model::<Contents>();
    let error = contents.fetch("amount < $1 or amount > $2", (1,)).await.expect_err("an argument is missing");
    assert!(matches!(error, StoreError::Backend { .. }), "{error:?}");
    assert!(error.to_string().contains("supplies 1 parameters, but prepared statement"), "{error}");
    let error = contents.fetch("amount < $1", (1, 2)).await.expect_err("an argument is left over");
    assert!(matches!(error, StoreError::Invalid(InvalidRequest::ArgumentUnused { number: 2 })), "{error:?}");
    assert_eq!(contents.fetch("amount = $1", (3,)).await.expect("rows").len(), 1);
}

/// Does wrong what is to be done wrong.
#[derive(Projection, Debug)]
#[projection(name = "wrong")]
struct Wrong(&'static str);

#[event_handler]
impl Wrong {
    async fn filled(&self, _: &Filled, context: &mut PgContext<'_>) -> Result<(), sqlx::Error> {
        // Its error, if it has one, is passed over.
        let _ = context.connection().execute(sqlx::raw_sql(self.0)).await;
        Ok(())
    }
}

pub(crate) async fn an_error_that_a_handler_passes_over_is_told(database: Database) {
    let store = owner(&database).await;
    happen(&store, &pot(0), [filled(3)]).await;
    let answer = engine(&store).projection(Wrong("select 1 / 0")).run_to_frontier().await;
    let Err(EngineError::Stopped { failure, .. }) = answer else { panic!("{answer:?}") };
    assert!(failure.message.contains("has passed over the error of a statement"), "{failure}");
    assert!(failure.message.contains("`wrong`"), "{failure}");
}

pub(crate) async fn a_handler_that_ends_the_transaction_is_told(database: Database) {
    let store = owner(&database).await;
    let mut connection = raw(&database).await;
    connection.execute("create table done (at timestamptz default now())").await.expect("a table");
    for (index, end) in ["commit", "rollback", "commit; begin", "rollback; begin"].into_iter().enumerate() {
        happen(&store, &pot(0), [filled(3)]).await;
        let answer = engine(&store).projection(Wrong(end)).run_to_frontier().await;
        println!("{index} {end}: {answer:?}");
    }
    panic!("look");
}
