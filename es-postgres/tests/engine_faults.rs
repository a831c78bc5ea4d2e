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
struct Wrong {
    sql: &'static str,
    hands_on: bool,
}

#[event_handler]
impl Wrong {
    async fn filled(&self, _: &Filled, context: &mut PgContext<'_>) -> Result<(), sqlx::Error> {
        let done = context.connection().execute(sqlx::raw_sql(self.sql)).await.map(drop);
        if self.hands_on { done } else { Ok(()) }
    }
}

pub(crate) async fn an_error_that_a_handler_passes_over_is_told(database: Database) {
    let store = owner(&database).await;
    happen(&store, &pot(0), [filled(3)]).await;
    let answer = engine(&store).projection(Wrong { sql: "select 1 / 0", hands_on: false }).run_to_frontier().await;
    let Err(EngineError::Stopped { failure, .. }) = answer else { panic!("{answer:?}") };
    assert!(failure.message.contains("has passed over the error of a statement"), "{failure}");
    assert!(failure.message.contains("`wrong`"), "{failure}");
}

pub(crate) async fn a_handler_that_ends_the_transaction_is_told(database: Database) {
    let store = owner(&database).await;
    let mut connection = raw(&database).await;
    connection.execute("create table done (at timestamptz default now())").await.expect("a table");
    happen(&store, &pot(0), [filled(1), filled(2), filled(3)]).await;
    for end in ["commit", "rollback", "commit; begin", "rollback; begin", "end and chain", "prepare transaction 'p'"] {
        let effect = "insert into done values (default)";
        let wrong = Wrong { sql: format!("{effect}; {end}").leak(), hands_on: true };
        // Whatever the policy: it is about no event.
        let wrong = engine(&store).projection(wrong).policy(FailurePolicy::Skip);
        let controls = wrong.controls();
        let answer = wrong.run_to_frontier().await;
        let Err(EngineError::Stopped { failure, .. }) = answer else { panic!("{end}: {answer:?}") };
        let told = "has ended the transaction of its batch; leave `commit` and `rollback` to the engine";
        assert!(failure.message.contains(told), "{end}: {failure}");
        // Nothing was passed, and nothing is left of it.
        let status = controls.status().await.expect("a status");
        assert_eq!(status.projection("wrong").expect("it is known").shards[0].state.position, Position::START, "{end}");
        let done: i64 =
            sqlx::query_scalar("select count(*) from done").fetch_one(&mut connection).await.expect("a look");
        assert_eq!(done, 0, "{end}");
        controls.resume("wrong").await.expect("resumed");
    }
}
