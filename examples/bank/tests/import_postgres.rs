//! The import on PostgreSQL: every account is held against its known sums by replay from the first event, from its
//! snapshot, and from the read model.

mod support;

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    io::Cursor,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bank::{
    domain::{Account, AccountEvent, AccountId},
    import::{Report, import},
    ledger::{COLUMNS, Ledger},
    money::Money,
    summaries::{self, AccountSummary},
};
use es_core::{
    EventHandlers as _, Metadata, Repository,
    store::{EventStore as _, ReadStream},
};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use futures_util::TryStreamExt as _;
use sqlx::PgPool;
use support::{Sums, known_sums, ledger};

fn main() -> ExitCode {
    es_tests::database::run(es_tests::database_tests![
        the_small_ledger_comes_out_three_times_the_same,
        the_real_ledger_comes_out_three_times_the_same,
        summaries_that_catch_up_beside_an_import_lose_nothing,
        summaries_can_be_made_again_from_the_events,
        the_program_tells_an_account_from_another_day,
        the_program_says_what_was_left_out,
    ])
}

/// A bank in a database of its own.
struct Bank {
    url: String,
    store: PostgresStore,
    pool: PgPool,
}

impl Bank {
    async fn open(database: &Database) -> Self {
        let url = database.url().to_owned();
        let store = PostgresStore::connect(&url).await.expect("the database can be reached");
        store.migrate().await.expect("the tables can be made");
        let pool = PgPool::connect(&url).await.expect("the database can be reached");
        summaries::migrate(&pool).await.expect("the tables can be made");
        Self { url, store, pool }
    }

    async fn import(&self, path: &Path, in_flight: usize) -> Report {
        let in_flight = NonZeroUsize::new(in_flight).expect("at least one");
        import(&self.store, Ledger::open(path).expect("it is a ledger"), in_flight, ()).await.expect("it is imported")
    }

    async fn events(&self) -> i64 {
        sqlx::query_scalar("select count(*) from es.events").fetch_one(&self.pool).await.expect("events can be counted")
    }

    /// The program, on this bank.
    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bank"));
        command.args(arguments).env("DATABASE_URL", &self.url);
        command
    }

    /// Runs the program, and answers with its exit code and both of its outputs.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = self.program(arguments).output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    async fn close(self) {
        self.pool.close().await;
        self.store.close().await;
    }

    /// Holds every account against its known sums, in three ways.
    async fn assert_sums(&self, known: &BTreeMap<AccountId, Sums>) {
        self.store.flush().await;
        summaries::catch_up(&self.store, &self.pool).await.expect("the summaries catch up");
        let (mut replayed, mut loaded) = (BTreeMap::new(), BTreeMap::new());
        let accounts = self.store.repository::<Account>();
        for id in known.keys() {
            let account = self.replay(id).await;
            let snapshot = accounts.load(id).await.expect("the account is there").state;
            assert_eq!(account, snapshot, "account {id}: replayed, and from its snapshot");
            replayed.insert(id.clone(), Sums::of(&account));
            loaded.insert(id.clone(), Sums::of(&snapshot));
        }
        assert_eq!(&replayed, known, "by replay from the first event");
        assert_eq!(&loaded, known, "from the snapshots");
        assert_eq!(
            &summed(summaries::all(&self.pool).await.expect("the summaries are there")),
            known,
            "in the read model"
        );
        self.assert_snapshots(known).await;
    }

    /// An account by all of its events, without any snapshot.
    async fn replay(&self, id: &AccountId) -> Account {
        let stream = Repository::<Account, PostgresStore>::stream(id);
        let mut events = std::pin::pin!(self.store.read_stream(ReadStream::new(stream)));
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
        let query = sqlx::query_as("select stream_id, version from es.snapshots where stream_type = 'account'");
        let rows: Vec<(String, i64)> = query.fetch_all(&self.pool).await.expect("snapshots can be read");
        let kept: BTreeMap<_, _> = rows.into_iter().map(|(id, version)| (AccountId(id), version)).collect();
        let due: Vec<_> = known.iter().filter(|(_, sums)| sums.transactions + 1 >= 20).map(|(id, _)| id).collect();
        assert!(kept.keys().eq(due), "every account with 20 events has a snapshot, and no other");
        assert!(kept.values().all(|&version| version >= 20), "no snapshot was taken before the twentieth event");
    }
}

fn summed(summaries: Vec<AccountSummary>) -> BTreeMap<AccountId, Sums> {
    let sums = summaries.into_iter().map(|summary| {
        let transactions = summary.transaction_count.unsigned_abs();
        (summary.account_id, Sums { transactions, net: summary.balance })
    });
    sums.collect()
}

/// A file of the real ledger, which does not come with this repository; `None` where it is not there.
fn real_ledger(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = env::var_os("ES_LEDGER_DIR").map_or_else(beside, PathBuf::from);
    Some(folder.join(name)).filter(|path| path.is_file())
}

