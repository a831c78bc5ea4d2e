//! Batches: what handlers do in them, and what keeps them whole.

use std::{error::Error as _, time::Duration};

use es_core::{
    projection::{Activity, HandlerError, ProjectionStore as _, Transience},
    store::StoreError,
};
use es_sqlite::{
    SqliteConfig, SqliteStore, SqliteTransaction,
    sqlx::{self, Connection as _, Executor as _},
};
use tokio::time::Instant;

use crate::{
    projection_support::{
        LAMPS, LONG, MAILS, SHORT, append, begin, claim, engine, mails, moved, number, open_with, position, raw,
        read_model, run, shard, takes_over,
    },
    support::File,
};

/// A store on which handlers write into a table of their own.
async fn with_notes(file: &File) -> SqliteStore {
    let store = open_with(file, &[mails(2)]).await;
    run(&mut raw(file).await, "create table notes (text text primary key)").await;
    store
}

async fn note(store: &SqliteStore, transaction: &mut SqliteTransaction, text: &str) -> Result<(), sqlx::Error> {
    let mut context = store.context(transaction);
    let query = sqlx::query("insert into notes values ($1)").bind(text.to_owned());
    query.execute(&mut *context.connection().await?).await.map(drop)
}

async fn notes(file: &File) -> i64 {
    number(&mut raw(file).await, "select count(*) from notes").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_handlers_write_is_there_with_the_checkpoint() {
    let file = File::new();
    let store = with_notes(&file).await;
    let held = claim(&store, &engine("one", LONG), shard(MAILS, 0)).await;
    for (turn, text) in ["a", "b", "c"].into_iter().enumerate() {
        let turn = turn as u64;
        let mut transaction = begin(&store, &held, turn, turn + 1).await;
        note(&store, &mut transaction, text).await.expect("a note");
        assert_eq!(
            (notes(&file).await, position(&store, held.shard).await),
            (i64::try_from(turn).expect("small"), turn)
        );
        store.commit(transaction).await.expect("a commit");
    }
    assert_eq!((notes(&file).await, position(&store, held.shard).await), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_writes_only_as_it_commits_keeps_nobody_waiting() {
    let file = File::new();
    let store = open_with(&file, &[read_model(LAMPS), mails(1)]).await;
    let (owner, lamps) = (engine("one", LONG), read_model(LAMPS).id);
    let held = claim(&store, &owner, shard(lamps, 0)).await;
    let mut open = begin(&store, &held, 0, 1).await;
    store.load_rows(&mut open, &LAMPS, &["a".to_owned()]).await.expect("rows");
    let rows = r#"[{"id":"a","lit":1}]"#.to_owned();
    store.write_rows(&mut open, &LAMPS, rows, &[]).await.expect("they are taken");
    append(&store).await.expect("nobody has the file");
    append(&file.open().await).await.expect("nor for another process");
    let other = claim(&store, &owner, shard(MAILS, 0)).await;
    let second = begin(&store, &other, 0, 1).await;
    store.commit(second).await.expect("it waits for no other batch");
    store.commit(open).await.expect("a commit");
    assert_eq!(store.find_rows(&LAMPS, "lit = $1", vec![1.into()]).await.expect("rows").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_handlers_had_the_file_leaves_nothing_when_it_is_dropped_or_undone() {
    let file = File::new();
    let store = with_notes(&file).await;
    let held = claim(&store, &engine("one", LONG), shard(MAILS, 0)).await;
    for turn in 0..6 {
        let mut transaction = begin(&store, &held, 0, 1).await;
        note(&store, &mut transaction, "a").await.expect("it was undone before");
        match turn % 3 {
            0 => drop(transaction),
            1 => store.rollback(transaction).await,
            // In the midst of a statement.
            _ => {
                let mut context = store.context(&mut transaction);
                let long = "with recursive n (i) as (select 1 union all select i + 1 from n) insert into notes select i from n";
                let mut connection = context.connection().await.expect("the file");
                let begun = tokio::time::timeout(Duration::from_millis(1), connection.execute(long)).await;
                drop((begun, connection));
                drop(transaction);
            }
        }
        append(&store).await.expect("the file is free");
        assert_eq!((notes(&file).await, position(&store, held.shard).await), (0, 0));
    }
    let mut transaction = begin(&store, &held, 0, 1).await;
    note(&store, &mut transaction, "a").await.expect("a note");
    store.commit(transaction).await.expect("a commit");
    assert_eq!((notes(&file).await, position(&store, held.shard).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_ends_the_transaction_stores_nothing_and_is_refused() {
    let file = File::new();
    let store = with_notes(&file).await;
    let held = claim(&store, &engine("one", LONG), shard(MAILS, 0)).await;
    let endings = [
        "commit",
        "rollback",
        "rollback; begin immediate",
        "commit; begin",
        "rollback; insert into notes values ('z')",
    ];
    for ending in endings {
        let mut transaction = begin(&store, &held, 0, 1).await;
        note(&store, &mut transaction, "a").await.expect("a note");
        let mut context = store.context(&mut transaction);
        // The handler passes over every error.
        for sql in ending.split("; ") {
            let sql = sqlx::AssertSqlSafe(sql.to_owned());
            let _ = sqlx::raw_sql(sql).execute(&mut *context.connection().await.expect("it has it already")).await;
        }
        let _ = note(&store, &mut transaction, "b").await;
        let refused = store.commit(transaction).await.expect_err(ending);
        assert!(matches!(refused, StoreError::Misconfigured(_)), "{ending}: {refused:?}");
        assert!(refused.to_string().contains("`mails`"), "{refused}");
        assert_eq!(store.transience(&HandlerError::new(refused)), Transience::Broken);
        assert_eq!((notes(&file).await, position(&store, held.shard).await), (0, 0), "{ending}");
    }
    // Also one that it does not wait for, behind a statement that it does not wait for.
    let mut transaction = begin(&store, &held, 0, 1).await;
    note(&store, &mut transaction, "a").await.expect("a note");
    let mut context = store.context(&mut transaction);
    let mut connection = context.connection().await.expect("it has it already");
    let long =
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000000) select max(i) from n";
    for sql in [long, "rollback"] {
        drop(tokio::time::timeout(Duration::ZERO, connection.execute(sql)).await);
    }
    drop(connection);
    let refused = store.commit(transaction).await.expect_err("it was ended");
    assert!(matches!(refused, StoreError::Misconfigured(_)), "{refused:?}");
    assert_eq!((notes(&file).await, position(&store, held.shard).await), (0, 0));
    // Others find a connection that is as it should be.
    append(&store).await.expect("the file is free");
    let mut transaction = begin(&store, &held, 0, 1).await;
    note(&store, &mut transaction, "a").await.expect("a note");
    store.commit(transaction).await.expect("a commit");
    append(&store).await.expect("the file is free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_handler_begins_on_the_connection_is_a_savepoint() {
    let file = File::new();
    let store = with_notes(&file).await;
    let held = claim(&store, &engine("one", LONG), shard(MAILS, 0)).await;
    for turn in 0..3 {
        let mut transaction = begin(&store, &held, turn, turn + 1).await;
        note(&store, &mut transaction, &format!("outside {turn}")).await.expect("a note");
        let mut context = store.context(&mut transaction);
        let mut connection = context.connection().await.expect("the file");
        for (text, kept) in [("kept", true), ("undone", false), ("dropped", false)] {
            let mut inner = connection.begin().await.expect("a savepoint");
            let query = sqlx::query("insert into notes values ($1)").bind(format!("{text} {turn}"));
            query.execute(&mut *inner).await.expect("a note");
            match (kept, text) {
                (true, _) => inner.commit().await.expect("a release"),
                (_, "undone") => inner.rollback().await.expect("a rollback"),
                _ => drop(inner),
            }
        }
        drop(connection);
        store.commit(transaction).await.expect("a commit");
        append(&store).await.expect("the file is free");
    }
    assert_eq!((notes(&file).await, position(&store, held.shard).await), (6, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_freezes_is_ended_and_appends_go_on() {
    let file = File::new();
    let config = SqliteConfig::new().lock_timeout(Duration::from_secs(20));
    with_notes(&file).await.close().await;
    let store = file.open_with(config).await;
    let held = claim(&store, &engine("one", SHORT), shard(MAILS, 0)).await;
    let mut transaction = begin(&store, &held, 0, 1).await;
    note(&store, &mut transaction, "a").await.expect("a note");
    let begun = Instant::now();
    // It does nothing more; and nobody claims the shard.
    append(&store).await.expect("it is not kept waiting for ever");
    assert!(begun.elapsed() >= SHORT / 2, "it was ended after {:?}", begun.elapsed());
    let late = note(&store, &mut transaction, "b").await.expect_err("it was ended");
    assert_eq!(store.transience(&HandlerError::new(late)), Transience::Unavailable);
    assert!(store.commit(transaction).await.expect_err("it was ended").is_unavailable());
    assert_eq!((notes(&file).await, position(&store, held.shard).await), (0, 0));
    let next = takes_over(&store, held.shard).await;
    let mut transaction = begin(&store, &next, 0, 1).await;
    note(&store, &mut transaction, "a").await.expect("a note");
    store.commit(transaction).await.expect("a commit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_runs_for_longer_than_the_lease_is_interrupted() {
    let file = File::new();
    let store = with_notes(&file).await;
    let held = claim(&store, &engine("one", SHORT), shard(MAILS, 0)).await;
    let mut transaction = begin(&store, &held, 0, 1).await;
    let mut context = store.context(&mut transaction);
    let forever = "with recursive n (i) as (select 1 union all select i + 1 from n) select max(i) from n";
    let interrupted = sqlx::query(forever).execute(&mut *context.connection().await.expect("the file")).await;
    let interrupted = interrupted.expect_err("it does not run for ever");
    assert_eq!(store.transience(&HandlerError::new(interrupted)), Transience::Passing);
    append(&store).await.expect("the file is free");
    assert!(store.commit(transaction).await.expect_err("it was ended").is_unavailable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_works_is_not_ended_however_long_it_takes() {
    let file = File::new();
    let store = with_notes(&file).await;
    let held = claim(&store, &engine("one", SHORT), shard(MAILS, 0)).await;
    let mut transaction = begin(&store, &held, 0, 1).await;
    let begun = Instant::now();
    let mut turn = 0;
    while begun.elapsed() < 3 * SHORT {
        let slow = Instant::now();
        let noted = note(&store, &mut transaction, &turn.to_string()).await;
        tokio::time::sleep(SHORT / 10).await;
        // On a machine that stood still in between, it may rightly be ended.
        if slow.elapsed() > SHORT / 2 {
            return;
        }
        noted.expect("it is not ended while it works");
        turn += 1;
    }
    store.commit(transaction).await.expect("a commit");
    assert_eq!(notes(&file).await, turn);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_behind_another_processs_claim_is_refused_and_changes_nothing() {
    let file = File::new();
    let store = open_with(&file, &[read_model(LAMPS)]).await;
    let other = file.open().await;
    let lamps = read_model(LAMPS).id;
    let held = claim(&store, &engine("one", SHORT), shard(lamps, 0)).await;
    let mut late = begin(&store, &held, 0, 1).await;
    let rows = r#"[{"id":"a","lit":1}]"#.to_owned();
    store.write_rows(&mut late, &LAMPS, rows.clone(), &[]).await.expect("they are taken");
    // The other process knows nothing of the transaction, and takes the shard over when the lease has run out.
    let new = takes_over(&other, held.shard).await;
    let refused = store.commit(late).await.expect_err("the claim is void");
    assert!(refused.is_unavailable(), "{refused:?}");
    assert_eq!(store.transience(&HandlerError::new(refused)), Transience::Unavailable);
    assert_eq!(position(&store, held.shard).await, 0);
    assert_eq!(store.find_rows(&LAMPS, "", Vec::new()).await.expect("rows").len(), 0);
    assert!(!store.advance(&held, &moved(&store, 0, 1).await).await.expect("an answer"));
    // Nor by rows that are loaded behind it, which take the file.
    let mut works = begin(&other, &new, 0, 1).await;
    other.write_rows(&mut works, &LAMPS, rows, &[]).await.expect("they are taken");
    other.commit(works).await.expect("the new claim holds");
    assert_eq!(position(&store, held.shard).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_asks_for_the_file_behind_another_processs_claim_is_told_to_come_again() {
    let file = File::new();
    let store = with_notes(&file).await;
    let other = file.open().await;
    let held = claim(&store, &engine("one", SHORT), shard(MAILS, 0)).await;
    let mut late = begin(&store, &held, 0, 1).await;
    takes_over(&other, held.shard).await;
    let refused = note(&store, &mut late, "a").await.expect_err("the claim is void");
    assert!(refused.source().is_some() || refused.to_string().contains("void"), "{refused}");
    assert_eq!(store.transience(&HandlerError::new(refused)), Transience::Unavailable);
    store.rollback(late).await;
    append(&store).await.expect("the file is free");
    assert_eq!((notes(&file).await, position(&store, held.shard).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_another_process_that_is_under_way_at_a_pause_is_undone() {
    let file = File::new();
    let store = open_with(&file, &[mails(1)]).await;
    let held = claim(&store, &engine("one", LONG), shard(MAILS, 0)).await;
    let open = begin(&store, &held, 0, 1).await;
    file.open().await.set_activity(MAILS, Activity::Paused).await.expect("it can be paused");
    assert!(store.commit(open).await.expect_err("it is paused").is_unavailable());
    assert_eq!(position(&store, held.shard).await, 0);
    store.set_activity(MAILS, Activity::Running).await.expect("it can be resumed");
    store.commit(begin(&store, &held, 0, 1).await).await.expect("its owner goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_claims_waits_for_nobody() {
    let file = File::new();
    let store = with_notes(&file).await;
    let (owner, other) = (engine("one", LONG), file.open().await);
    let held = claim(&store, &owner, shard(MAILS, 0)).await;
    let mut transaction = begin(&store, &held, 0, 1).await;
    note(&store, &mut transaction, "a").await.expect("a note");
    // In this process and in another: it has the file.
    for store in [&store, &other] {
        let begun = Instant::now();
        assert_eq!(store.claim(&engine("two", LONG), shard(MAILS, 1)).await.expect("an answer"), None);
        assert!(begun.elapsed() < Duration::from_secs(2), "it waited for {:?}", begun.elapsed());
    }
    store.commit(transaction).await.expect("a commit");
    assert!(other.claim(&engine("two", LONG), shard(MAILS, 1)).await.expect("an answer").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_file_in_vain_is_told_who_has_it() {
    let file = File::new();
    with_notes(&file).await.close().await;
    let store = file.open_with(SqliteConfig::new().lock_timeout(Duration::from_millis(100))).await;
    let held = claim(&store, &engine("one", LONG), shard(MAILS, 0)).await;
    let mut transaction = begin(&store, &held, 0, 1).await;
    note(&store, &mut transaction, "a").await.expect("a note");
    let refused = append(&store).await.expect_err("the batch has it");
    assert!(refused.is_unavailable() && refused.to_string().contains("a batch of `mails`"), "{refused}");
    store.commit(transaction).await.expect("a commit");
    append(&store).await.expect("the file is free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_passes_over_that_it_cannot_have_the_file_commits_nothing() {
    let file = File::new();
    with_notes(&file).await.close().await;
    let store = file.open_with(SqliteConfig::new().lock_timeout(Duration::from_millis(100))).await;
    let held = claim(&store, &engine("one", LONG), shard(MAILS, 0)).await;
    let mut transaction = begin(&store, &held, 0, 1).await;
    let mut program = raw(&file).await;
    run(&mut program, "begin immediate").await;
    let refused = note(&store, &mut transaction, "a").await.expect_err("another program has it");
    assert_eq!(store.transience(&HandlerError::new(refused)), Transience::Unavailable);
    run(&mut program, "rollback").await;
    assert!(store.commit(transaction).await.expect_err("it is not whole").is_unavailable());
    assert_eq!((notes(&file).await, position(&store, held.shard).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_failed_is_not_passed_over() {
    let file = File::new();
    let store = open_with(&file, &[read_model(LAMPS)]).await;
    run(&mut raw(&file).await, "create unique index one_each on lamps_v1 (lit)").await;
    let held = claim(&store, &engine("one", LONG), shard(read_model(LAMPS).id, 0)).await;
    let rows = |id: &str| format!(r#"[{{"id":"{id}","lit":1}}]"#);
    let mut transaction = begin(&store, &held, 0, 1).await;
    store.write_rows(&mut transaction, &LAMPS, rows("a"), &[]).await.expect("they are taken");
    // From here on it has the file, and says at once what cannot be written.
    store.load_rows(&mut transaction, &LAMPS, &["a".to_owned()]).await.expect("rows");
    let failed = store.write_rows(&mut transaction, &LAMPS, rows("b"), &[]).await.expect_err("there is one");
    assert_eq!(store.transience(&HandlerError::new(failed)), Transience::Lasting);
    store.commit(transaction).await.expect_err("it is not whole");
    assert_eq!(position(&store, held.shard).await, 0);
    // Kept until the commit, it is refused there.
    let mut transaction = begin(&store, &held, 0, 1).await;
    store.write_rows(&mut transaction, &LAMPS, rows("a"), &[]).await.expect("they are taken");
    store.write_rows(&mut transaction, &LAMPS, rows("b"), &[]).await.expect("they are taken");
    let failed = store.commit(transaction).await.expect_err("there is one");
    assert_eq!(store.transience(&HandlerError::new(failed)), Transience::Lasting);
    assert_eq!(position(&store, held.shard).await, 0);
    assert_eq!(store.find_rows(&LAMPS, "", Vec::new()).await.expect("rows").len(), 0);
}
