//! Histories in both directions, and snapshots held against their events.

use es_core::{
    prelude::*,
    repository::{SnapshotCheck, Unusable},
    store::NewSnapshot,
};

use super::Home;
use crate::repositories::{CoinsCame, CoinsWent, Found, Give, Purse, PurseEvent, PurseId, TrapMet, id};

pub(crate) async fn history_is_read_in_both_directions<H: Home>(home: &H) {
    let purses = home.open().await.repository::<Purse>();
    let a = id("a");
    for coins in 1..=9 {
        purses.execute(&a, Give(coins)).await.expect("a command");
    }
    let coins = async |history: es_core::History<Purse>| -> Vec<u64> {
        let came = |recorded: Recorded<PurseEvent>| match recorded.event {
            PurseEvent::Came(event) => event.coins,
            other => panic!("{other:?}"),
        };
        history.all().await.expect("a history").into_iter().map(came).collect()
    };
    assert_eq!(coins(purses.history(&a)).await, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(coins(purses.history(&a).backwards()).await, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(coins(purses.history(&a).after(3).before(6)).await, [4, 5]);
    assert_eq!(coins(purses.history(&a).before(6).backwards().after(3)).await, [5, 4]);
    assert_eq!(coins(purses.history(&id("nobody")).backwards()).await, [0; 0]);

    // Page by page: before the last one of the page before.
    let (mut seen, mut before) = (Vec::new(), u64::MAX);
    loop {
        let mut page = purses.history(&a).before(before).backwards();
        for _ in 0..4 {
            let Some(recorded) = page.next().await else { break };
            before = recorded.expect("an event").envelope.version.get();
            seen.push(before);
        }
        if before == 1 {
            assert!(page.next().await.is_none() && page.next().await.is_none(), "the end stays the end");
            break;
        }
    }
    assert_eq!(seen, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
}

/// The purse of a program whose handlers count otherwise, although its fields are the same.
#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "purse", id = PurseId, event = PurseEvent, snapshot(every = 10))]
struct DoublingPurse {
    coins: u64,
    last_actor: Option<String>,
}

#[event_handler(ignore(TrapMet))]
impl DoublingPurse {
    fn came(&mut self, event: &CoinsCame) {
        self.coins += 2 * event.coins;
    }

    fn went(&mut self, event: &CoinsWent) {
        self.coins -= 2 * event.coins;
    }
}

async fn save<H: Home>(store: &H::Store, version: u64, fingerprint: &'static str, state: &str) {
    let stream = StreamId::new("purse", "a");
    let snapshot = NewSnapshot::new(stream, version.into(), Position::new(version), fingerprint, state.to_owned());
    store.save_snapshot(snapshot).await.expect("it is taken in");
    H::flush(store).await;
}

pub(crate) async fn a_snapshot_is_held_against_its_events<H: Home>(home: &H) {
    let store = home.open().await;
    let (purses, doubling) = (store.repository::<Purse>(), store.repository::<DoublingPurse>());
    let a = id("a");
    let check = async || purses.verify_snapshot(&a).await.expect("it can be looked at");
    assert_eq!(check().await, SnapshotCheck::NoSnapshot);
    purses.execute(&a, Found(5)).await.expect("a command");
    for _ in 2..=12 {
        purses.execute(&a, Give(1)).actor("ada").await.expect("a command");
        // Or the snapshot at 10 may come too late for the command behind it, and there is another.
        H::flush(&store).await;
    }
    assert_eq!(check().await, SnapshotCheck::Same { version: 10.into() });

    // The same fields and so the same fingerprint, but another fold.
    let other = doubling.verify_snapshot(&a).await.expect("it can be looked at");
    let paths = vec!["coins".to_owned(), "last_actor".to_owned()];
    assert_eq!(other, SnapshotCheck::Different { version: 10.into(), paths });
    assert!(!other.is_harmless());
    assert_eq!(doubling.load(&a).await.expect("it exists").state.coins, 14 + 2 * 2, "it is what loads build upon");

    let fits = Purse::SNAPSHOTS.expect("it keeps snapshots").fingerprint();
    save::<H>(&store, 11, fits, "[]").await;
    let unusable = check().await;
    let SnapshotCheck::Unusable { version, why: Unusable::DoesNotDecode { .. } } = &unusable else {
        panic!("{unusable:?}")
    };
    assert!(unusable.is_harmless() && *version == 11);
    save::<H>(&store, 11, "of another time", r#"{"coins": 15, "last_actor": "ada"}"#).await;
    let why = Unusable::OtherFingerprint { found: "of another time".to_owned(), needed: fits };
    assert_eq!(check().await, SnapshotCheck::Unusable { version: 11.into(), why });
    save::<H>(&store, 12, fits, r#"{"coins": 16, "last_actor": null, "more": 1}"#).await;
    let paths = vec!["last_actor".to_owned()];
    assert_eq!(check().await, SnapshotCheck::Different { version: 12.into(), paths });
    save::<H>(&store, 40, fits, r#"{"coins": 1, "last_actor": null}"#).await;
    assert_eq!(check().await, SnapshotCheck::Ahead { version: 40.into(), last: 12.into() });
    let missing = store.kept_snapshot(StreamId::new("purse", "\0")).await.expect_err("no store can hold the name");
    assert!(matches!(missing, StoreError::Invalid(_)));
}