async fn the_small_ledger_comes_out_three_times_the_same(database: Database) {
    let bank = Bank::open(&database).await;
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

async fn the_real_ledger_comes_out_three_times_the_same(database: Database) {
    let (Some(transactions), Some(sums)) = (real_ledger("pkdd99-transactions.csv"), real_ledger("pkdd99-balances.csv"))
    else {
        println!("left out, because it is not there: the real ledger (ES_LEDGER_DIR names its folder)");
        return;
    };
    let (bank, known) = (Bank::open(&database).await, known_sums(&sums));
    assert_eq!(known.len(), 1_229);
    assert_eq!(known.values().filter(|sums| sums.transactions >= 20).count(), 862);

    // A first import is killed on its way; nothing of that must be seen later.
    let path = transactions.to_str().expect("the path is text");
    let mut killed = bank.program(&["import", path]).stderr(Stdio::null()).spawn().expect("the program starts");
    while bank.events().await < 1_000 {
        assert!(killed.try_wait().expect("it can be waited for").is_none(), "the import ended too soon");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    killed.kill().expect("it can be killed");
    killed.wait().expect("it can be waited for");

    let report = bank.import(&transactions, 32).await;
    let tally = &report.tally;
    assert_eq!((report.lines, report.malformed, tally.rejected()), (49_102, 0, 0));
    assert!(tally.already_there > 0, "the killed import had stored something");
    assert_eq!(tally.applied + tally.already_there, 49_102);
    bank.assert_sums(&known).await;

    let again = bank.import(&transactions, 32).await;
    assert_eq!((again.tally.opened, again.tally.applied, again.tally.already_there), (0, 0, 49_102));
    assert_eq!(bank.events().await, 49_102 + 1_229);
    bank.assert_sums(&known).await;
    bank.close().await;
}

async fn summaries_that_catch_up_beside_an_import_lose_nothing(database: Database) {
    let (bank, (text, known)) = (Bank::open(&database).await, made_up_ledger(40, 3_000));
    // Two that catch up at once, as two processes would, while the events come in.
    let importing = Arc::new(AtomicBool::new(true));
    let catch_up = || {
        let (store, pool, importing) = (bank.store.clone(), bank.pool.clone(), Arc::clone(&importing));
        tokio::spawn(async move {
            let mut batches = Vec::new();
            while importing.load(Ordering::Relaxed) {
                batches.push(summaries::catch_up(&store, &pool).await.expect("the summaries catch up"));
            }
            batches
        })
    };
    let (left, right) = (catch_up(), catch_up());
    let ledger = Ledger::new("made up", Cursor::new(text)).expect("it is a ledger");
    let in_flight = NonZeroUsize::new(16).expect("at least one");
    let report = import(&bank.store, ledger, in_flight, ()).await.expect("it is imported");
    assert_eq!((report.tally.applied, report.is_incomplete()), (3_000, false));
    importing.store(false, Ordering::Relaxed);

    let (left, right) = (left.await.expect("it ends"), right.await.expect("it ends"));
    assert!(left.iter().chain(&right).filter(|&&events| events > 0).count() > 10, "they caught up on the way");
    let rest = summaries::catch_up(&bank.store, &bank.pool).await.expect("the summaries catch up");
    let taken_in = left.iter().sum::<u64>() + right.iter().sum::<u64>() + rest;
    assert_eq!(taken_in, 3_000 + 40, "each event was taken in by one of them");
    bank.assert_sums(&known).await;
    bank.close().await;
}

/// A ledger of deposits, of all different amounts, with its sums.
fn made_up_ledger(accounts: u64, transactions: u64) -> (String, BTreeMap<AccountId, Sums>) {
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

async fn summaries_can_be_made_again_from_the_events(database: Database) {
    let bank = Bank::open(&database).await;
    bank.import(&ledger("small.csv"), 8).await;
    assert_eq!(summaries::catch_up(&bank.store, &bank.pool).await.unwrap(), 66);
    assert_eq!(summaries::catch_up(&bank.store, &bank.pool).await.unwrap(), 0);
    let before = summaries::all(&bank.pool).await.unwrap();

    sqlx::raw_sql("drop schema bank cascade").execute(&bank.pool).await.unwrap();
    summaries::migrate(&bank.pool).await.unwrap();
    assert_eq!(summaries::catch_up(&bank.store, &bank.pool).await.unwrap(), 66);
    assert_eq!(summaries::all(&bank.pool).await.unwrap(), before);

    let one = summaries::get(&bank.pool, &AccountId("103".to_owned())).await.unwrap().expect("the account is there");
    assert_eq!((one.owner.as_str(), one.closed), ("unknown", false));
    assert_eq!(one.last_transaction_on.unwrap().to_string(), "1995-04-28");
    assert_eq!(summaries::get(&bank.pool, &AccountId("104711".to_owned())).await.unwrap(), None);
    bank.close().await;
}

async fn the_program_tells_an_account_from_another_day(database: Database) {
    let bank = Bank::open(&database).await;
    let ok = |arguments: &[&str]| match bank.run(arguments) {
        (Some(0), output, error) if error.is_empty() => output,
        other => panic!("{arguments:?}: {other:?}"),
    };
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
    bank.close().await;
}

async fn the_program_says_what_was_left_out(database: Database) {
    let bank = Bank::open(&database).await;
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
