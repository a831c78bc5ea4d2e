//! The store contract, rule by rule, each on a database of its own.

use es_core::testing::conformance;
use es_postgres::PostgresStore;
use es_tests::database::Database;

use crate::support::open_schema;

pub(crate) async fn every_rule_of_the_contract(database: Database) {
    every_rule(&database, |number| format!("rule_{number}")).await;
}

pub(crate) async fn every_rule_in_a_schema_with_a_difficult_name(database: Database) {
    every_rule(&database, |number| format!("Rule \"{number}\" o'the $1 es")).await;
}

/// Each rule gets an empty store: a schema of its own, which shows by the way that stores do not see each other.
async fn every_rule(database: &Database, schema: impl Fn(usize) -> String) {
    for (number, rule) in conformance::rules::<PostgresStore>().into_iter().enumerate() {
        let store = open_schema(database, &schema(number)).await;
        rule.check(store.clone()).await;
        store.close().await;
    }
}
