//! Real other processes on the same file: this program, started again for one of its tests.

use std::{
    env,
    pin::pin,
    process::{Child, Command, Stdio},
    time::Duration,
};

use es_core::{
    recorded::Position,
    store::{EventStore as _, Expected, ReadAll},
};
use es_sqlite::{SqliteConfig, SqliteStore};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::timeout;

use crate::support::{File, append, hold, positions, raw};

const PATH: &str = "ES_SQLITE_OTHER_PROCESS";

/// A process that runs one test of this program.
struct Other(Child);

impl Other {
    fn start(test: &str, file: &File) -> Self {
        let program = env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.args(["--exact", test]).env(PATH, file.path()).stdout(Stdio::null());
        Self(command.spawn().expect("it starts"))
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// In this process it does nothing; in another it appends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_another_process_that_appends() {
    let Some(path) = env::var_os(PATH) else { return };
    let store = SqliteStore::open(path).await.expect("the file can be opened");
    for _ in 0..50 {
        store.append(append("there", Expected::Any, 1)).await.expect("an append");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    store.close().await;
}

/// In this process it does nothing; in another it begins to write, and never ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_another_process_that_holds_the_file() {
    let Some(path) = env::var_os(PATH) else { return };
    let mut connection = raw(path.into()).await;
    hold(&mut connection).await;
    crate::support::insert(&mut connection, "held", 1).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_sees_what_another_process_appends() {
    let file = File::new();
    let store = file.open().await;
    let mut other = Other::start("processes::as_another_process_that_appends", &file);
    let events = store.subscribe(ReadAll::after(Position::START)).take(100).try_collect::<Vec<_>>();
    let here = async {
        for _ in 0..50 {
            store.append(append("here", Expected::Any, 1)).await.expect("an append");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let (seen, ()) = tokio::join!(timeout(Duration::from_secs(30), events), here);
    let seen = seen.expect("they come").expect("it goes on");
    assert_eq!(positions(&seen), (1..=100).collect::<Vec<_>>());
    assert!(other.0.wait().expect("its end").success());
    assert_eq!((file.count("here").await, file.count("there").await), (50, 50));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_while_it_writes_leaves_nothing_and_holds_up_nobody() {
    let file = File::new();
    let store = file.open_with(SqliteConfig::new().lock_timeout(Duration::from_millis(100))).await;
    for round in 0..5 {
        let other = Other::start("processes::as_another_process_that_holds_the_file", &file);
        let held = async {
            loop {
                match store.append(append("a", Expected::Any, 1)).await {
                    Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                    Err(error) => return error,
                }
            }
        };
        let error = timeout(Duration::from_secs(30), pin!(held)).await.expect("the file is held at last");
        assert!(error.is_unavailable(), "{error:?}");
        drop(other);
        store.append(append("after", Expected::Any, 1)).await.expect("the file is free");
        assert_eq!((file.count("held").await, file.count("after").await), (0, round + 1));
    }
}
