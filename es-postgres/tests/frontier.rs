//! The frontier: stored, shared by the readers of a process, and named where it is held.

use std::time::Duration;

use crate::support::{append, insert, open, open_with, positions, raw, read_all, run};
use es_core::{
    recorded::Position,
    store::{EventStore as _, Expected, ReadAll},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;
use futures_util::StreamExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tokio::time::timeout;

async fn impatient(database: &Database) -> PostgresStore {
    open_with(database, |config| config.settle_timeout(Duration::from_millis(50))).await
}

async fn append_one(store: &PostgresStore, id: &str) -> u64 {
    store.append(append(id, Expected::Any, 1)).await.expect("an append").events[0].position.get()
}

async fn dead_hole(database: &Database) {
    let mut other = raw(database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    insert(&mut transaction, "gone", 1).await;
    transaction.rollback().await.expect("a rollback");
}

async fn stored(database: &Database) -> Option<(i64, uuid::Uuid)> {
    sqlx::query_as("select position, history from es.frontier")
        .fetch_optional(&mut raw(database).await)
        .await
        .expect("a look")
}

/// The record of a reader is written after the answer; this waits for it.
async fn stored_up_to(database: &Database, position: i64) -> uuid::Uuid {
    let written = async {
        loop {
            match stored(database).await {
                Some((found, history)) if found >= position => return history,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    timeout(Duration::from_secs(30), written).await.expect("the frontier is stored")
}

pub(crate) async fn what_one_process_has_proved_no_other_proves_again(database: Database) {
    let store = impatient(&database).await;
    dead_hole(&database).await;
    assert_eq!(append_one(&store, "a").await, 2);
    assert_eq!(positions(&read_all(&store, Position::START).await), [2]);
    let history = stored_up_to(&database, 2).await;
    assert_eq!(history, store.history().await.expect("a history").as_uuid());

    // From here on nobody can prove that 1 is dead.
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    assert_eq!(insert(&mut transaction, "slow", 1).await, 3);
    assert_eq!(append_one(&store, "a").await, 4);
    let new = impatient(&database).await;
    assert_eq!(positions(&read_all(&new, Position::START).await), [2]);
    sqlx::query("delete from es.frontier").execute(&mut raw(&database).await).await.expect("it is only a shortcut");
    let without = impatient(&database).await;
    assert_eq!(positions(&read_all(&without, Position::START).await), [0_u64; 0], "1 might be the slow one's");
    transaction.commit().await.expect("a commit");
    assert_eq!(positions(&read_all(&without, Position::START).await), [2, 3, 4]);
    new.close().await;
    without.close().await;
    stored_up_to(&database, 4).await;
}

pub(crate) async fn a_record_of_another_history_is_not_believed_and_replaced(database: Database) {
    let store = open(&database).await;
    append_one(&store, "a").await;
    let foreign = "insert into es.frontier (position, history, origin) values (1000, gen_random_uuid(), 'elsewhere')";
    raw(&database).await.execute(foreign).await.expect("a record");
    let new = open(&database).await;
    assert_eq!(new.settled().await.expect("it is settled"), Position::new(1));
    dead_hole(&database).await;
    append_one(&store, "a").await;
    assert_eq!(positions(&read_all(&new, Position::START).await), [1, 3]);
    new.close().await;
    let history = store.history().await.expect("a history").as_uuid();
    assert_eq!(stored(&database).await, Some((3, history)));
}

pub(crate) async fn the_record_only_rises_and_is_written_when_a_store_closes(database: Database) {
    let store = open(&database).await;
    let late = open(&database).await;
    append_one(&store, "a").await;
    assert_eq!(late.settled().await.expect("settled"), Position::new(1));
    append_one(&store, "a").await;
    assert_eq!(store.settled().await.expect("settled"), Position::new(2));
    store.close().await;
    assert_eq!(stored(&database).await.map(|found| found.0), Some(2));
    late.close().await;
    assert_eq!(stored(&database).await.map(|found| found.0), Some(2), "an older one does not replace it");
}

/// A role that may read, and nothing else, reads everything; it only has to prove dead holes by itself.
pub(crate) async fn a_role_that_may_not_write_the_record_still_reads(database: Database) {
    let owner = open(&database).await;
    dead_hole(&database).await;
    append_one(&owner, "a").await;
    let role = format!("{}_reads", database.name());
    let mut connection = raw(&database).await;
    let grants = format!(
        "create role {role}; grant usage on schema es to {role};
         grant select on es.migrations, es.events, es.frontier to {role}"
    );
    run(&mut connection, &grants).await;
    let separator = if database.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20role%3D{role}", database.url());
    let reader = PostgresStore::connect(&url).await.expect("it may connect");
    assert_eq!(positions(&read_all(&reader, Position::START).await), [2]);
    assert_eq!(reader.settled().await.expect("settled"), Position::new(2));
    let status = reader.status().await.expect("it may ask how the store is doing");
    assert_eq!((status.highest, status.settled, status.settled_at), (Position::new(2), Position::new(2), None));
    reader.close().await;
    assert_eq!(stored(&database).await, None);
    run(&mut connection, &format!("drop owned by {role}; drop role {role}")).await;
}

/// Each reader gives up before the writers of its moment have ended, and yet they get on: a proof outlives who began it.
pub(crate) async fn impatient_readers_get_past_writers_that_overlap_without_end(database: Database) {
    let store = impatient(&database).await;
    let (mut first, mut second) = (raw(&database).await, raw(&database).await);
    let mut one = first.begin().await.expect("a transaction");
    assert_eq!(insert(&mut one, "one", 1).await, 1);
    append_one(&store, "a").await;
    assert_eq!(positions(&read_all(&store, Position::START).await), [0_u64; 0]);
    let mut two = second.begin().await.expect("a transaction");
    assert_eq!(insert(&mut two, "two", 1).await, 3);
    append_one(&store, "a").await;
    one.rollback().await.expect("a rollback");
    assert_eq!(positions(&read_all(&store, Position::START).await), [2], "the second came after 2 was seen");
    two.rollback().await.expect("a rollback");
    assert_eq!(positions(&read_all(&store, Position::new(2)).await), [4]);
}

/// Events before a hole do not wait for it, even if they come while somebody waits there.
pub(crate) async fn what_is_settled_before_a_hole_is_handed_out_at_once(database: Database) {
    let store = open_with(&database, |config| config.settle_timeout(Duration::from_mins(1))).await;
    let (mut first, mut second) = (raw(&database).await, raw(&database).await);
    let (mut one, mut two) = (first.begin().await.expect("a transaction"), second.begin().await.expect("another"));
    insert(&mut one, "one", 1).await;
    append_one(&store, "a").await;
    insert(&mut two, "two", 1).await;
    append_one(&store, "a").await;
    let reading = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .read_all(ReadAll::after(Position::START))
                .take(2)
                .map(|event| event.expect("an event"))
                .collect()
                .await
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    one.commit().await.expect("a commit");
    let read: Vec<_> =
        timeout(Duration::from_secs(30), reading).await.expect("it does not wait for the second").expect("the task");
    assert_eq!(positions(&read), [1, 2]);
    two.commit().await.expect("a commit");
    assert_eq!(positions(&read_all(&store, Position::new(2)).await), [3, 4]);
}

/// Somebody who began to wait at a hole and is neither polled nor dropped, and many who are dropped, harm nobody.
pub(crate) async fn readers_that_go_away_or_fall_asleep_harm_no_other(database: Database) {
    let store = open_with(&database, |config| config.settle_timeout(Duration::from_mins(1)).max_connections(1)).await;
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    insert(&mut transaction, "slow", 1).await;
    append_one(&store, "a").await;
    let mut asleep = Box::pin(store.read_all(ReadAll::after(Position::START)));
    assert!(timeout(Duration::from_millis(100), asleep.next()).await.is_err(), "it waits at the hole");
    for _ in 0..20 {
        let dropped = timeout(Duration::from_millis(2), read_all(&store, Position::START)).await;
        assert!(dropped.is_err(), "it waits at the hole");
    }
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { positions(&read_all(&store, Position::START).await) })
        })
        .collect();
    append_one(&store, "a").await;
    transaction.commit().await.expect("a commit");
    for reader in waiting {
        let read =
            timeout(Duration::from_secs(30), reader).await.expect("it does not wait any more").expect("the task");
        assert!(read.starts_with(&[1, 2]), "{read:?}");
    }
    assert_eq!(positions(&read_all(&store, Position::START).await), [1, 2, 3]);
    assert_eq!(asleep.next().await.expect("an event").expect("it goes on").position, Position::new(1));
}

pub(crate) async fn the_status_names_who_holds_the_frontier(database: Database) {
    let store = impatient(&database).await;
    // As a role that may see what others do; `open` gives one that may not.
    let config = PostgresConfig::new().settle_timeout(Duration::from_millis(50));
    let watching = PostgresStore::connect_with(database.url(), config).await.expect("the database is there");
    let status = watching.status().await.expect("a status");
    assert_eq!((status.highest, status.settled), (Position::START, Position::START));
    append_one(&store, "a").await;
    let mut other = raw(&database).await;
    run(&mut other, "set application_name = 'an import'").await;
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut other).await.expect("a process");
    let mut transaction = other.begin().await.expect("a transaction");
    insert(&mut transaction, "slow", 1).await;
    append_one(&store, "a").await;

    let status = watching.status().await.expect("a status");
    assert_eq!((status.highest, status.settled), (Position::new(3), Position::new(1)));
    assert_eq!(status.history, store.history().await.expect("a history"));
    let [holder] = &status.holders[..] else { panic!("{status:?}") };
    assert_eq!((holder.pid, holder.application.as_deref()), (Some(pid), Some("an import")));
    assert_eq!(holder.state.as_deref(), Some("idle in transaction"));
    assert!(holder.query.as_ref().is_some_and(|query| query.contains("insert into es.events")), "{holder:?}");
    assert!(holder.age.is_some() && holder.user.is_some() && holder.prepared.is_none(), "{holder:?}");
    let text = status.to_string();
    assert!(
        text.contains("up to 1 of 3") && text.contains(&format!("held by process {pid}, application an import")),
        "{text}"
    );

    let little = store.status().await.expect("a role that only runs may ask, too");
    assert_eq!((little.settled, little.holders.len()), (Position::new(1), 1));

    // Its process is ended as the status suggests.
    sqlx::query("select pg_terminate_backend($1)").bind(pid).execute(&mut raw(&database).await).await.expect("a kill");
    let status = loop {
        let status = watching.status().await.expect("a status");
        if status.holders.is_empty() {
            break status;
        }
    };
    assert_eq!((status.highest, status.settled), (Position::new(3), Position::new(3)));
    assert_eq!(positions(&read_all(&store, Position::START).await), [1, 3], "who was killed has rolled back");
}

pub(crate) async fn the_status_names_a_prepared_transaction(database: Database) {
    let mut other = raw(&database).await;
    if crate::order::no_prepared_transactions(&mut other).await {
        return;
    }
    let store = impatient(&database).await;
    let name = uuid::Uuid::now_v7().to_string();
    run(&mut other, "begin").await;
    insert(&mut other, "prepared", 1).await;
    run(&mut other, &format!("prepare transaction '{name}'")).await;
    append_one(&store, "a").await;
    let status = store.status().await.expect("a status");
    let [holder] = &status.holders[..] else { panic!("{status:?}") };
    assert_eq!((holder.pid, holder.prepared.as_deref()), (None, Some(&*name)));
    assert!(holder.age.is_some() && holder.user.is_some(), "{holder:?}");
    assert!(status.to_string().contains(&format!("held by the prepared transaction '{name}'")), "{status}");
    run(&mut other, &format!("rollback prepared '{name}'")).await;
    assert_eq!(positions(&read_all(&store, Position::START).await), [2]);
}

/// Whatever isolation a database or a role has by default: the store's statements each see what is committed.
pub(crate) async fn the_default_isolation_of_the_database_does_not_matter(database: Database) {
    let isolation = format!("alter database {} set default_transaction_isolation = 'repeatable read'", database.name());
    raw(&database).await.execute(sqlx::raw_sql(AssertSqlSafe(isolation))).await.expect("a setting");
    let store = open(&database).await;
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    insert(&mut transaction, "slow", 1).await;
    append_one(&store, "a").await;
    let reading = tokio::spawn({
        let store = store.clone();
        async move { positions(&read_all(&store, Position::START).await) }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    transaction.commit().await.expect("a commit");
    assert_eq!(reading.await.expect("the reader"), [1, 2]);
}

/// Whoever has appended finds the own event settled, however many others ask at the same time.
pub(crate) async fn what_was_appended_before_the_call_is_settled(database: Database) {
    let store = open_with(&database, |config| config.settle_timeout(Duration::from_mins(1))).await;
    let tasks = (0..16).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                let position = append_one(&store, &format!("s{number}")).await;
                let settled = store.settled().await.expect("settled").get();
                assert!(position <= settled, "{position} was appended, and only {settled} is settled");
            }
        })
    });
    for task in futures_util::future::join_all(tasks).await {
        task.expect("the task");
    }
}

/// Positions of one history say nothing in another.
pub(crate) async fn in_another_history_all_begins_anew(database: Database) {
    let store = open(&database).await;
    for _ in 0..5 {
        append_one(&store, "a").await;
    }
    assert_eq!(store.settled().await.expect("settled"), Position::new(5));
    let mut other = raw(&database).await;
    run(&mut other, "drop schema es cascade").await;
    let again = open(&database).await;
    append_one(&again, "b").await;
    let end = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid()";
    run(&mut other, end).await;
    assert_eq!(positions(&read_all(&store, Position::START).await), [1], "what was settled before is forgotten");
    assert_eq!(store.settled().await.expect("settled"), Position::new(1));
}
