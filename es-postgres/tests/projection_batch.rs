//! Batches: the fence, and what becomes of a transaction.

use std::time::Duration;

use es_core::{
    projection::{Activity, Advance, Claim, EngineId, HandlerError, ProjectionStore as _, Transience},
    recorded::Position,
    store::{HistoryId, StoreError},
};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::{
    projection_support::{LONG, MAILS, begin, claim, engine, mails, moved, open_with, position, shard},
    support::{raw, run},
};

async fn notes(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("select note from notes order by note").fetch_all(connection).await.expect("notes can be read")
}

/// A store with one projection, and a table of its user's.
async fn with_notes(database: &Database) -> (PostgresStore, PgConnection) {
    let store = open_with(database, &[mails(2)]).await;
    let mut connection = raw(database).await;
    let role = crate::support::runtime_role(database.url());
    run(&mut connection, &format!("create table notes (note text); grant all on notes to {role}")).await;
    (store, connection)
}

async fn note(store: &PostgresStore, transaction: &mut es_postgres::PgTransaction, note: &str) {
    let mut context = store.context(transaction);
    sqlx::query("insert into notes values ($1)").bind(note).execute(context.connection()).await.expect("a note");
}

pub(crate) async fn effects_and_checkpoint_are_committed_together_or_not_at_all(database: Database) {
    let (store, mut connection) = with_notes(&database).await;
    let engine = engine("a", LONG);
    let held = claim(&store, &engine, shard(MAILS, 0)).await;

    let mut transaction = begin(&store, &held, 0, 5).await;
    assert_eq!(store.context(&mut transaction).projection(), MAILS);
    note(&store, &mut transaction, "kept").await;
    assert_eq!((notes(&mut connection).await, position(&store, held.shard).await), (vec![], 0), "it is open");
    store.commit(transaction).await.expect("a commit");
    assert_eq!((notes(&mut connection).await, position(&store, held.shard).await), (vec!["kept".to_owned()], 5));

    let mut transaction = begin(&store, &held, 5, 7).await;
    note(&store, &mut transaction, "undone").await;
    store.rollback(transaction).await;
    let mut transaction = begin(&store, &held, 5, 8).await;
    note(&store, &mut transaction, "dropped").await;
    drop(transaction);
    let none_left = "select count(*) from pg_stat_activity
                     where datname = current_database() and state = 'idle in transaction'";
    while sqlx::query_scalar::<_, i64>(none_left).fetch_one(&mut connection).await.expect("a look") > 0 {}
    assert_eq!((notes(&mut connection).await, position(&store, held.shard).await), (vec!["kept".to_owned()], 5));
    assert!(store.advance(&held, &moved(&store, 5, 9).await).await.expect("a move"), "the claim holds still");
    assert_eq!(position(&store, held.shard).await, 9);
}

/// Each part of what is compared is wrong once.
pub(crate) async fn whoever_differs_in_anything_does_not_pass_the_fence(database: Database) {
    let (store, _) = with_notes(&database).await;
    let engine = engine("a", LONG);
    let held = claim(&store, &engine, shard(MAILS, 0)).await;
    let right = moved(&store, 0, 5).await;
    let other = shard(MAILS, 1);
    let wrong = [
        ("engine", Claim::new(held.shard, EngineId::random(), held.epoch, held.position, LONG), right),
        ("older epoch", Claim::new(held.shard, held.engine, held.epoch - 1, held.position, LONG), right),
        ("newer epoch", Claim::new(held.shard, held.engine, held.epoch + 1, held.position, LONG), right),
        ("shard", Claim::new(other, held.engine, held.epoch, held.position, LONG), right),
        ("from", held, Advance::new(Position::new(1), right.to, 4, right.history)),
        ("history", held, Advance::new(right.from, right.to, 5, HistoryId::new())),
    ];
    for (what, claim, advance) in wrong {
        assert!(store.begin(&claim, &advance).await.expect("an answer").is_none(), "{what}");
        assert!(!store.advance(&claim, &advance).await.expect("an answer"), "{what}");
    }
    for activity in [Activity::Paused, Activity::Stopped] {
        store.set_activity(MAILS, activity).await.expect("it can be paused");
        assert!(store.begin(&held, &right).await.expect("an answer").is_none(), "{activity:?}");
        assert!(!store.advance(&held, &right).await.expect("an answer"), "{activity:?}");
    }
    assert_eq!(position(&store, held.shard).await, 0);
    store.set_activity(MAILS, Activity::Running).await.expect("it can be resumed");
    let transaction = begin(&store, &held, 0, 5).await;
    store.commit(transaction).await.expect("a commit");
    assert!(!store.advance(&held, &right).await.expect("an answer"), "it is behind that by now");
    assert_eq!(position(&store, held.shard).await, 5);
}

