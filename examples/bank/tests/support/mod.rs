//! What the tests share: the ledgers, and the sums that they are known to have.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bank::{
    domain::{Account, AccountId},
    import::IMPORT_OVERDRAFT,
    money::Money,
};

/// What an account comes to after a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    /// How often money moved.
    pub(crate) transactions: u64,
    /// What remains of it.
    pub(crate) net: Money,
}

impl Sums {
    /// The sums of an account that began at nothing.
    pub(crate) fn of(account: &Account) -> Self {
        assert_eq!(account.overdraft, IMPORT_OVERDRAFT);
        Self { transactions: account.transactions, net: account.balance }
    }
}

/// A file of this package.
pub(crate) fn ledger(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ledgers").join(name)
}

/// The known sums of a ledger, from `account_id;transactions;credits;debits;net`.
pub(crate) fn known_sums(path: &Path) -> BTreeMap<AccountId, Sums> {
    let text = fs::read_to_string(path).expect("the sums can be read");
    let lines = text.lines().skip(1);
    lines
        .map(|line| {
            let [account, transactions, credits, debits, net]: [&str; 5] =
                line.split(';').collect::<Vec<_>>().try_into().expect(line);
            let money = |text: &str| text.parse::<Money>().expect(line);
            assert_eq!(money(credits).checked_sub(money(debits)), Some(money(net)), "{line}");
            let sums = Sums { transactions: transactions.parse().expect(line), net: money(net) };
            (AccountId(account.to_owned()), sums)
        })
        .collect()
}
