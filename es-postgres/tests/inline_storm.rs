//! Everything at once: programs that append while a read model comes to change with the appends and ends to, again and
//! again, on connections that are killed and answers that are lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use es_core::{prelude::*, projection::Activity};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use futures_util::future::join_all;
use sqlx::Executor as _;

use crate::{
    stores::inline::{V1, carried, engine, is_a_fold_from_zero, request},
    support::{connect_quietly, open, raw, through},
};

const ROUNDS: usize = 3;

pub(crate) async fn no_row_differs_from_a_fold_from_zero(database: Database) {
    let (url, line) = through(&database).await;
    let stores = [connect_quietly(&url).await, open(&database).await];
    for store in &stores {
        engine(&PostgresStore::connect(database.url()).await.expect("the database is there"))
            .prepare()
            .await
            .expect("tables");
        engine(store).prepare().await.expect("all is there");
    }
    let running = [engine(&stores[0]).start().await, engine(&stores[1]).start().await];
    let running = running.map(|running| running.expect("an engine"));
    let quiet = Arc::new(AtomicBool::new(false));
    let trouble = tokio::spawn({
        let (quiet, mut killer) = (Arc::clone(&quiet), raw(&database).await);
        async move {
            let kill = "select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
                        order by random() limit 1";
            while !quiet.load(Ordering::SeqCst) {
                line.lose_next_answer();
                killer.execute(kill).await.expect("a kill");
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            line.mend();
        }
    });
    for round in 0..ROUNDS {
        let writers = (0..16).map(|writer| write(stores[writer % 2].clone(), round, writer));
        let change = async {
            // It comes to be in effect in the midst of the appends, and so it ends.
            until(&stores[1], Activity::Inline).await;
            while engine(&stores[1]).controls().pause("piles").await.is_err() {}
            while engine(&stores[1]).controls().resume("piles").await.is_err() {}
        };
        tokio::join!(join_all(writers), change);
    }
    quiet.store(true, Ordering::SeqCst);
    trouble.await.expect("the task");
    until(&stores[1], Activity::Inline).await;
    is_a_fold_from_zero(&stores[1]).await;
    write(stores[0].clone(), ROUNDS, 0).await;
    is_a_fold_from_zero(&stores[1]).await;
    for running in running {
        running.shutdown().await;
    }
}

async fn until(store: &PostgresStore, wanted: Activity) {
    while store.roster(&[V1]).await.ok().and_then(|roster| Some(roster.shards.first()?.activity)) != Some(wanted) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Appends, each until its outcome is known.
async fn write(store: PostgresStore, round: usize, writer: usize) {
    for number in 0..20 {
        let weight = i64::try_from(round * 10_000 + writer * 100 + number).expect("small");
        let event = carried((number + writer) % 3, 3 + (number * writer) % 5, weight);
        let one = request(&format!("w{writer}"), Expected::Any, [event.clone()]);
        if number % 4 == 0 {
            let group = vec![one, request(&format!("x{}", writer % 5), Expected::Any, [event, carried(9, 1, weight)])];
            while store.append_all(group.clone()).await.is_err() {}
        } else {
            while store.append(one.clone()).await.is_err() {}
        }
    }
}
