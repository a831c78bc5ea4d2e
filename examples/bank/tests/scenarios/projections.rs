//! What is kept beside an import: by several processes at once, and where a booking cannot be written.

use bank::{
    domain::{Account, AccountId, Deposit},
    money::Money,
    projections,
};
use es_core::EventStore as _;

use super::opened::{Asked, Bank, made_up_ledger};

pub(crate) async fn two_engines_beside_an_import_lose_nothing<D: Asked>(url: &str) {
    let (bank, (text, known)) = (Bank::<D>::open(url).await, made_up_ledger(40, 3_000));
    let other = D::open(url).await;
    let left = bank.database.engine().label("left").start().await.expect("it can be started");
    let right = other.engine().label("right").start().await.expect("it can be started");
    let report = bank.import_text(&text).await;
    assert_eq!((report.tally.applied, report.is_incomplete()), (3_000, false));
    projections::all_taken_in(bank.store(), &right, None).await.expect("nothing has stopped");

    // One of them goes on where the other has left off.
    let status = left.status().await.expect("the status can be read");
    let applied = |name: &str| status.projection(name).expect("it is there").shards[0].state.applied;
    assert_eq!((applied("account_summaries"), applied("statements")), (3_040, 3_000), "each event was taken in once");
    left.shutdown().await;
    let account = bank.store().repository::<Account>();
    let booked_on = chrono::NaiveDate::default();
    let deposit = Deposit { amount: Money::from_minor(1), description: "late".to_owned(), booked_on };
    let id = AccountId("7".to_owned());
    let done = account.execute(&id, deposit).await.expect("it is open");
    right.wait_for(done.position).await.expect("nothing has stopped");
    let line = bank.database.statement(&id).await.expect("it can be read").pop().expect("there are lines");
    assert_eq!((line.description.as_str(), line.balance), ("late", done.state.balance));
    assert_eq!(bank.summed().await[&id].net.checked_sub(known[&id].net), Some(Money::from_minor(1)));
    right.shutdown().await;
    other.close().await;
    bank.close().await;
}

pub(crate) async fn a_booking_that_cannot_be_written_waits_with_its_account<D: Asked>(url: &str) {
    let (bank, (text, known)) = (Bank::<D>::open(url).await, made_up_ledger(4, 40));
    bank.database.refuse(true).await;
    bank.import_text(&text).await;
    bank.catch_up().await;

    // An account is opened by its first event, so three of its ten bookings are there.
    let mut stated = bank.stated().await;
    let three = AccountId("3".to_owned());
    assert_eq!(stated[&three].transactions, 3);
    stated.insert(three.clone(), known[&three]);
    assert_eq!((stated, bank.summed().await), (known.clone(), known.clone()), "the others go on");
    let parked = bank.ok(&["projections", "parked", "statements"]);
    assert_eq!(parked.lines().count(), 1 + 7, "{parked}");
    assert!(parked.contains("account/3") && parked.contains("refused"), "{parked}");
    assert!(bank.ok(&["projections"]).contains("7 parked"));

    bank.database.refuse(false).await;
    assert!(!bank.ok(&["projections", "redrive", "statements"]).contains("parked"));
    assert_eq!(bank.stated().await, known);
    bank.assert_sums(&known).await;
    bank.close().await;
}
