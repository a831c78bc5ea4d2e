//! The import on the store in memory: what comes out, again and again, and when the store fails on the way.

mod support;

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use bank::{
    domain::{Account, AccountEvent, AccountId},
    import::{ImportError, Observer, Report, import},
    ledger::{Ledger, LedgerError},
};
use es_core::{
    MemoryStore, Position, StreamId,
    store::{
        Append, Appended, EventStore, HistoryId, KeptSnapshot, ListStreams, Load, LoadedStream, NewSnapshot, Page,
        ReadAll, ReadStream, StoreError, StoredEvent, StreamInfo, Unavailable,
    },
};
use futures_util::{Stream, TryStreamExt as _};
use support::{Sums, known_sums, ledger};

async fn import_into<S: EventStore>(store: &S, name: &str, in_flight: usize) -> Result<Report, ImportError> {
    let in_flight = NonZeroUsize::new(in_flight).expect("at least one");
    import(store, Ledger::open(&ledger(name)).expect("the ledger is there"), in_flight, ()).await
}

async fn log<S: EventStore>(store: &S) -> Vec<StoredEvent> {
    store.read_all(ReadAll::after(Position::START)).try_collect().await.expect("the log can be read")
}

/// What happened to each account, in order.
async fn histories<S: EventStore>(store: &S) -> BTreeMap<String, Vec<AccountEvent>> {
    let mut histories = BTreeMap::<String, Vec<_>>::new();
    for stored in log(store).await {
        histories.entry(stored.stream.id().to_owned()).or_default().extend(stored.decode_event().expect("it decodes"));
    }
    histories
}

async fn assert_known_sums<S: EventStore>(store: &S) {
    for (id, sums) in known_sums(&ledger("small-balances.csv")) {
        let account = store.repository::<Account>().load(&id).await.expect("the account is there").state;
        assert_eq!(Sums::of(&account), sums, "account {id}");
    }
}

#[tokio::test]
async fn a_ledger_becomes_accounts() {
    let store = MemoryStore::new();
    let report = import_into(&store, "small.csv", 32).await.unwrap();
    assert_eq!((report.lines, report.malformed, report.is_incomplete()), (60, 0, false));
    assert_eq!((report.tally.opened, report.tally.applied, report.tally.already_there), (6, 60, 0));
    // The first transaction of each account finds nothing, opens it, and is repeated.
    assert_eq!(report.tally.commands, 60 + 2 * 6);
    assert_known_sums(&store).await;

    let event = log(&store).await.swap_remove(0).decode::<AccountEvent>().unwrap().unwrap();
    assert_eq!(event.envelope.metadata.actor.as_deref(), Some("import"));
    assert_eq!(event.envelope.metadata.occurred_at.to_rfc3339(), "1995-01-03T00:00:00+00:00");
    assert_eq!(event.event.booked_on().to_string(), "1995-01-03");
}

#[tokio::test]
async fn a_second_import_changes_nothing() {
    let store = MemoryStore::new();
    import_into(&store, "small.csv", 32).await.unwrap();
    let before = log(&store).await;
    let report = import_into(&store, "small.csv", 3).await.unwrap();
    assert_eq!((report.tally.opened, report.tally.applied, report.tally.already_there), (0, 0, 60));
    assert!(!report.is_incomplete());
    assert_eq!(log(&store).await, before);
}

#[tokio::test]
async fn the_number_in_flight_changes_no_history() {
    let mut first = None;
    for in_flight in [1, 2, 7, 32, 500] {
        let store = MemoryStore::new();
        import_into(&store, "small.csv", in_flight).await.unwrap();
        let histories = histories(&store).await;
        assert_eq!(first.get_or_insert_with(|| histories.clone()), &histories, "{in_flight} in flight");
    }
}

#[tokio::test]
async fn two_imports_at_once_store_everything_once() {
    let store = MemoryStore::new();
    let (left, right) = tokio::join!(import_into(&store, "small.csv", 4), import_into(&store, "small.csv", 5));
    let (left, right) = (left.unwrap().tally, right.unwrap().tally);
    assert_eq!((left.opened + right.opened, left.applied + right.applied), (6, 60));
    assert_eq!(left.already_there + right.already_there, 60);
    assert_known_sums(&store).await;
}

