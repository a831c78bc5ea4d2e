//! A bank in a database of its own, and what its accounts have come to, asked in four ways.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, Cursor},
    num::NonZeroUsize,
    path::Path,
    process::Command,
};

use bank::{
    databases::Database,
    domain::{Account, AccountEvent, AccountId},
    import::{Report, import},
    ledger::{COLUMNS, Ledger},
    money::Money,
    projections,
    summaries::{self, AccountSummary},
};
use es_core::{
    EventHandlers as _, Metadata, Repository,
    store::{EventStore as _, ReadStream},
};
use futures_util::TryStreamExt as _;

use crate::support::Sums;

/// A database, with what these tests ask of it past the store.
pub(crate) trait Asked: Database {
    /// Opens the database of a URL, and makes its tables.
    async fn open(url: &str) -> Self;

    /// How many events there are.
    async fn events(&self) -> i64;

    /// The version of each account's snapshot.
    async fn snapshots(&self) -> Vec<(String, i64)>;

    /// Of each account in the statements: how many lines, their sum, and whether each balance is the one before it and the
    /// amount.
    async fn stated(&self) -> Vec<(String, i64, i64, bool)>;

    /// Whether the summaries have been made.
    async fn has_summaries(&self) -> bool;

    /// Has the database refuse statement lines of account 3 from line 5 on, naming `refused`; or allow them again.
    async fn refuse(&self, refuse: bool);
}

/// A bank that is open.
pub(crate) struct Bank<D> {
    pub(crate) url: String,
    pub(crate) database: D,
}

impl<D: Asked> Bank<D> {
    pub(crate) async fn open(url: &str) -> Self {
        Self { url: url.to_owned(), database: D::open(url).await }
    }

    pub(crate) fn store(&self) -> &D::Store {
        self.database.store()
    }

    /// Imports a ledger from a file, without an engine beside it.
    pub(crate) async fn import(&self, path: &Path, in_flight: usize) -> Report {
        self.read_in(Ledger::open(path).expect("it is a ledger"), in_flight).await
    }

    /// Imports the text of a ledger.
    pub(crate) async fn import_text(&self, text: &str) -> Report {
        self.read_in(Ledger::new("made up", Cursor::new(text.to_owned())).expect("it is a ledger"), 16).await
    }

    async fn read_in<R: BufRead + Send + 'static>(&self, ledger: Ledger<R>, in_flight: usize) -> Report {
        let in_flight = NonZeroUsize::new(in_flight).expect("at least one");
        import(self.store(), ledger, in_flight, ()).await.expect("it is imported")
    }

    /// Has an engine take in all that is there.
    pub(crate) async fn catch_up(&self) {
        let engine = self.database.engine().start().await.expect("it can be started");
        projections::all_taken_in(self.store(), &engine, None).await.expect("nothing has stopped");
        engine.shutdown().await;
    }

    pub(crate) async fn events(&self) -> i64 {
        self.database.events().await
    }

    /// The program, on this bank.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bank"));
        command.args(arguments).env("DATABASE_URL", &self.url);
        command
    }

    /// Runs the program, and answers with its exit code and both of its outputs.
    pub(crate) fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = self.program(arguments).output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Runs the program, which ends well and says nothing on its standard error.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        match self.run(arguments) {
            (Some(0), output, error) if error.is_empty() => output,
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    pub(crate) async fn close(self) {
        self.database.close().await;
    }

    /// Holds every account against its known sums, in four ways.
    pub(crate) async fn assert_sums(&self, known: &BTreeMap<AccountId, Sums>) {
        self.catch_up().await;
        let (mut replayed, mut loaded) = (BTreeMap::new(), BTreeMap::new());
        let accounts = self.store().repository::<Account>();
        for id in known.keys() {
            let account = self.replay(id).await;
            let snapshot = accounts.load(id).await.expect("the account is there").state;
            assert_eq!(account, snapshot, "account {id}: replayed, and from its snapshot");
            replayed.insert(id.clone(), Sums::of(&account));
            loaded.insert(id.clone(), Sums::of(&snapshot));
        }
        assert_eq!(&replayed, known, "by replay from the first event");
        assert_eq!(&loaded, known, "from the snapshots");
        assert_eq!(&self.summed().await, known, "in the summaries");
        assert_eq!(&self.stated().await, known, "in the statements");
        self.assert_snapshots(known).await;
    }

    /// The sums that the summaries have.
    pub(crate) async fn summed(&self) -> BTreeMap<AccountId, Sums> {
        let sums = |AccountSummary { account_id, transaction_count, balance, .. }: AccountSummary| {
            (account_id, Sums { transactions: transaction_count.unsigned_abs(), net: balance })
        };
        summaries::all(self.store()).await.expect("the summaries are there").into_iter().map(sums).collect()
    }

    /// How many transactions are in the summaries, which may not be there yet.
    pub(crate) async fn summed_so_far(&self) -> u64 {
        if !self.database.has_summaries().await {
            return 0;
        }
        self.summed().await.values().map(|sums| sums.transactions).sum()
    }

    /// The sums that the statements come to; each line's balance is the one before it and its amount.
    pub(crate) async fn stated(&self) -> BTreeMap<AccountId, Sums> {
        let sums = |(account, transactions, net, adds_up): (String, i64, i64, bool)| {
            assert!(adds_up, "account {account}: the balances are those of the lines");
            (AccountId(account), Sums { transactions: transactions.unsigned_abs(), net: Money::from_minor(net) })
        };
        self.database.stated().await.into_iter().map(sums).collect()
    }

    /// An account by all of its events, without any snapshot.
    async fn replay(&self, id: &AccountId) -> Account {
        let stream = Repository::<Account, D::Store>::stream(id);
        let mut events = std::pin::pin!(self.store().read_stream(ReadStream::new(stream)));
        let mut account = Account::default();
        while let Some(stored) = events.try_next().await.expect("events can be read") {
            let metadata: Metadata = stored.decode_metadata().expect("metadata decodes");
            account.fold(stored.decode_event::<AccountEvent>().expect("the event decodes").expect("a type"), &metadata);
        }
        account
    }

    /// Makes sure that just those accounts have a snapshot that must: an account has one event more than it has
    /// transactions, because it was opened.
    async fn assert_snapshots(&self, known: &BTreeMap<AccountId, Sums>) {
        let rows = self.database.snapshots().await;
        let kept: BTreeMap<_, _> = rows.into_iter().map(|(id, version)| (AccountId(id), version)).collect();
        let due: Vec<_> = known.iter().filter(|(_, sums)| sums.transactions + 1 >= 20).map(|(id, _)| id).collect();
        assert!(kept.keys().eq(due), "every account with 20 events has a snapshot, and no other");
        assert!(kept.values().all(|&version| version >= 20), "no snapshot was taken before the twentieth event");
    }
}

/// A ledger of deposits, of all different amounts, with its sums.
pub(crate) fn made_up_ledger(accounts: u64, transactions: u64) -> (String, BTreeMap<AccountId, Sums>) {
    let mut text = COLUMNS.join(";");
    let mut known = BTreeMap::new();
    for number in 1..=transactions {
        let (account, amount) = (AccountId((number % accounts).to_string()), Money::from_minor(number.cast_signed()));
        write!(text, "\n{number};{account};950101;PRIJEM;VKLAD;{amount};0;;;").expect("a text can grow");
        let sums = known.entry(account).or_insert(Sums { transactions: 0, net: Money::ZERO });
        *sums = Sums { transactions: sums.transactions + 1, net: sums.net.saturating_add(amount) };
    }
    (text, known)
}
