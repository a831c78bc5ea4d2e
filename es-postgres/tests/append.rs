//! Appends on the real server: append-only, streams that are held, and connections lost at the worst moment.

use std::time::Duration;

use crate::support::{append, count, insert, open, raw, stored, through};
use es_core::store::{EventStore as _, Expected, StoreError};
use es_tests::database::Database;
use sqlx::{Connection as _, Executor as _};

pub(crate) async fn update_delete_and_truncate_are_refused(database: Database) {
    let store = open(&database).await;
    store.append(append("a", Expected::NoStream, 3)).await.expect("an append");
    let mut connection = raw(&database).await;
    for statement in [
        "update es.events set payload = '{}'",
        "update es.events set payload = '{}' where false",
        "delete from es.events where version = 2",
        "truncate es.events",
        "truncate es.events cascade",
        "insert into es.events (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
         select stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata from es.events
         on conflict (stream_type, stream_id, version) do update set payload = '{}'",
    ] {
        let error = connection.execute(statement).await.expect_err(statement);
        let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some("ES001"), "{statement}: {error}");
    }
    assert_eq!(stored(&store, "a").await.len(), 3);
}

pub(crate) async fn an_open_transaction_on_the_stream_is_waited_for_but_not_for_ever(database: Database) {
    let store = crate::support::open_with(&database, |config| config.lock_timeout(Duration::from_millis(200))).await;
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    insert(&mut transaction, "a", 1).await;
    let error = store.append(append("a", Expected::NoStream, 1)).await.expect_err("the stream is held");
    assert!(error.is_unavailable(), "{error}");
    store.append(append("b", Expected::NoStream, 1)).await.expect("other streams are free");
    transaction.commit().await.expect("a commit");
    let error = store.append(append("a", Expected::NoStream, 1)).await.expect_err("the other came first");
    assert!(error.is_conflict(), "{error}");
}

pub(crate) async fn an_append_whose_backend_is_killed_is_stored_once(database: Database) {
    let store = open(&database).await;
    let mut other = raw(&database).await;
    let mut killer = raw(&database).await;
    for round in 0..10 {
        let id = format!("a{round}");
        let mut transaction = other.begin().await.expect("a transaction");
        insert(&mut transaction, &id, 1).await;
        let sent = tokio::spawn({
            let (store, append) = (store.clone(), append(&id, Expected::Any, 2));
            async move { store.append(append).await }
        });
        // The append waits for the open transaction; now its connection dies, and the other gives up.
        let pid = crate::support::until_one_waits(&mut killer).await;
        sqlx::query("select pg_terminate_backend($1)").bind(pid).execute(&mut killer).await.expect("a kill");
        transaction.rollback().await.expect("a rollback");
        sent.await.expect("the task").expect("the append is sent again");
        assert_eq!(count(&mut killer, &id).await, 2);
    }
}

pub(crate) async fn an_append_whose_answer_is_lost_is_stored_once(database: Database) {
    let (url, line) = through(&database).await;
    let store = crate::support::connect_quietly(&url).await;
    let mut connection = raw(&database).await;
    // A lone event has a statement of its own.
    for (id, events) in [("lone", 1), ("several", 2)] {
        for (round, expected) in (1..).zip([Expected::NoStream, Expected::Any, Expected::StreamExists]) {
            // On a new connection the first answer is to the preparing of the statement, before anything is stored.
            store.append(append("warm", Expected::Any, events)).await.expect("an append");
            line.lose_next_answer();
            let appended = store.append(append(id, expected, events)).await.expect("the outcome is found out");
            assert!(line.lost_one(), "the answer was not lost, so nothing was tested");
            assert!(appended.replayed, "it was stored the first time");
            let all = events as u64 * round;
            assert_eq!(count(&mut connection, id).await.unsigned_abs(), all);
            assert_eq!(appended.version(), all);
        }
    }
}

pub(crate) async fn an_append_that_cannot_be_resolved_says_so(database: Database) {
    let (url, line) = through(&database).await;
    let store = crate::support::connect_quietly(&url).await;
    let mut connection = raw(&database).await;
    store.append(append("warm", Expected::Any, 2)).await.expect("an append");
    line.cut_after_next_answer();
    let request = append("a", Expected::NoStream, 2);
    let error = store.append(request.clone()).await.expect_err("nobody is there to ask");
    assert!(matches!(error, StoreError::OutcomeUnknown { .. }), "{error:?}");
    assert!(error.is_unavailable());
    line.mend();
    assert!(store.append(request).await.expect("the line is up again").replayed);
    assert_eq!(count(&mut connection, "a").await, 2);
}
