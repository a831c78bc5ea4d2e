//! The program without a database: what it says, and with which code it ends.

use std::process::{Command, Output};

fn bank(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bank"));
    command.args(arguments).env_remove("DATABASE_URL");
    command
}

/// Makes sure of the exit code and of one line on the standard error, and answers with it.
#[track_caller]
fn refused(mut command: Command, code: i32) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(code), "{stderr}");
    assert_eq!(stdout, "");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[test]
fn where_no_bank_is_it_says_what_begins_one() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [&["top"][..], &["show", "7"], &["deposit", "7", "1"], &["projections"]] {
        let mut command = bank(arguments);
        command.current_dir(&folder);
        let text = refused(command, 1);
        assert_eq!(text, "bank: there is no bank in `bank.db`; `bank import LEDGER` and `bank open` begin one\n");
    }
    assert_eq!(folder.path().read_dir().expect("it can be read").count(), 0, "nothing was made");
    for url in ["mysql://localhost/bank", "sqlite:", "bank.db"] {
        let text = refused(bank(&["top", "--database-url", url]), 2);
        assert!(text.contains("`sqlite:bank.db`, for a file, or as `postgres://user@host/database`"), "{text}");
    }
}

/// And a bank is there afterwards, in this folder or where the environment says.
#[test]
fn nothing_needs_to_be_set_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let ok = |mut command: Command| {
        let output = command.current_dir(&folder).output().expect("the program starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).expect("it writes UTF-8")
    };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ledgers/small.csv");
    assert!(ok(bank(&["import", path])).contains("transactions applied          60\n"));
    assert!(ok(bank(&["show", "106"])).contains("balance         1234567.89\n"));
    assert!(folder.path().join("bank.db").is_file());
    let mut elsewhere = bank(&["open", "7", "--owner", "Ada"]);
    elsewhere.env("DATABASE_URL", "sqlite:other.db");
    ok(elsewhere);
    assert!(folder.path().join("other.db").is_file());
    let mut empty = bank(&["show", "106"]);
    empty.env("DATABASE_URL", "");
    ok(empty);
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let mut command = bank(&["top"]);
    command.env("DATABASE_URL", "postgres://teller:hunter2@127.0.0.1:1/vault");
    let text = refused(command, 2);
    assert!(text.contains("cannot connect to the database `vault` at 127.0.0.1:1"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");

    let text = refused(bank(&["top", "--database-url", "not a url:hunter2@x"]), 2);
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn what_cannot_be_understood_is_refused_before_anything_else() {
    for (arguments, reason) in [
        (&["deposit", "7", "1.005"][..], "an amount has at most two decimals"),
        (&["deposit", "7", "1e3"], "an amount is digits"),
        (&["show", ""], "the number of an account is a text that can be printed"),
        (&["low", "--below", "much"], "an amount is digits"),
        (&["import", "x.csv", "--in-flight", "0"], "number would be zero"),
        (&["as-of", "7"], "--version <NUMBER>|--date <DATE>|--recorded-at <TIME>"),
        (&["as-of", "7", "--version", "1", "--date", "1993-01-01"], "cannot be used with"),
        (&["as-of", "7", "--date", "1993-02-29"], "out of range"),
    ] {
        let output = bank(arguments).output().expect("the program starts");
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn help_names_every_command() {
    let output = bank(&["--help"]).output().expect("the program starts");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let commands =
        ["import", "show", "history", "as-of", "statement", "top", "low", "open", "deposit", "withdraw", "close"];
    for command in commands.into_iter().chain(["projections", "copy"]) {
        assert!(text.contains(&format!("\n  {command}")), "{command}: {text}");
    }
}
