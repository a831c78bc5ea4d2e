//! Copies of a bank, made by the program: from a file to any database, and back into another file.

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use bank::{
    databases::Sqlite,
    domain::{Account, AccountId},
};
use es_core::{
    copy::{CopiedEvent, CopyStore},
    recorded::Position,
    store::{EventStore as _, ReadAll},
};

use super::{
    in_file,
    opened::{Asked, Bank, made_up_ledger},
};
use crate::support::{Sums, known_sums, ledger};

/// All that is in a bank, in order, as it is the same wherever it is kept: without positions, and with JSON as what it says.
async fn everything<D: Asked>(bank: &Bank<D>) -> Vec<(CopiedEvent, [serde_json::Value; 2])> {
    let (mut events, mut read) = (Vec::new(), ReadAll::after(Position::START));
    loop {
        let page = bank.store().read_copy(&read).await.expect("events can be read");
        for mut copied in page.events {
            let json = [&mut copied.event.payload, &mut copied.event.metadata]
                .map(|text| serde_json::from_slice(&std::mem::take(text)).expect("JSON"));
            copied.event.position = Position::START;
            events.push((copied, json));
        }
        if !page.more {
            return events;
        }
        read = read.go_on(page.upto);
    }
}

/// That all accounts have come to their sums: the program has brought summaries and statements up to date.
async fn assert_known<D: Asked>(bank: &Bank<D>, known: &BTreeMap<AccountId, Sums>) {
    assert_eq!((&bank.summed().await, &bank.stated().await), (known, known));
    let accounts = bank.store().repository::<Account>();
    for (id, sums) in known {
        assert_eq!(Sums::of(&accounts.load(id).await.expect("the account is there").state), *sums, "account {id}");
    }
}

/// What a copy says of itself.
fn count(output: &str, what: &str) -> u64 {
    let line = output.lines().find_map(|line| line.strip_prefix(what)).expect(what);
    line.trim().parse().expect("a number")
}

/// A ledger that is imported into a file, goes to another database, and from there into another file.
pub(crate) async fn there_and_back<D: Asked>(url: &str, ledger: &Path, known: &BTreeMap<AccountId, Sums>) {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Bank::<Sqlite>::open(&in_file::url(folder.path(), "first.db")).await;
    let there = Bank::<D>::open(url).await;
    let back = Bank::<Sqlite>::open(&in_file::url(folder.path(), "back.db")).await;
    first.import(ledger, 32).await;
    let all = everything(&first).await;

    let said = first.ok(&["copy", "--to", &there.url]);
    let events = all.len() as u64;
    assert_eq!(["events copied", "events in all", "read again"].map(|what| count(&said, what)), [events; 3]);
    assert_eq!(there.ok(&["copy", "--to", &back.url]), said, "the same events, with the same hash");
    assert!(everything(&there).await == all, "an event is another one there");
    assert!(everything(&back).await == all, "an event is another one when it is back");
    assert_known(&there, known).await;
    assert_known(&back, known).await;

    // Each transaction is known by its number: imported again, nothing is stored twice.
    let again = back.import(ledger, 32).await;
    assert_eq!((again.tally.opened, again.tally.applied), (0, 0));
    assert_eq!(back.events().await, events.cast_signed());
    first.close().await;
    there.close().await;
    back.close().await;
}

pub(crate) async fn a_bank_goes_there_and_back<D: Asked>(url: &str) {
    there_and_back::<D>(url, &ledger("small.csv"), &known_sums(&ledger("small-balances.csv"))).await;
}

