//! What the compiler says: each mistake has a case of its own in `ui`, in a folder by the kind of mistake.
//!
//! `TRYBUILD=overwrite cargo test -p es-tests --test ui` writes the `.stderr` files anew. Read each as someone who sees
//! the library for the first time: it says what is wrong, what to write, and why.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The kinds of mistakes: the folders of `ui`, without the one of the programs that compile.
const MISTAKES: [&str; 13] = [
    "cascade",
    "command",
    "conflict",
    "covers",
    "duplicate",
    "handler",
    "malformed",
    "name",
    "projection",
    "retired",
    "shape",
    "unknown-attribute",
    "version",
];

/// The folders whose cases have a lock, which is in the folder.
const WITH_LOCK: [&str; 5] = ["lock", "lock-binary", "lock-foreign", "lock-newer", "lock-unreadable"];

/// All cases are compiled as parts of one crate, so that the lock of some would be that of all: one test at a time.
static CRATE: Mutex<()> = Mutex::new(());

#[test]
fn pass() {
    let _turn = CRATE.lock().unwrap_or_else(PoisonError::into_inner);
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn fail() {
    let _turn = CRATE.lock().unwrap_or_else(PoisonError::into_inner);
    let cases = trybuild::TestCases::new();
    for kind in MISTAKES {
        cases.compile_fail(format!("ui/{kind}/*.rs"));
    }
}

#[test]
fn fail_with_a_lock() {
    let _turn = CRATE.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(env::var_os("ES_LOCK").is_none(), "with `ES_LOCK` set, the macros do not compare: unset it");
    for kind in WITH_LOCK {
        // It is dropped after the cases, which run when they are dropped.
        let _lock = Lock::put(kind);
        trybuild::TestCases::new().compile_fail(format!("ui/{kind}/*.rs"));
    }
}

/// The lock of a folder, in the root of the crate that the cases are compiled in.
struct Lock(PathBuf);

impl Lock {
    fn put(kind: &str) -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is a folder of the target's");
        let root = target.join("tests/trybuild").join(env!("CARGO_PKG_NAME"));
        fs::create_dir_all(&root).expect("a folder for the crate");
        let path = root.join("events.lock");
        let from = Path::new("ui").join(kind).join("events.lock");
        fs::copy(&from, &path).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        Self(path)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
