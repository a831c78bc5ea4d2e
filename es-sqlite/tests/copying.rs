//! Copies out of files and into them: the rules that hold for every two stores, and what only a file shows.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use es_core::{
    MemoryStore,
    copy::{CopyError, CopyStore as _, Difference, copy},
    projection::InlineError,
    store::{EventStore as _, StoreError},
};
use es_sqlite::{
    SqliteStore,
    sqlx::{AssertSqlSafe, Executor as _, SqliteConnection},
};

use crate::{
    copies::{self, append, assert_same, copied, everything, fill, stream},
    projection_support::{number, raw},
    support::File,
};

/// A source and a target; those that are in files are gone with these.
macro_rules! in_files {
    ($name:ident: $source:expr => $target:expr; $($module:ident::$test:ident,)+) => {
        mod $name {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let files = [File::new(), File::new()];
                copies::$module::$test(&$source(&files[0]).await, &$target(&files[1]).await).await;
            })+
        }
    };
}

fn memory(_: &File) -> Ready<MemoryStore> {
    ready(MemoryStore::new())
}

async fn file(file: &File) -> SqliteStore {
    file.open().await
}

copies::every_rule! { in_files! { from_memory: memory => file; } }
copies::every_rule! { in_files! { into_memory: file => memory; } }
copies::every_rule! { in_files! { between_files: file => file; } }

async fn run(connection: &mut SqliteConnection, sql: &str) {
    connection.execute(AssertSqlSafe(sql.to_owned())).await.expect(sql);
}

/// A copy of so many events, and the hands of somebody who may change all.
async fn copied_file(events: usize) -> (MemoryStore, File, SqliteStore, SqliteConnection) {
    let (source, target) = (MemoryStore::new(), File::new());
    fill(&source, events).await;
    let store = target.open().await;
    copied(&source, &store).await;
    let mut hands = raw(&target).await;
    run(&mut hands, "drop trigger es_events_are_not_updated; drop trigger es_events_are_not_deleted").await;
    (source, target, store, hands)
}

/// Changes that the triggers would refuse, of one event or its absence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_by_hand_is_found() {
    let (source, _file, target, mut hands) = copied_file(40).await;
    run(&mut hands, "create table before as select * from es_events where position = 17").await;
    for (change, expected) in [
        ("payload = json_set(payload, '$.more', 1)", "payload"),
        ("payload = '{\"number\":0.00000000000000000001}'", "payload"),
        ("metadata = json_set(metadata, '$.actor', 'nobody')", "metadata"),
        ("recorded_at = recorded_at + 1", "time of recording"),
        ("event_id = randomblob(16)", "event id"),
        ("event_type = 'LampPutOut'", "event type"),
        ("schema_version = 2", "schema version"),
        ("version = version + 1000", "version"),
        ("stream_id = 'another'", "stream id"),
        ("stream_type = 'another'", "stream type"),
        ("idempotency_key = 'another'", "idempotency key"),
        ("append_size = 2", "size of the append"),
    ] {
        run(&mut hands, &format!("update es_events set {change} where position = 17")).await;
        let found = copy(&source, &target).await.expect_err(change);
        let CopyError::Verification(Difference::Field { field, position, .. }) = &found else { panic!("{found:?}") };
        assert_eq!((*field, position.get()), (expected, 17));
        run(&mut hands, "delete from es_events where position = 17; insert into es_events select * from before").await;
        copied(&source, &target).await;
    }
    run(&mut hands, "delete from es_events where position = 17").await;
    let found = copy(&source, &target).await.expect_err("one is missing");
    assert!(matches!(found, CopyError::Verification(Difference::Field { .. })), "the next stands there: {found:?}");
    run(&mut hands, "delete from es_events where position = 40").await;
    let found = copy(&source, &target).await.expect_err("the last is missing");
    assert!(matches!(found, CopyError::TargetDiverged { .. }), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_was_changed_by_hand_is_found() {
    let (_, _file, source, mut hands) = copied_file(10).await;
    let target = MemoryStore::new();
    copied(&source, &target).await;
    run(&mut hands, "update es_events set payload = '{}' where position = 3").await;
    let found = copy(&source, &target).await.expect_err("one was changed");
    assert!(matches!(found, CopyError::Verification(Difference::Field { field: "payload", .. })), "{found:?}");
    run(&mut hands, "update es_events set event_id = randomblob(16) where position = 10").await;
    let found = copy(&source, &target).await.expect_err("the last is another one");
    assert!(matches!(found, CopyError::SourceDiverged { .. }), "{found:?}");
}

const OWN: &str = "
    insert into es_events
        (position, stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata, recorded_at)
    select max(position) + 1, 'lamp', 'own', 1, 'LampLit', 1, randomblob(16), '{}', '{}', max(recorded_at) from es_events";

/// Of another program that has the file just now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_in_the_target_is_waited_for_and_then_noticed() {
    let (source, _file, target, mut hands) = copied_file(10).await;
    fill(&source, 10).await;
    for end in ["rollback", "commit"] {
        run(&mut hands, "begin immediate").await;
        run(&mut hands, OWN).await;
        let later = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            run(&mut hands, end).await;
        };
        let (outcome, ()) = tokio::join!(copy(&source, &target), later);
        if end == "rollback" {
            assert_eq!(outcome.expect("there was no event of its own").events, 20);
            fill(&source, 10).await;
        } else {
            let refused = outcome.expect_err("an event came between");
            let CopyError::AppendedBetween { stream: of, position, .. } = &refused else { panic!("{refused:?}") };
            assert_eq!((of, position.get()), (&stream("own"), 21));
            assert_eq!(everything(&target).await.len(), 21);
        }
    }
}

