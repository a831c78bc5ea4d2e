//! What the compiler says: each mistake has a case of its own in `ui`, in a folder by the kind of mistake.
//!
//! `TRYBUILD=overwrite cargo test -p es-tests --test ui` writes the `.stderr` files anew. Read each as someone who sees
//! the library for the first time: it says what is wrong, what to write, and why.

/// The kinds of mistakes: the folders of `ui`, without the one of the programs that compile.
const MISTAKES: [&str; 11] = [
    "cascade",
    "command",
    "conflict",
    "duplicate",
    "handler",
    "malformed",
    "name",
    "retired",
    "shape",
    "unknown-attribute",
    "version",
];

#[test]
fn pass() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn fail() {
    let cases = trybuild::TestCases::new();
    for kind in MISTAKES {
        cases.compile_fail(format!("ui/{kind}/*.rs"));
    }
}
