//! Order: readers go on only over what is settled, and so never miss an event.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{append, insert, open, open_with, positions, raw, read_all, run};
use es_core::{
    recorded::Position,
    store::{EventStore as _, Expected},
};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use sqlx::{Connection as _, Executor as _, PgConnection};

async fn impatient(database: &Database) -> PostgresStore {
    open_with(database, |config| config.settle_timeout(Duration::from_millis(50))).await
}

pub(crate) async fn a_hole_is_not_passed_while_its_writer_is_open(database: Database) {
    let store = impatient(&database).await;
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    assert_eq!(insert(&mut transaction, "slow", 1).await, 2);
    store.append(append("b", Expected::Any, 1)).await.expect("an append");
    assert_eq!(positions(&read_all(&store, Position::START).await), [1], "2 may still come");
    assert_eq!(positions(&read_all(&store, Position::new(1)).await), [0_u64; 0]);
    transaction.commit().await.expect("a commit");
    assert_eq!(positions(&read_all(&store, Position::new(1)).await), [2, 3]);
}

pub(crate) async fn a_hole_whose_writer_gave_up_is_passed(database: Database) {
    let store = impatient(&database).await;
    let mut other = raw(&database).await;
    for round in 0..3 {
        let mut transaction = other.begin().await.expect("a transaction");
        insert(&mut transaction, "gone", 1).await;
        transaction.rollback().await.expect("a rollback");
        store.append(append(&format!("a{round}"), Expected::Any, 1)).await.expect("an append");
    }
    assert_eq!(positions(&read_all(&store, Position::START).await), [2, 4, 6]);
    assert_eq!(positions(&read_all(&store, Position::new(2)).await), [4, 6]);
}

/// Whether the server allows none; says so.
pub(crate) async fn no_prepared_transactions(connection: &mut PgConnection) -> bool {
    let allowed: String =
        sqlx::query_scalar("show max_prepared_transactions").fetch_one(connection).await.expect("a setting");
    if allowed == "0" {
        eprintln!("left out: this server allows no prepared transactions (max_prepared_transactions = 0)");
    }
    allowed == "0"
}

pub(crate) async fn a_prepared_transaction_holds_the_frontier(database: Database) {
    let mut other = raw(&database).await;
    if no_prepared_transactions(&mut other).await {
        return;
    }
    let store = impatient(&database).await;
    let name = format!("'{}'", uuid::Uuid::now_v7());
    let run = async |connection: &mut PgConnection, sql: String| {
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.expect("a statement");
    };
    run(&mut other, "begin".to_owned()).await;
    insert(&mut other, "prepared", 1).await;
    run(&mut other, format!("prepare transaction {name}")).await;
    other.close().await.expect("its process is gone");
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    assert_eq!(positions(&read_all(&store, Position::START).await), [0_u64; 0]);
    run(&mut raw(&database).await, format!("commit prepared {name}")).await;
    assert_eq!(positions(&read_all(&store, Position::START).await), [1, 2]);
}

pub(crate) async fn a_long_transaction_elsewhere_holds_nothing(database: Database) {
    let store = impatient(&database).await;
    let mut elsewhere = raw(&database).await;
    elsewhere.execute("create table elsewhere (n integer)").await.expect("a table");
    let mut long = elsewhere.begin().await.expect("a transaction");
    long.execute("insert into elsewhere values (1)").await.expect("an insert");
    long.execute("select count(*) from es.events").await.expect("a look");
    a_dead_hole(&database).await;
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    assert_eq!(positions(&read_all(&store, Position::START).await), [2]);
    long.rollback().await.expect("a rollback");
}