/// Each with a store of its own, as in several processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_that_copy_at_once_double_nothing() {
    let (source, target) = (File::new(), File::new());
    let store = source.open().await;
    fill(&store, 300).await;
    let mut copies = Vec::new();
    for _ in 0..4 {
        let (from, into) = (source.open().await, target.open().await);
        copies.push(tokio::spawn(async move { copy(&from, &into).batch(5).await }));
    }
    for outcome in copies {
        match outcome.await.expect("it does not panic") {
            Ok(report) => assert_eq!(report.events, 300),
            Err(error) => assert!(matches!(error, CopyError::Overtaken), "{error:?}"),
        }
    }
    let into = target.open().await;
    copied(&store, &into).await;
    assert_same(&store, &into).await;
}

/// Positions go on behind the last that was copied; also where somebody has removed what stood there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_copied_stands_at_positions_of_the_target() {
    let (source, between) = (File::new(), File::new());
    let (source_store, between_store) = (source.open().await, between.open().await);
    fill(&source_store, 20).await;
    let mut hands = raw(&source).await;
    run(&mut hands, "drop trigger es_events_are_not_updated; update es_events set position = position * 1000").await;
    let report = copied(&source_store, &between_store).await;
    assert_eq!((report.source.get(), report.target.get()), (20_000, 20));
    let known = between_store.copy_progress().await.expect("it can be asked").expect("there is one");
    assert_eq!((known.source.position.get(), known.target.get(), known.events), (20_000, 20, 20));
    // How far it has come it knows when it is opened again.
    between_store.close().await;
    fill(&source_store, 1).await;
    let report = copied(&source_store, &between.open().await).await;
    assert_eq!((report.copied, report.source.get(), report.target.get()), (1, 20_001, 21));
}

/// Their rows would be left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_model_that_changes_with_the_appends_stands_in_the_way() {
    let (source, file) = (MemoryStore::new(), File::new());
    let target = file.open().await;
    fill(&source, 5).await;
    let mut owner = raw(&file).await;
    let listed = "
        insert into es_projections (name, kind, active, newest) values ('lamps', 'read_model', 1, 1);
        insert into es_projection_versions (name, version, events, began) values ('lamps', 1, '[]', 0);
        insert into es_inline_read_models (name, version, events) values ('lamps', 1, '[\"LampPutOut\",\"LampLit\"]')";
    run(&mut owner, listed).await;
    let refused = copy(&source, &target).await.expect_err("its rows are to change");
    let CopyError::Target(StoreError::Inline(inline)) = &refused else { panic!("{refused:?}") };
    assert!(matches!(&**inline, InlineError::NotHere { read_model } if read_model == "lamps v1"), "{inline:?}");
    assert_eq!(everything(&target).await.len(), 0);
    assert_eq!(target.copy_progress().await.expect("it can be asked"), None);
    // One that handles none of the events does not stand in the way.
    run(&mut owner, "update es_inline_read_models set events = '[\"LampPutOut\"]'").await;
    copied(&source, &target).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_from_before_copies_is_brought_up_to_date() {
    let (source, file) = (MemoryStore::new(), File::new());
    let target = file.open().await;
    fill(&source, 5).await;
    run(&mut raw(&file).await, "drop table es_copies; delete from es_migrations where version >= 3").await;
    let refused = copy(&source, &target).await.expect_err("there is no table");
    assert!(matches!(refused, CopyError::Target(StoreError::Misconfigured(_))), "{refused:?}");
    target.migrate().await.expect("it can be migrated");
    copied(&source, &target).await;
    assert_eq!(number(&mut raw(&file).await, "select count(*) from es_copies").await, 1);
}

/// Pages and batches end where they have enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_events_travel() {
    let (source, files) = (MemoryStore::new(), [File::new(), File::new()]);
    for number in 0..24 {
        let mut large = append("large", 2).idempotency_key(format!("key {number}"));
        large.events[1].payload = format!("\"{}\"", "x".repeat(900_000));
        source.append(large).await.expect("an append");
    }
    let [one, other] = [files[0].open().await, files[1].open().await];
    let hash = copied(&source, &one).await.hash;
    assert_eq!(copied(&one, &other).await.hash, hash);
    assert_same(&source, &other).await;
}
