//! Opening a store: migrations, wrong paths, files of others, files that cannot be written, and what a running store says of
//! the same. Nothing of a file that is not ours is changed.

use std::{fs, path::Path, time::Duration};

use es_core::store::{EventStore as _, Expected, Load, StoreError};
use es_sqlite::{SqliteConfig, SqliteStore};
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::support::{File, append, hold, raw, run, stored, stream};

/// Opening is refused with words that say what to do, and neither this file nor any beside it is changed.
async fn is_refused(path: &Path, words: &[&str]) -> StoreError {
    let folder = path.parent().expect("a folder");
    let look = || {
        let names = fs::read_dir(folder).map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())));
        let mut files: Vec<_> = names.into_iter().flatten().map(|name| (fs::read(&name).ok(), name)).collect();
        files.sort_by(|one, other| one.1.cmp(&other.1));
        files
    };
    let before = look();
    let error = SqliteStore::open(path).await.expect_err("it is refused");
    let text = error.to_string();
    assert!(words.iter().all(|words| text.contains(words)), "{text}");
    assert!(look() == before, "{} was touched", path.display());
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_again_changes_nothing() {
    let file = File::new();
    let store = file.open().await;
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    store.migrate().await.expect("it is done already");
    store.close().await;
    let before = fs::read(file.path()).expect("the file is there");
    let store = file.open().await;
    assert_eq!(stored(&store, "a").await.len(), 1);
    store.close().await;
    assert_eq!(fs::read(file.path()).expect("the file is there"), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_new_file_at_once() {
    for _ in 0..10 {
        let file = File::new();
        let opened = join_all((0..8).map(|_| tokio::spawn(SqliteStore::open(file.path())))).await;
        let mut histories = Vec::new();
        for store in opened {
            let store = store.expect("the task").expect("each succeeds");
            histories.push(store.history().await.expect("a history"));
            store.append(append("a", Expected::Any, 1)).await.expect("an append");
        }
        histories.dedup();
        assert_eq!((histories.len(), file.count("a").await), (1, 8));
    }
}

/// Whoever is killed or goes away while it opens a file leaves nothing that others cannot open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opening_that_is_dropped_can_be_done_again() {
    for round in 0..60 {
        let file = File::new();
        let _ = timeout(Duration::from_micros(round * 200), SqliteStore::open(file.path())).await;
        let store = file.open().await;
        store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_a_newer_program_are_refused() {
    let file = File::new();
    let store = file.open().await;
    let mut other = file.raw().await;
    run(&mut other, "insert into es_migrations (version, name) values (99, 'of the future')").await;
    sqlx::Connection::close(other).await.expect("it is closed");
    let migrated = store.migrate().await.expect_err("it is too new");
    store.close().await;
    let opened = is_refused(&file.path(), &["version 99", "made by a newer program"]).await;
    for error in [migrated, opened] {
        assert!(matches!(error, StoreError::WrongSchema { found: 99, needed } if needed < 99), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_that_name_no_file_are_refused() {
    let file = File::new();
    let folder = file.beside("folder");
    fs::create_dir(&folder).expect("a folder");
    let url = format!("file:{}?mode=memory", file.path().display());
    for (path, words) in [
        ("", "MemoryStore"),
        (":memory:", "MemoryStore"),
        ("sqlite::memory:", "MemoryStore"),
        ("sqlite:events.db", "leave out `sqlite:`"),
        ("sqlite://events.db", "leave out `sqlite:`"),
        (url.as_str(), "leave out `file:`"),
        ("events\0.db", "without NUL"),
        (folder.to_str().expect("a path"), "is a folder; name a file in it"),
    ] {
        let error = SqliteStore::open(path).await.expect_err(words);
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    #[cfg(unix)]
    {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
        let error = SqliteStore::open(OsStr::from_bytes(b"/tmp/\xff.db")).await.expect_err("it is no UTF-8");
        assert!(matches!(error, StoreError::Misconfigured(_)) && error.to_string().contains("UTF-8"), "{error:?}");
    }
    let error = is_refused(&file.beside("none").join("events.db"), &["see that its folder is there"]).await;
    assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
    assert!(!file.beside("none").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_other_programs_are_refused_and_left_as_they_are() {
    let file = File::new();
    for (name, bytes) in [("short.txt", b"hello".to_vec()), ("long.txt", b"no database".repeat(1_000))] {
        fs::write(file.beside(name), bytes).expect("a file");
        let error = is_refused(&file.beside(name), &[name, "is no SQLite database", "name another file"]).await;
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
        let beside = SqliteStore::open_with(file.beside(name), SqliteConfig::new().beside_other_tables()).await;
        let error = beside.expect_err("it is none of them either");
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
    }
    fs::remove_file(file.beside("short.txt")).expect("it is there");
    fs::remove_file(file.beside("long.txt")).expect("it is there");

    for mode in ["delete", "wal"] {
        let path = file.beside("other.db");
        let mut other = raw(path.clone()).await;
        run(&mut other, &format!("pragma journal_mode = {mode}; create table customers (name text)")).await;
        run(&mut other, "insert into customers values ('ada')").await;
        sqlx::Connection::close(other).await.expect("it is closed");
        let words = ["other.db", "another program", "name another file", "beside_other_tables"];
        let error = is_refused(&path, &words).await;
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");

        let both = SqliteStore::open_with(&path, SqliteConfig::new().beside_other_tables()).await.expect("it may");
        both.append(append("a", Expected::NoStream, 1)).await.expect("an append");
        both.close().await;
        let names: Vec<String> = sqlx::query_scalar("select name from customers")
            .fetch_all(&mut raw(path.clone()).await)
            .await
            .expect("rows");
        assert_eq!(names, ["ada"]);
        drop(SqliteStore::open(&path).await.expect("now it is ours as well"));
        fs::remove_file(path).expect("it is there");
    }
}

/// A file of ours, cut off or with a page of something else, is not made anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_is_refused_and_left_as_it_is() {
    let file = File::new();
    let store = file.open().await;
    store.append(append("a", Expected::NoStream, 100)).await.expect("an append");
    store.close().await;
    let whole = fs::read(file.path()).expect("the file");
    let mut header = whole.clone();
    header[..16].fill(0);
    let mut schema = whole.clone();
    schema[100..2_000].fill(0xAB);
    for bytes in [header, schema] {
        fs::write(file.path(), &bytes).expect("it is written");
        let error = is_refused(&file.path(), &["events.db", "nothing of it was changed"]).await;
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
    }
    fs::write(file.path(), &whole).expect("it is written");
    assert_eq!(stored(&file.open().await, "a").await.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_file_that_another_holds_is_waited_for_but_not_for_ever() {
    let file = File::new();
    let mut other = file.raw().await;
    hold(&mut other).await;
    let open = || SqliteStore::open_with(file.path(), SqliteConfig::new().lock_timeout(Duration::from_millis(200)));
    let error = open().await.expect_err("it is held");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("end its transaction, or try later"), "{error}");
    run(&mut other, "rollback").await;
    drop(open().await.expect("it is free"));
    // What has its tables already is opened without waiting for whoever writes.
    hold(&mut other).await;
    let store = open().await.expect("there is nothing to be written");
    store.load(Load::new(stream("a"))).await.expect("a load");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_wait_is_no_fault() {
    let file = File::new();
    let forever = SqliteConfig::new().lock_timeout(Duration::MAX).acquire_timeout(Duration::MAX);
    let store = file.open_with(forever.poll_interval(Duration::MAX)).await;
    store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    assert_eq!(stored(&store, "a").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_its_tables_says_what_to_do() {
    let file = File::new();
    let store = file.open().await;
    run(&mut file.raw().await, "drop table es_archived_streams; drop table es_events; drop table es_migrations").await;
    let appended = store.append(append("a", Expected::Any, 1)).await.map(drop);
    let loaded = store.load(Load::new(stream("a"))).await.map(drop);
    for outcome in [appended, loaded] {
        let error = outcome.expect_err("there are no tables");
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
        assert!(error.to_string().contains("somebody has changed the file"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relative_path_leads_to_one_file() {
    let file = File::new();
    let here = std::env::current_dir().expect("a folder");
    let up: std::path::PathBuf = here.components().skip(1).map(|_| "..").collect();
    let relative = up.join(file.path().strip_prefix("/").expect("it is from the root on"));
    let store = SqliteStore::open(&relative).await.expect("it can be opened");
    assert_eq!(store.path(), relative, "as it was given");
    store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    assert_eq!(file.count("a").await, 1);
}

/// Root may write everything: then nothing is tested here.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("they can be set");
    let folder = tempfile::tempdir().expect("a folder");
    set(folder.path(), 0o555);
    let is_root = fs::write(folder.path().join("probe"), "").is_ok();
    if is_root {
        eprintln!("left out: nothing is read-only for root");
        return;
    }
    let error = is_refused(&folder.path().join("events.db"), &["files in it can be made and written"]).await;
    assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
    set(folder.path(), 0o755);

    let path = folder.path().join("events.db");
    let store = SqliteStore::open(&path).await.expect("it can be opened");
    store.append(append("a", Expected::NoStream, 1)).await.expect("an append");
    store.close().await;
    let whole = fs::read(&path).expect("the file");
    // Without its folder a file has no log.
    for (file, of_folder) in [(0o444, 0o755), (0o644, 0o555), (0o444, 0o555)] {
        set(&path, file);
        set(folder.path(), of_folder);
        let error = SqliteStore::open(&path).await.expect_err("it cannot be written");
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("events.db") && text.contains("; see that "), "{text}");
        assert_eq!(fs::read(&path).expect("the file"), whole);
    }
    set(folder.path(), 0o755);
    // SQLite has made the others with the rights of the file.
    for name in fs::read_dir(folder.path()).expect("files") {
        set(&name.expect("a file").path(), 0o644);
    }
    assert_eq!(stored(&SqliteStore::open(&path).await.expect("it can be opened"), "a").await.len(), 1);
}

/// SQLite would throw the log away, and everything with it that was not yet in the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_a_file_that_is_gone_is_kept() {
    let file = File::new();
    let store = file.open().await;
    store.append(append("a", Expected::Any, 3)).await.expect("an append");
    let log = file.path().with_extension("db-wal");
    let kept = fs::read(&log).expect("the log is there");
    store.close().await;
    for gone in [true, false] {
        fs::write(&log, &kept).expect("it can be written");
        let taken = if gone { fs::remove_file(file.path()) } else { fs::write(file.path(), "") };
        taken.expect("it can be taken away");
        let refused = SqliteStore::open(file.path()).await.expect_err("it is refused");
        assert!(matches!(refused, StoreError::Misconfigured(_)), "{refused:?}");
        assert!(refused.to_string().contains("put the file back"), "{refused}");
        assert_eq!(fs::read(&log).expect("the log is there"), kept);
    }
    fs::remove_file(&log).expect("it can be moved away");
    file.open().await.close().await;
}

/// A copy of the file by itself lacks what is in the log, but it is known whose it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_file_says_by_itself_which_history_it_has() {
    let (file, other) = (File::new(), File::new());
    let store = file.open().await;
    fs::copy(file.path(), other.path()).expect("it can be copied");
    let copied = other.open().await;
    assert_eq!(copied.history().await.expect("a history"), store.history().await.expect("a history"));
    for store in [store, copied] {
        store.close().await;
    }
}
