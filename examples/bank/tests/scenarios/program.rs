//! The program: what it prints, and with which code it ends.

use std::process::Stdio;

use super::opened::{Asked, Bank, made_up_ledger};
use crate::support::ledger;

pub(crate) async fn the_program_tells_an_account_from_another_day<D: Asked>(url: &str) {
    let bank = Bank::<D>::open(url).await;
    let ok = |arguments: &[&str]| bank.ok(arguments);
    assert_eq!(
        ok(&["open", "7", "--owner", "Ada", "--overdraft", "100", "--on", "2026-01-02"]),
        "account 7: balance 0.00, version 1\n"
    );
    ok(&["deposit", "7", "250.5", "--description", "salary", "--on", "2026-01-31"]);
    assert_eq!(
        ok(&["withdraw", "7", "300", "--description", "rent", "--on", "2026-01-15"]),
        "account 7: balance -49.50, version 3\n"
    );

    let now = ok(&["show", "7"]);
    assert!(now.contains("balance         -49.50\n") && now.contains("version         3\n"), "{now}");
    let second = ok(&["as-of", "7", "--version", "2"]);
    assert!(second.starts_with("after 2 events\n") && second.contains("balance         250.50\n"), "{second}");
    // By the booking date, the rent went out before the salary came in.
    let mid_month = ok(&["as-of", "7", "--date", "2026-01-20"]);
    assert!(mid_month.starts_with("by booking date: the events booked on 2026-01-20 or before"), "{mid_month}");
    assert!(mid_month.contains("balance         -300.00\n"), "{mid_month}");
    let recorded = ok(&["as-of", "7", "--recorded-at", "2999-01-01T00:00:00Z"]);
    assert!(recorded.contains("balance         -49.50\n"), "{recorded}");

    let history = ok(&["history", "7"]);
    let lines: Vec<_> = history.lines().collect();
    assert_eq!(lines.len(), 4, "{history}");
    assert!(lines[1].ends_with("bank  for Ada, overdraft 100.00"), "{history}");
    assert!(lines[3].contains("withdrawn  -300.00   -49.50  bank  rent"), "{history}");

    ok(&["open", "8", "--owner", "Brian"]);
    assert_eq!(ok(&["top", "-n", "1"]).lines().nth(1).map(|line| &line[..1]), Some("8"));
    assert_eq!(ok(&["low", "--below", "-49.49"]).lines().count(), 2);
    assert_eq!(ok(&["low", "--below", "-49.50"]).lines().count(), 1);
    ok(&["deposit", "7", "49.50"]);
    assert_eq!(ok(&["close", "7"]), "account 7: balance 0.00, version 5\n");
    assert!(ok(&["top"]).contains("closed  Ada"));

    let statement = ok(&["statement", "7"]);
    let lines: Vec<_> = statement.lines().collect();
    assert_eq!(lines.len(), 4, "{statement}");
    assert!(lines[2].starts_with("2026-01-15  -300.00   -49.50  rent"), "{statement}");
    assert_eq!(ok(&["statement", "8"]).lines().count(), 1, "nothing was booked on it");
    bank.close().await;
}

