//! The store contract, rule by rule, each on a file of its own.

use es_core::testing::conformance;
use es_sqlite::{SqliteConfig, SqliteStore};

use crate::support::File;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_of_the_contract() {
    for rule in conformance::rules::<SqliteStore>() {
        let file = File::new();
        let store = file.open().await;
        rule.check(store.clone()).await;
        store.close().await;
    }
}

/// One connection that reads is enough for all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_of_the_contract_with_one_reader() {
    for rule in conformance::rules::<SqliteStore>() {
        let file = File::new();
        rule.check(file.open_with(SqliteConfig::new().readers(1)).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_of_projections() {
    for rule in conformance::projections::rules::<SqliteStore>() {
        let file = File::new();
        let store = file.open().await;
        rule.check(store.clone()).await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_of_projections_with_one_reader() {
    for rule in conformance::projections::rules::<SqliteStore>() {
        let file = File::new();
        rule.check(file.open_with(SqliteConfig::new().readers(1)).await).await;
    }
}
