//! The store contract, rule by rule, each on a database of its own.

use es_core::testing::conformance;
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;

use crate::support::{open_schema, raw, run};

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

/// As the owner, because rules prepare projections of their own.
pub(crate) async fn every_rule_of_projections(database: Database) {
    let mut connection = raw(&database).await;
    for (number, rule) in conformance::projections::rules::<PostgresStore>().into_iter().enumerate() {
        let (events, rows) = (format!("rule_{number}"), format!("rows_{number}"));
        run(&mut connection, &format!("create schema {rows}")).await;
        let config = PostgresConfig::new().schema(events).read_model_schema(rows);
        let store = PostgresStore::connect_with(database.url(), config).await.expect("the database is there");
        store.migrate().await.expect("it can be migrated");
        rule.check(store.clone()).await;
        store.close().await;
    }
}