pub(crate) async fn the_program_says_what_was_left_out<D: Asked>(url: &str) {
    let bank = Bank::<D>::open(url).await;
    let path = |name| ledger(name).to_str().expect("the path is text").to_owned();
    let (faulty, small) = (path("faulty.csv"), path("small.csv"));

    let (code, output, error) = bank.run(&["import", &faulty]);
    assert_eq!(code, Some(1), "{error}");
    assert_eq!(error.lines().count(), 15, "{error}");
    assert!(error.starts_with(&format!("{faulty}:3:31: the amount is \"1O0.00\", but")), "{error}");
    assert!(output.contains("malformed lines               15\n"), "{output}");
    assert!(output.contains("  line 19, account 201: 30000.00 cannot be withdrawn"), "{output}");

    let (code, output, error) = bank.run(&["import", &small, "--figures", "--in-flight", "1"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let figure = output.lines().last().and_then(|line| line.strip_prefix("commands_per_second=")).expect("a figure");
    assert!(figure.parse::<u64>().is_ok_and(|figure| figure > 0), "{figure}");

    for (arguments, code, expected) in [
        (&["show", "4711"][..], 1, "there is no account 4711; `bank open 4711 --owner NAME` opens it"),
        (&["history", "4711"], 1, "there is no account 4711; `bank open 4711 --owner NAME` opens it"),
        (&["statement", "4711"], 1, "there is no account 4711; `bank open 4711 --owner NAME` opens it"),
        (
            &["projections", "pause", "statement"],
            1,
            "there is no projection `statement`; registered are: account_summaries, statements",
        ),
        (&["deposit", "4711", "1"], 1, "there is no account 4711; `bank open 4711 --owner NAME` opens it"),
        (
            &["as-of", "4711", "--date", "1995-01-01"],
            1,
            "there is no account 4711; `bank open 4711 --owner NAME` opens it",
        ),
        (&["as-of", "4711", "--version", "1"], 1, "there is no account 4711; `bank open 4711 --owner NAME` opens it"),
        (&["as-of", "106", "--version", "3"], 1, "account 106 has no version 3: it has the versions 1 to 2"),
        (&["as-of", "106", "--version", "0"], 1, "account 106 has no version 0: it has the versions 1 to 2"),
        (&["as-of", "106", "--date", "1995-01-01"], 1, "nothing was booked on account 106 by 1995-01-01"),
        (&["as-of", "106", "--recorded-at", "1995-01-01T00:00:00Z"], 1, "there was no account 106 at that time"),
        (&["open", "106", "--owner", "Ada"], 1, "account 106 exists already"),
        (
            &["withdraw", "105", "20000.01"],
            1,
            "20000.01 cannot be withdrawn: the balance is 0.00, and it may go down to -20000.00",
        ),
        (&["deposit", "105", "-1"], 1, "-1.00 is not more than nothing"),
        (&["close", "106"], 1, "an account is closed at a balance of 0.00, and this one has 1234567.89"),
        (
            &["import", "no/such/file.csv"],
            2,
            "no/such/file.csv: it cannot be read: No such file or directory (os error 2)",
        ),
    ] {
        let (found, output, error) = bank.run(arguments);
        assert_eq!((found, output.as_str()), (Some(code), ""), "{arguments:?}: {error}");
        assert_eq!(error, format!("bank: {expected}\n"));
    }
    let long = "7".repeat(2_000);
    let (code, _, error) = bank.run(&["open", &long, "--owner", "Ada"]);
    assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");

    // Nobody reads what is printed: that is no failure.
    let mut history = bank.program(&["history", "101"]);
    let mut child = history.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it can be waited for");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    bank.close().await;
}

pub(crate) async fn the_program_looks_after_projections<D: Asked>(url: &str) {
    let bank = Bank::<D>::open(url).await;
    let fresh = bank.ok(&["projections"]);
    assert!(fresh.contains("account_summaries v1, shard 0: running at 0, 0 applied, 0 to come"), "{fresh}");

    assert!(bank.ok(&["projections", "pause", "account_summaries"]).contains("account_summaries v1, shard 0: paused"));
    let small = ledger("small.csv");
    let import = ["import", small.to_str().expect("the path is text")];
    let (code, output, error) = bank.run(&import);
    assert!(output.contains("transactions applied          60\n"), "{output}");
    let paused =
        "bank: account_summaries v1, shard 0 is paused; `bank projections resume account_summaries` has it go on\n";
    assert_eq!((code, error.as_str()), (Some(2), paused));
    assert_eq!(bank.run(&["top"]), (Some(2), String::new(), paused.to_owned()));
    assert_eq!(bank.ok(&["statement", "106"]).lines().count(), 2, "the statements go on");

    assert!(
        bank.ok(&["projections", "resume", "account_summaries"])
            .contains("shard 0: running at 0, 0 applied, 66 to come")
    );
    assert_eq!(bank.ok(&["top"]).lines().count(), 7);
    // Without an engine beside it, whoever asks catches up.
    let folder = tempfile::tempdir().expect("a folder");
    let (path, ledger) = (folder.path().join("ledger.csv"), made_up_ledger(2, 10).0);
    std::fs::write(&path, ledger).expect("the ledger can be written");
    bank.ok(&["import", path.to_str().expect("the path is text"), "--no-projections"]);
    assert!(bank.ok(&["projections", "status"]).contains("running at 66, 66 applied, 12 to come"));
    assert_eq!(bank.ok(&["statement", "1"]).lines().count(), 1 + 5);
    bank.ok(&["projections", "drop-older", "account_summaries"]);
    bank.close().await;
}