async fn a_dead_hole(database: &Database) {
    let mut other = raw(database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    insert(&mut transaction, "gone", 1).await;
    transaction.rollback().await.expect("a rollback");
}

pub(crate) async fn a_position_drawn_beside_the_table_holds_the_frontier(database: Database) {
    let store = impatient(&database).await;
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    // No lock on the table, only on the sequence: who draws so may still insert with OVERRIDING SYSTEM VALUE.
    let drawn: i64 = sqlx::query_scalar("select nextval(pg_get_serial_sequence('es.events', 'position'))")
        .fetch_one(&mut *transaction)
        .await
        .expect("a position");
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    assert_eq!(positions(&read_all(&store, Position::START).await), [0_u64; 0]);
    sqlx::query(
        "insert into es.events
             (position, stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
         overriding system value values ($1, 'test', 'beside', 1, 'Tested', 1, gen_random_uuid(), '{}', '{}')",
    )
    .bind(drawn)
    .execute(&mut *transaction)
    .await
    .expect("an insert");
    transaction.commit().await.expect("a commit");
    assert_eq!(positions(&read_all(&store, Position::START).await), [1, 2]);
}

pub(crate) async fn a_reader_waits_for_a_writer_that_is_about_to_end(database: Database) {
    let store = open(&database).await;
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    insert(&mut transaction, "slow", 1).await;
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    let reading = tokio::spawn({
        let store = store.clone();
        async move { positions(&read_all(&store, Position::START).await) }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    transaction.commit().await.expect("a commit");
    assert_eq!(reading.await.expect("the reader"), [1, 2]);
}

/// Writers that pause, roll back and finish out of order; readers that follow; and one that only remembers the
/// highest position it saw, as a measure of what the others were spared.
pub(crate) async fn no_reader_misses_an_event_and_a_naive_one_does(database: Database) {
    const WRITERS: u64 = 10;
    const READERS: usize = 2;
    const TIME: Duration = Duration::from_secs(4);
    let store = open(&database).await;
    let writing = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> = (0..READERS).map(|_| tokio::spawn(follow(store.clone(), Arc::clone(&writing)))).collect();
    let naive = tokio::spawn(follow_naively(raw(&database).await, Arc::clone(&writing)));
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        writers.push(tokio::spawn(write(raw(&database).await, number, TIME)));
    }
    if !no_prepared_transactions(&mut raw(&database).await).await {
        writers.push(tokio::spawn(write_prepared(raw(&database).await, TIME)));
    }
    let appender = tokio::spawn({
        let store = store.clone();
        async move {
            let end = Instant::now() + TIME;
            while Instant::now() < end {
                let together = (0..8).map(|n| store.append(append(&format!("appended{n}"), Expected::Any, 2)));
                for appended in futures_util::future::join_all(together).await {
                    appended.expect("an append");
                }
            }
        }
    });
    for writer in writers {
        writer.await.expect("a writer");
    }
    appender.await.expect("the appender");
    writing.store(false, Ordering::SeqCst);

    let mut connection = raw(&database).await;
    let committed: Vec<i64> = sqlx::query_scalar("select position from es.events order by position")
        .fetch_all(&mut connection)
        .await
        .expect("a look past the store");
    let committed: Vec<u64> = committed.into_iter().map(i64::unsigned_abs).collect();
    for reader in readers {
        let seen = reader.await.expect("a reader");
        assert!(seen.is_sorted(), "a reader saw events out of order");
        let missed = committed.iter().filter(|position| seen.binary_search(position).is_err()).count();
        assert_eq!((missed, seen.len()), (0, committed.len()), "events missed, and events seen");
    }
    let seen = naive.await.expect("the naive reader");
    let missed = committed.iter().filter(|position| !seen.contains(position)).count();
    eprintln!("{} events committed; a naive reader missed {missed}, each of {READERS} readers 0", committed.len());
    assert!(missed > 0, "the naive reader missed nothing: the test does not put readers to the test");
}

async fn write(mut connection: PgConnection, number: u64, time: Duration) {
    let mut random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut version = 0;
    let end = Instant::now() + time;
    while Instant::now() < end {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut transaction = connection.begin().await.expect("a transaction");
        insert(&mut transaction, &format!("w{number}"), version + 1).await;
        if random.is_multiple_of(4) {
            tokio::time::sleep(Duration::from_millis(random >> 32 & 7)).await;
        }
        if random.is_multiple_of(7) {
            let mut savepoint = transaction.begin().await.expect("a savepoint");
            insert(&mut savepoint, &format!("w{number}"), version + 2).await;
            savepoint.rollback().await.expect("back to the savepoint");
        }
        if random % 10 < 3 {
            transaction.rollback().await.expect("a rollback");
        } else {
            transaction.commit().await.expect("a commit");
            version += 1;
        }
    }
}

/// Prepares each transaction, and ends it a moment later.
async fn write_prepared(mut connection: PgConnection, time: Duration) {
    let end = Instant::now() + time;
    let mut version = 0;
    for number in (0..u32::MAX).take_while(|_| Instant::now() < end) {
        let name = uuid::Uuid::now_v7();
        run(&mut connection, "begin").await;
        insert(&mut connection, "prepared", version + 1).await;
        run(&mut connection, &format!("prepare transaction '{name}'")).await;
        tokio::time::sleep(Duration::from_millis(u64::from(number % 8))).await;
        if number % 3 == 0 {
            run(&mut connection, &format!("rollback prepared '{name}'")).await;
        } else {
            run(&mut connection, &format!("commit prepared '{name}'")).await;
            version += 1;
        }
    }
}

/// Reads on from the last position seen, until everything is written and read.
pub(crate) async fn follow(store: PostgresStore, writing: Arc<AtomicBool>) -> Vec<u64> {
    let mut seen: Vec<u64> = Vec::new();
    loop {
        let more = writing.load(Ordering::SeqCst);
        let after = Position::new(seen.last().copied().unwrap_or(0));
        let events = positions(&read_all(&store, after).await);
        if events.is_empty() && !more {
            return seen;
        }
        seen.extend(events);
    }
}

async fn follow_naively(mut connection: PgConnection, writing: Arc<AtomicBool>) -> HashSet<u64> {
    let mut seen = HashSet::new();
    let mut last = 0_i64;
    loop {
        let more = writing.load(Ordering::SeqCst);
        let events: Vec<i64> =
            sqlx::query_scalar("select position from es.events where position > $1 order by position")
                .bind(last)
                .fetch_all(&mut connection)
                .await
                .expect("a look past the store");
        if events.is_empty() && !more {
            return seen;
        }
        last = events.last().copied().unwrap_or(last);
        seen.extend(events.into_iter().map(i64::unsigned_abs));
    }
}