pub(crate) async fn an_owner_that_wakes_up_late_changes_nothing(database: Database) {
    let (store, mut connection) = with_notes(&database).await;
    let (slow, quick) = (engine("slow", Duration::from_millis(1)), engine("quick", LONG));
    let late = claim(&store, &slow, shard(MAILS, 0)).await;
    let taken = loop {
        // As soon as the lease of a millisecond has run out.
        if let Some(claim) = store.claim(&quick, late.shard).await.expect("an answer") {
            break claim;
        }
    };
    assert!(taken.epoch > late.epoch);
    // In which to be refused: a millisecond may be over before.
    let late = Claim::new(late.shard, late.engine, late.epoch, late.position, LONG);
    let mut transaction = begin(&store, &taken, 0, 3).await;
    note(&store, &mut transaction, "quick").await;
    store.commit(transaction).await.expect("a commit");

    assert!(store.begin(&late, &moved(&store, 0, 3).await).await.expect("an answer").is_none());
    assert!(store.begin(&late, &moved(&store, 3, 4).await).await.expect("an answer").is_none());
    store.release(&late).await.expect("a void claim can be released");
    let roster = store.keep_alive(&slow, &[late]).await.expect("a roster");
    assert_eq!(roster.shards[0].owner.as_ref().map(|(id, _)| *id), Some(quick.id));
    assert_eq!((notes(&mut connection).await, position(&store, taken.shard).await), (vec!["quick".to_owned()], 3));
}

pub(crate) async fn an_owner_that_has_frozen_in_a_transaction_is_ended_by_the_server(database: Database) {
    let (store, mut connection) = with_notes(&database).await;
    let (frozen, other) = (engine("frozen", Duration::from_secs(1)), engine("other", LONG));
    let held = claim(&store, &frozen, shard(MAILS, 0)).await;
    let mut transaction = begin(&store, &held, 0, 3).await;
    note(&store, &mut transaction, "frozen").await;
    // It does nothing more, and keeps its connection.
    let taken = loop {
        if let Some(claim) = store.claim(&other, held.shard).await.expect("an answer") {
            break claim;
        }
    };
    let error = store.commit(transaction).await.expect_err("the server has ended it");
    assert_ne!(store.transience(&HandlerError::new(error)), Transience::Lasting);
    assert_eq!((notes(&mut connection).await, taken.position), (vec![], Position::START));

    // Neither may one statement go on for longer than the lease.
    let held = claim(&store, &frozen, shard(MAILS, 1)).await;
    let mut transaction = begin(&store, &held, 0, 3).await;
    let error = store.context(&mut transaction).connection().execute("select pg_sleep(600)").await;
    let error = error.map(drop).expect_err("it takes too long");
    assert_eq!(store.transience(&HandlerError::new(error)), Transience::Passing);
}

pub(crate) async fn a_transaction_that_a_handler_has_ended_is_refused(database: Database) {
    let (store, mut connection) = with_notes(&database).await;
    let engine = engine("a", LONG);
    let held = claim(&store, &engine, shard(MAILS, 0)).await;
    for ending in ["rollback", "rollback; begin"] {
        let mut transaction = begin(&store, &held, 0, 3).await;
        store.context(&mut transaction).connection().execute(ending).await.expect("a handler may be that wrong");
        let error = store.commit(transaction).await.expect_err(ending);
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
        assert!(error.to_string().contains("`mails`"), "{error}");
        assert_eq!(position(&store, held.shard).await, 0);
    }
    // An error that a handler keeps to itself: the server would take the commit, and undo all.
    let mut transaction = begin(&store, &held, 0, 3).await;
    let failed = store.context(&mut transaction).connection().execute("select 1 / 0").await;
    failed.map(drop).expect_err("the statement fails");
    let error = store.commit(transaction).await.expect_err("nothing can be committed");
    assert_eq!(store.transience(&HandlerError::new(error)), Transience::Passing);
    assert_eq!(position(&store, held.shard).await, 0);

    // What a handler begins by the driver is a savepoint, and harms nothing.
    let mut transaction = begin(&store, &held, 0, 3).await;
    for (text, keep) in [("within", true), ("undone", false)] {
        let mut context = store.context(&mut transaction);
        let mut savepoint = context.connection().begin().await.expect("a savepoint");
        sqlx::query("insert into notes values ($1)").bind(text).execute(&mut *savepoint).await.expect("a note");
        if keep { savepoint.commit().await } else { savepoint.rollback().await }.expect("its end");
    }
    store.commit(transaction).await.expect("a commit");
    assert_eq!((notes(&mut connection).await, position(&store, held.shard).await), (vec!["within".to_owned()], 3));
}

