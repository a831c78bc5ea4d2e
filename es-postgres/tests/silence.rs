//! A network that swallows what is sent, and tells nobody: nothing waits for ever, and nothing is lost or done twice.

use std::time::Duration;

use es_core::{
    prelude::*,
    store::{Expected, Load, ReadAll, ReadStream, StoreError},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;
use futures_util::{TryStreamExt as _, future::join_all};
use tokio::time::{sleep, timeout};

use crate::{
    engines::{Contents, engine, filled, fold_from_zero, happen, pot},
    support::{Line, append, connect_with, count, open, raw, stream, through},
};

/// So long nobody waits who is not forgotten.
const LONG: Duration = Duration::from_mins(1);

/// A store behind a line, which does not wait long for a word.
async fn impatient(database: &Database) -> (PostgresStore, Line) {
    drop(open(database).await);
    let (url, line) = through(database).await;
    let soon = Duration::from_millis(400);
    let config = PostgresConfig::new().answer_timeout(soon).lock_timeout(soon).acquire_timeout(soon * 5);
    // Nothing is said but what is asked.
    (connect_with(&url, config.without_listen().without_notify()).await, line)
}

pub(crate) async fn whoever_asks_is_answered_and_the_store_goes_on(database: Database) {
    let (store, line) = impatient(&database).await;
    for id in ["a", "b", "c", "d", "e"] {
        store.append(append(id, Expected::NoStream, 2)).await.expect("an append");
    }
    let loads = || join_all(["a", "b", "c", "d", "e"].map(|id| store.load(Load::new(stream(id)))));
    assert!(loads().await.iter().all(Result::is_ok), "connections are open");
    line.swallow();
    for answer in timeout(LONG, loads()).await.expect("loads are not waited for without end") {
        let error = answer.expect_err("nobody is there to ask");
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    let page = store.read_stream(ReadStream::new(stream("a"))).try_collect::<Vec<_>>();
    let error = timeout(LONG, page).await.expect("nor is a page").expect_err("nobody is there to ask");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let all = store.read_all(ReadAll::after(Position::START)).try_collect::<Vec<_>>();
    let error = timeout(LONG, all).await.expect("nor are all").expect_err("nobody is there to ask");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    line.mend();
    assert!(loads().await.iter().all(Result::is_ok), "it needs no new start");

    // Of what was sent on an open connection nobody knows whether it came through.
    let requests = ["a", "b", "c"].map(|id| append(id, Expected::Any, 1));
    line.swallow();
    let appends = join_all(requests.iter().cloned().map(|request| store.append(request)));
    for answer in timeout(LONG, appends).await.expect("appends are not waited for without end") {
        let error = answer.expect_err("nobody is there to ask");
        assert!(error.is_unavailable(), "{error:?}");
    }
    line.mend();
    let mut connection = raw(&database).await;
    for (request, id) in requests.into_iter().zip(["a", "b", "c"]) {
        store.append(request).await.expect("the same again is safe");
        assert_eq!(count(&mut connection, id).await, 3);
    }
}

pub(crate) async fn an_append_whose_answer_is_swallowed_is_stored_once(database: Database) {
    let (store, line) = impatient(&database).await;
    let mut connection = raw(&database).await;
    for events in [1, 2] {
        for (round, expected) in (1..).zip([Expected::NoStream, Expected::Any, Expected::StreamExists]) {
            let id = format!("s{events}");
            store.append(append("warm", Expected::Any, events)).await.expect("an append");
            line.swallow_next_answer();
            let appended = timeout(LONG, store.append(append(&id, expected, events))).await;
            let appended = appended.expect("it is not waited for without end").expect("the outcome is found out");
            assert!(line.lost_one(), "the answer was not swallowed, so nothing was tested");
            assert!(appended.replayed, "it was stored the first time");
            assert_eq!(count(&mut connection, &id).await.unsigned_abs(), events as u64 * round);
        }
    }
}

pub(crate) async fn a_projection_goes_on_where_it_was(database: Database) {
    let (store, line) = impatient(&database).await;
    let direct = PostgresStore::connect(database.url()).await.expect("the database is there");
    engine(&direct).read_model::<Contents>().prepare().await.expect("prepared");
    let running = engine(&store).batch_size(3).read_model::<Contents>().start().await.expect("an engine");
    let mut last = Position::START;
    for round in 0..12 {
        last = happen(&direct, &pot(round % 3), (0..20).map(filled)).await;
        match round % 4 {
            1 => line.swallow_next_answer(),
            2 => line.swallow(),
            3 => {
                sleep(Duration::from_millis(700)).await;
                line.mend();
            }
            _ => {}
        }
    }
    line.mend();
    // What was asked in the silence is answered with an error for a while.
    let there = async { while running.wait_for(last).await.is_err() {} };
    timeout(LONG, there).await.expect("it goes on, and comes so far");
    let rows = direct.read_model::<Contents>().fetch("order by id", ()).await.expect("rows");
    assert_eq!(rows, fold_from_zero(&direct).await);
    running.shutdown().await;
}