pub(crate) async fn a_copy_is_made_again_and_again_until_it_is_a_bank_of_its_own<D: Asked>(url: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (bank, copied) =
        (Bank::<Sqlite>::open(&in_file::url(folder.path(), "bank.db")).await, Bank::<D>::open(url).await);
    let copy = ["copy", "--to", &copied.url];
    assert_eq!(count(&bank.ok(&copy), "events in all"), 0, "there is nothing yet");
    bank.ok(&["open", "7", "--owner", "Ada"]);
    assert_eq!(count(&bank.ok(&copy), "events copied"), 1);
    bank.ok(&["deposit", "7", "12.50"]);
    bank.ok(&["deposit", "7", "30"]);
    let said = bank.ok(&["copy", "--no-projections", "--to", &copied.url]);
    assert_eq!((count(&said, "events copied"), count(&said, "events in all")), (2, 3));
    assert_eq!(copied.stated().await.len(), 0, "nobody has asked for the statements");
    assert_eq!(copied.ok(&["statement", "7"]).lines().count(), 3);
    assert_eq!(count(&bank.ok(&copy), "events copied"), 0);

    copied.ok(&["deposit", "7", "1"]);
    bank.ok(&["deposit", "7", "2"]);
    let (code, output, error) = bank.run(&copy);
    assert_eq!((code, output.as_str()), (Some(1), ""), "{error}");
    assert!(error.starts_with("bank: event 4 of account/7 was appended to the target"), "{error}");
    assert!(copied.ok(&["show", "7"]).contains("balance         43.50\n"), "it is as it was");
    bank.close().await;
    copied.close().await;
}

pub(crate) async fn a_copy_that_is_killed_goes_on<D: Asked>(url: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, known) = made_up_ledger(30, 6_000);
    let bank = Bank::<Sqlite>::open(&in_file::url(folder.path(), "bank.db")).await;
    bank.import_text(&text).await;
    let copied = Bank::<D>::open(url).await;
    let copy = ["copy", "--to", &copied.url];
    for events in [1, 2_000] {
        let mut killed = bank.program(&copy).stdout(Stdio::null()).spawn().expect("the program starts");
        while copied.events().await < events {
            assert!(killed.try_wait().expect("it can be waited for").is_none(), "the copy ended too soon");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        killed.kill().expect("it can be killed");
        killed.wait().expect("it can be waited for");
    }
    let said = bank.ok(&copy);
    let events = known.len() as u64 + 6_000;
    assert!(count(&said, "events copied") <= events - 2_000, "it goes on where the others were: {said}");
    assert_eq!((count(&said, "events in all"), count(&said, "read again")), (events, events));
    assert!(everything(&copied).await == everything(&bank).await);
    assert_known(&copied, &known).await;
    bank.close().await;
    copied.close().await;
}

pub(crate) async fn what_is_no_copy_is_refused<D: Asked>(url: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name| in_file::url(folder.path(), name);
    let (bank, other) = (Bank::<Sqlite>::open(&file("bank.db")).await, Bank::<D>::open(url).await);
    bank.ok(&["open", "7", "--owner", "Ada"]);
    other.ok(&["open", "8", "--owner", "Brian"]);
    let refused = |bank: (Option<i32>, String, String), code, expected: &str| {
        let (found, output, error) = bank;
        assert_eq!((found, output.as_str(), error.lines().count()), (Some(code), "", 1), "{error}");
        assert!(error.contains(expected), "{error}");
    };
    refused(
        bank.run(&["copy", "--to", &other.url]),
        1,
        "is no copy: it has events of its own, such as event 1 of account/8",
    );
    refused(other.run(&["copy", "--to", &other.url]), 1, "are the same store");
    bank.ok(&["copy", "--to", &file("copy.db")]);
    refused(other.run(&["copy", "--to", &file("copy.db")]), 1, "that is a copy of another bank");
    refused(other.run(&["copy", "--to", &file("copy.db"), "--prove-source"]), 1, "no longer has what was copied");
    refused(bank.run(&["copy", "--to", "elsewhere"]), 2, "a database is named as `sqlite:bank.db`");
    refused(bank.run(&["copy", "--to", &file("no/folder.db")]), 2, "folder");
    let missing = bank.program(&["copy", "--to", &other.url, "--database-url", &file("none.db")]).output();
    let missing = String::from_utf8(missing.expect("the program starts").stderr).expect("text");
    assert!(missing.contains("there is no bank in"), "{missing}");

    // The same bank, known by another name, as after a failover: it is looked through, and then goes on.
    let twin = Bank::<Sqlite>::open(&file("copy.db")).await;
    twin.ok(&["copy", "--to", &file("third.db")]);
    refused(bank.run(&["copy", "--to", &file("third.db")]), 1, "`--prove-source`");
    bank.ok(&["deposit", "7", "1"]);
    assert_eq!(count(&bank.ok(&["copy", "--to", &file("third.db"), "--prove-source"]), "events copied"), 1);
    twin.close().await;
    bank.close().await;
    other.close().await;
}