/// A connection is used by others afterwards.
pub(crate) async fn what_a_handler_sets_ends_with_the_batch(database: Database) {
    open_with(&database, &[mails(1)]).await;
    let store = crate::support::open_with(&database, |config| config.max_connections(1)).await;
    let engine = engine("a", LONG);
    let held = claim(&store, &engine, shard(MAILS, 0)).await;
    let mut ids = Vec::new();
    for (batch, left) in [(0, true), (1, false), (2, true)] {
        let mut transaction = begin(&store, &held, batch, batch + 1).await;
        let mut context = store.context(&mut transaction);
        let found: (i32, String, String, String, i64) = sqlx::query_as(
            "select pg_backend_pid(), current_setting('search_path'), current_setting('TimeZone'),
                    current_setting('plan_cache_mode'),
                    (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())",
        )
        .fetch_one(context.connection())
        .await
        .expect("settings");
        ids.push(found.0);
        assert_eq!((found.2.as_str(), found.3.as_str(), found.4), ("UTC", "auto", 0));
        assert!(!found.1.contains("elsewhere"), "{}", found.1);
        let set = "set search_path = elsewhere; set timezone = 'Asia/Tokyo'; select pg_advisory_lock(7);
                   create temp table leftovers (x integer)";
        context.connection().execute(set).await.expect("a handler may set what it likes");
        if left {
            store.commit(transaction).await.expect("a commit");
        } else {
            store.rollback(transaction).await;
        }
        if !left {
            assert!(store.advance(&held, &moved(&store, batch, batch + 1).await).await.expect("a move"));
        }
    }
    assert_eq!(ids[0], ids[1], "what was committed goes on");
    assert_ne!(ids[1], ids[2], "what was rolled back is closed");
    assert_eq!(position(&store, held.shard).await, 3);
}

pub(crate) async fn batches_leave_connections_to_others(database: Database) {
    open_with(&database, &[mails(2)]).await;
    let set =
        |config: es_postgres::PostgresConfig| config.max_connections(2).acquire_timeout(Duration::from_millis(300));
    let store = crate::support::open_with(&database, set).await;
    let engine = engine("a", LONG);
    let held = [claim(&store, &engine, shard(MAILS, 0)).await, claim(&store, &engine, shard(MAILS, 1)).await];
    let transaction = begin(&store, &held[0], 0, 1).await;
    let error = store.begin(&held[1], &moved(&store, 0, 1).await).await.expect_err("one half is in use");
    assert!(error.is_unavailable() && error.to_string().contains("batches"), "{error}");
    store.keep_alive(&engine, &held).await.expect("the other half is for this");
    store.commit(transaction).await.expect("a commit");
    store.commit(begin(&store, &held[1], 0, 1).await).await.expect("it is its turn");
}

pub(crate) async fn a_batch_whose_backend_is_killed_has_done_nothing(database: Database) {
    let (store, mut connection) = with_notes(&database).await;
    let engine = engine("a", LONG);
    let held = claim(&store, &engine, shard(MAILS, 0)).await;
    let mut transaction = begin(&store, &held, 0, 3).await;
    note(&store, &mut transaction, "killed").await;
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()";
    connection.execute(kill).await.expect("a kill");
    let error = store.commit(transaction).await.expect_err("its connection is gone");
    assert_eq!(store.transience(&HandlerError::new(error)), Transience::Unavailable);
    // All that lie idle are dead too, however many they are, and are replaced.
    let other = claim(&store, &engine, shard(MAILS, 1)).await;
    for (from, to) in [(0, 3), (3, 4)] {
        let (advance, stays) = (moved(&store, from, to).await, moved(&store, to, to).await);
        let both = [begin(&store, &held, from, from).await, begin(&store, &other, 0, 0).await];
        for transaction in both {
            store.rollback(transaction).await;
        }
        connection.execute(kill).await.expect("a kill");
        let begun = store.begin(&held, &advance).await.expect("on a new connection");
        let mut transaction = begun.expect("the claim holds");
        note(&store, &mut transaction, "again").await;
        store.commit(transaction).await.expect("a commit");
        connection.execute(kill).await.expect("a kill");
        assert!(store.advance(&held, &stays).await.expect("an answer"));
    }
    assert_eq!((notes(&mut connection).await.len(), position(&store, held.shard).await), (2, 4));
}
