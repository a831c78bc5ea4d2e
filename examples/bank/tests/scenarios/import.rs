//! The import, whole and interrupted: every account is held against its known sums by replay from the first event, from its
//! snapshot, from the summaries and from the statements.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use super::opened::{Asked, Bank, made_up_ledger};
use crate::support::{known_sums, ledger};

/// The real ledger and its sums, which do not come with this repository; `None` where they are not there.
pub(crate) fn real_ledger() -> Option<(PathBuf, PathBuf)> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = env::var_os("ES_LEDGER_DIR").map_or_else(beside, PathBuf::from);
    let (transactions, sums) = (folder.join("pkdd99-transactions.csv"), folder.join("pkdd99-balances.csv"));
    if transactions.is_file() && sums.is_file() {
        return Some((transactions, sums));
    }
    println!("left out, because it is not there: the real ledger (ES_LEDGER_DIR names its folder)");
    None
}

pub(crate) async fn the_small_ledger_comes_out_four_times_the_same<D: Asked>(url: &str) {
    let bank = Bank::<D>::open(url).await;
    let known = known_sums(&ledger("small-balances.csv"));
    let report = bank.import(&ledger("small.csv"), 32).await;
    assert_eq!((report.tally.opened, report.tally.applied, report.is_incomplete()), (6, 60, false));
    bank.assert_sums(&known).await;

    let again = bank.import(&ledger("small.csv"), 32).await;
    assert_eq!((again.tally.opened, again.tally.applied, again.tally.already_there), (0, 0, 60));
    assert_eq!(bank.events().await, 66);
    bank.assert_sums(&known).await;
    bank.close().await;
}

pub(crate) async fn the_real_ledger_comes_out_four_times_the_same<D: Asked>(url: &str) {
    let Some((transactions, sums)) = real_ledger() else { return };
    let (bank, known) = (Bank::<D>::open(url).await, known_sums(&sums));
    assert_eq!(known.len(), 1_229);
    assert_eq!(known.values().filter(|sums| sums.transactions >= 20).count(), 862);

    // A first import is killed on its way; nothing of that must be seen later.
    kill_behind(&bank, &transactions, 1_000).await;
    let path = transactions.to_str().expect("the path is text");
    let output = bank.ok(&["import", path]);
    let count = |what: &str| {
        let line = output.lines().find_map(|line| line.strip_prefix(what)).expect("it is counted");
        line.trim().parse::<u64>().expect("a number")
    };
    assert_eq!((count("lines read"), count("malformed lines"), count("rejected")), (49_102, 0, 0));
    assert!(count("already there") > 0, "the killed import had stored something");
    assert_eq!(count("transactions applied") + count("already there"), 49_102);
    // The program has ended when all is taken in, so nobody has to catch up.
    assert_eq!((bank.summed().await, bank.stated().await), (known.clone(), known.clone()));
    bank.assert_sums(&known).await;

    let again = bank.import(&transactions, 32).await;
    assert_eq!((again.tally.opened, again.tally.applied, again.tally.already_there), (0, 0, 49_102));
    assert_eq!(bank.events().await, 49_102 + 1_229);
    bank.assert_sums(&known).await;
    bank.close().await;
}

pub(crate) async fn a_program_that_is_killed_again_and_again_loses_nothing<D: Asked>(url: &str) {
    let (bank, (text, known)) = (Bank::<D>::open(url).await, made_up_ledger(30, 2_000));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.csv");
    fs::write(&path, text).expect("the ledger can be written");
    for events in [200, 600, 1_400] {
        kill_behind(&bank, &path, events).await;
    }
    let output = bank.ok(&["import", path.to_str().expect("the path is text")]);
    assert!(output.contains("lines read                  2000\n"), "{output}");
    assert_eq!((bank.summed().await, bank.stated().await), (known.clone(), known.clone()));
    bank.assert_sums(&known).await;
    bank.close().await;
}

/// Has the program import a ledger, and kills it when so many events are there and some of them are taken in, by it or by
/// those that were killed before.
async fn kill_behind(bank: &Bank<impl Asked>, ledger: &Path, events: i64) {
    let path = ledger.to_str().expect("the path is text");
    let mut killed = bank.program(&["import", path]).stderr(Stdio::null()).spawn().expect("the program starts");
    while bank.events().await < events || bank.stated().await.is_empty() || bank.summed_so_far().await == 0 {
        assert!(killed.try_wait().expect("it can be waited for").is_none(), "the import ended too soon");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    killed.kill().expect("it can be killed");
    killed.wait().expect("it can be waited for");
}