#[tokio::test]
async fn what_is_faulty_is_reported_and_the_rest_goes_on() {
    /// Notes where malformed lines are.
    #[derive(Clone, Default)]
    struct Notes(Arc<Mutex<Vec<(u64, usize)>>>, Arc<AtomicU64>);
    impl Observer for Notes {
        fn malformed(&self, error: &LedgerError) {
            self.0.lock().unwrap().push((error.line, error.column));
        }
        fn advanced(&self, bytes: u64) {
            self.1.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    let (store, notes) = (MemoryStore::new(), Notes::default());
    let faulty = Ledger::open(&ledger("faulty.csv")).unwrap();
    let report = import(&store, faulty, NonZeroUsize::MIN, notes.clone()).await.unwrap();
    assert!(report.is_incomplete());
    assert_eq!((report.lines, report.malformed), (20, 15));
    assert_eq!((report.tally.applied, report.tally.rejected(), report.tally.opened), (3, 2, 2));
    assert_eq!(report.tally.rejected, BTreeMap::from([("insufficient funds", 2)]));
    let places = notes.0.lock().unwrap().clone();
    assert_eq!(places.len(), 15);
    assert_eq!(places[..3], [(3, 31), (4, 31), (6, 30)]);
    assert!(notes.1.load(Ordering::Relaxed) > 0);

    let text = report.to_string();
    let rejected = "  line 19, account 201: 30000.00 cannot be withdrawn: the balance is 1000.00, and it may go down to -20000.00\n";
    assert!(text.contains(rejected), "{text}");
    assert!(text.contains("  line 20, account 202: 20000.01 cannot be withdrawn"), "{text}");
}

#[tokio::test]
async fn of_many_rejections_the_first_are_named_and_all_are_counted() {
    use std::fmt::Write as _;

    let mut text = "trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account\n".to_owned();
    for number in 1..=50 {
        writeln!(text, "{number};{};950101;VYDAJ;VYBER;99999.00;0;;;", number % 9).unwrap();
    }
    let ledger = Ledger::new("many.csv", std::io::Cursor::new(text)).unwrap();
    let report = import(&MemoryStore::new(), ledger, NonZeroUsize::new(4).unwrap(), ()).await.unwrap();
    assert_eq!(report.tally.rejected(), 50);
    let lines: Vec<_> = report.tally.rejections.iter().map(|rejection| rejection.line).collect();
    assert_eq!(lines, (2..=21).collect::<Vec<_>>());
    assert!(report.to_string().contains("and 30 more; all of them by reason:\n        50  insufficient funds\n"));
}

#[tokio::test]
async fn a_store_that_fails_stops_the_import_and_the_next_one_goes_on() {
    let memory = MemoryStore::new();
    let failing = Failing { memory: memory.clone(), appends_left: Arc::new(Mutex::new(25)) };
    let error = import_into(&failing, "small.csv", 4).await.unwrap_err();
    assert!(matches!(error, ImportError::Store { line: 2.., .. }), "{error:?}");
    assert_eq!(log(&memory).await.len(), 25);

    let report = import_into(&memory, "small.csv", 4).await.unwrap();
    assert_eq!(report.tally.applied + report.tally.already_there, 60);
    assert!(report.tally.already_there > 0);
    assert_known_sums(&memory).await;
    let accounts: Vec<_> = known_sums(&ledger("small-balances.csv")).into_keys().map(|AccountId(id)| id).collect();
    assert!(histories(&memory).await.into_keys().eq(accounts));
}

/// A store that cannot be reached after so many appends.
#[derive(Clone)]
struct Failing {
    memory: MemoryStore,
    appends_left: Arc<Mutex<u32>>,
}

impl EventStore for Failing {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        {
            let mut left = self.appends_left.lock().unwrap();
            *left = left.checked_sub(1).ok_or_else(|| Unavailable::new("it is gone", "the plug was pulled"))?;
        }
        self.memory.append(append).await
    }

    async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        self.memory.append_all(appends).await
    }

    async fn load(&self, load: Load) -> Result<LoadedStream, StoreError> {
        self.memory.load(load).await
    }

    fn read_stream(&self, read: ReadStream) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        self.memory.read_stream(read)
    }

    async fn read_page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        self.memory.read_page(read).await
    }

    async fn wait_beyond(&self, position: Position, history: HistoryId) {
        self.memory.wait_beyond(position, history).await;
    }

    async fn history(&self) -> Result<HistoryId, StoreError> {
        self.memory.history().await
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        self.memory.settled().await
    }

    fn streams(&self, list: ListStreams) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<> {
        self.memory.streams(list)
    }

    async fn archive(&self, stream: StreamId) -> Result<(), StoreError> {
        self.memory.archive(stream).await
    }

    async fn restore(&self, stream: StreamId) -> Result<(), StoreError> {
        self.memory.restore(stream).await
    }

    async fn save_snapshot(&self, snapshot: NewSnapshot) -> Result<(), StoreError> {
        self.memory.save_snapshot(snapshot).await
    }

    async fn kept_snapshot(&self, stream: StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
        self.memory.kept_snapshot(stream).await
    }
}
