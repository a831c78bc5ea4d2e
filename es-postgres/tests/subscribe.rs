//! Subscriptions: what wakes them, what stands in the way of filters, and how they end.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use crate::{
    stores::subscribe::{LONG, all, next},
    support::{append, insert, open, open_with, raw, read_all, stream},
};
use es_core::{
    recorded::Position,
    store::{EventStore as _, Expected},
};
use es_postgres::{PostgresConfig, PostgresStore};
use es_tests::database::Database;
use futures_util::{StreamExt as _, future::join_all};
use sqlx::{Connection as _, PgConnection, postgres::PgListener};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

/// Longer than any test: what is seen before was not seen by polling.
const NEVER: Duration = Duration::from_hours(1);

async fn without_polling(database: &Database) -> PostgresStore {
    open_with(database, |config| config.poll_interval(NEVER)).await
}

/// How many connections to the database last sent a statement that looks like this.
async fn count_of(connection: &mut PgConnection, statement: &str) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
         and query like $1",
    )
    .bind(statement)
    .fetch_one(connection)
    .await
    .expect("a look at the connections")
}

async fn until_there_are(connection: &mut PgConnection, statement: &str, count: i64) {
    let begun = Instant::now();
    while count_of(connection, statement).await != count {
        assert!(begun.elapsed() < LONG, "there never were {count} connections with {statement}");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn kill(connection: &mut PgConnection, statement: &str) {
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and query like $1",
    )
    .bind(statement)
    .execute(connection)
    .await
    .expect("a kill");
}

pub(crate) async fn an_append_elsewhere_wakes_a_subscriber_without_polling(database: Database) {
    let (here, elsewhere) = (without_polling(&database).await, without_polling(&database).await);
    let mut beside = raw(&database).await;
    let mut events = pin!(here.subscribe(all()));
    elsewhere.append(append("a", Expected::Any, 2)).await.expect("an append");
    assert_eq!(next(&mut events, 2).await, [1, 2]);
    let (mut seen, ()) = tokio::join!(next(&mut events, 1), async {
        until_there_are(&mut beside, "LISTEN%", 1).await;
        elsewhere.append(append("a", Expected::Any, 1)).await.expect("an append");
    });
    for _ in 4..=8 {
        let (one, appended) = tokio::join!(next(&mut events, 1), elsewhere.append(append("a", Expected::Any, 1)));
        seen.extend(one);
        appended.expect("an append");
    }
    // What is notified while nobody listens is found by the looks that follow.
    let (some, ()) = tokio::join!(next(&mut events, 4), async {
        kill(&mut beside, "LISTEN%").await;
        for _ in 9..=12 {
            elsewhere.append(append("a", Expected::Any, 1)).await.expect("an append");
        }
    });
    seen.extend(some);
    assert_eq!(seen, (3..=12).collect::<Vec<_>>());
    let (seen, appended) = tokio::join!(next(&mut events, 1), here.append(append("b", Expected::Any, 1)));
    assert_eq!(seen, [appended.expect("an append").position().get()]);
}

pub(crate) async fn a_subscriber_can_be_woken_after_a_transaction_of_ones_own(database: Database) {
    let (here, elsewhere) = (without_polling(&database).await, without_polling(&database).await);
    let (mut beside, mut own) = (raw(&database).await, raw(&database).await);
    let (mut one, mut two) = (pin!(here.subscribe(all())), pin!(elsewhere.subscribe(all())));
    let work = async {
        until_there_are(&mut beside, "LISTEN%", 2).await;
        insert(&mut own, "own", 1).await;
        here.wake();
    };
    let (one, two, ()) = tokio::join!(next(&mut one, 1), next(&mut two, 1), work);
    assert_eq!((one, two), (vec![1], vec![1]));
}

pub(crate) async fn without_notifications_a_subscriber_polls(database: Database) {
    let here = open_with(&database, |config| config.without_listen().poll_interval(Duration::from_millis(100))).await;
    let elsewhere = open(&database).await;
    let mut beside = raw(&database).await;
    let mut events = pin!(here.subscribe(all()));
    for round in 1..=5 {
        let (seen, appended) = tokio::join!(next(&mut events, 1), async {
            sleep(Duration::from_millis(150)).await;
            elsewhere.append(append("a", Expected::Any, 1)).await
        });
        assert_eq!((seen, appended.expect("an append").position().get()), (vec![round], round));
    }
    assert_eq!(count_of(&mut beside, "LISTEN%").await, 0);
}

pub(crate) async fn an_append_here_wakes_a_subscriber_directly(database: Database) {
    let store = open_with(&database, |config| config.poll_interval(NEVER).without_notify()).await;
    let mut beside = raw(&database).await;
    let mut events = pin!(store.subscribe(all()));
    let work = async {
        // From here on nobody looks, and nobody is told.
        until_there_are(&mut beside, "LISTEN%", 1).await;
        for _ in 0..20 {
            store.append(append("a", Expected::Any, 1)).await.expect("an append");
            sleep(Duration::from_millis(5)).await;
        }
    };
    let (seen, ()) = tokio::join!(next(&mut events, 20), work);
    assert_eq!(seen, (1..=20).collect::<Vec<_>>());
    assert_eq!(count_of(&mut beside, "%pg_notify%").await, 0);
}

pub(crate) async fn many_appends_are_told_by_few_notifications(database: Database) {
    let set = |config: PostgresConfig| config.schema(format!("{}\"es", "x".repeat(59)));
    let store = open_with(&database, set).await;
    let mut listener = PgListener::connect(database.url()).await.expect("a listener");
    // Too long with the prefix, so it is shortened: to the same name in every process.
    let hash = "x"
        .repeat(59)
        .bytes()
        .chain(*b"\"es")
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    listener.listen(&format!("es:{}:{hash:016x}", "x".repeat(40))).await.expect("it listens");
    let begun = Instant::now();
    let write = async |writer: u32| {
        for _ in 0..10 {
            store.append(append(&format!("w{writer}"), Expected::Any, 1)).await.expect("an append");
        }
    };
    join_all((0..50).map(write)).await;
    let mut told = Vec::new();
    while told.last() != Some(&500) {
        let notification = timeout(LONG, listener.recv()).await.expect("it comes").expect("it listens");
        told.push(notification.payload().parse::<u64>().expect("a position"));
    }
    let most = begun.elapsed().as_millis() / 10 + 2;
    assert!((told.len() as u128) <= most && told.len() < 250, "{} notifications of 500 appends", told.len());
    assert!(told.is_sorted());
    // Closing tells of the last append before it returns.
    store.append(append("last", Expected::Any, 1)).await.expect("an append");
    store.close().await;
    let notification = timeout(LONG, listener.recv()).await.expect("it comes").expect("it listens");
    assert_eq!(notification.payload(), "501");
}

pub(crate) async fn nothing_listens_when_nobody_subscribes(database: Database) {
    let store = open(&database).await;
    let mut beside = raw(&database).await;
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    assert_eq!(read_all(&store, Position::START).await.len(), 1);
    assert_eq!(count_of(&mut beside, "LISTEN%").await, 0);
    for _ in 0..2 {
        let subscribers: Vec<_> = (0..5).map(|_| tokio::spawn(store.subscribe(all()).count())).collect();
        until_there_are(&mut beside, "LISTEN%", 1).await;
        subscribers.iter().for_each(JoinHandle::abort);
        until_there_are(&mut beside, "%LISTEN%", 0).await;
    }
}

pub(crate) async fn closing_ends_subscriptions(database: Database) {
    let store = open(&database).await;
    let mut beside = raw(&database).await;
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    let subscribers: Vec<_> = (0..3).map(|_| tokio::spawn(store.subscribe(all()).collect::<Vec<_>>())).collect();
    until_there_are(&mut beside, "LISTEN%", 1).await;
    store.close().await;
    for subscriber in subscribers {
        let mut seen = timeout(LONG, subscriber).await.expect("it ends").expect("the task");
        let last = seen.pop().expect("an end").expect_err("it was closed");
        assert!(last.is_closed(), "{last:?}");
        assert_eq!(seen.len(), 1);
    }
    until_there_are(&mut beside, "%", 0).await;
}

pub(crate) async fn a_filter_does_not_look_past_a_hole(database: Database) {
    let store = open_with(&database, |config| config.settle_timeout(Duration::from_millis(50))).await;
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    let mut other = raw(&database).await;
    let mut transaction = other.begin().await.expect("a transaction");
    assert_eq!(insert(&mut transaction, "slow", 1).await, 2);
    store.append(append("a", Expected::Any, 1)).await.expect("an append");
    store.append(append("b", Expected::Any, 1)).await.expect("an append");
    let many = || (0..100).map(|number| stream(&format!("none{number}")));
    let requests = || {
        [
            all().event_types(["Tested"]),
            all().streams([stream("slow"), stream("b"), stream("a")]),
            all().streams([stream("slow"), stream("b"), stream("a")]).streams(many()),
            all().event_types(["Never"]),
        ]
    };
    for request in requests() {
        let page = store.read_page(&request).await.expect("a page");
        assert!(page.upto == 1 && page.events.len() <= 1, "2 may still come: {page:?}");
    }
    let followers: Vec<_> = requests()[..3]
        .iter()
        .map(|request| {
            let events = store.subscribe(request.clone());
            tokio::spawn(async move { next(&mut pin!(events), 4).await })
        })
        .collect();
    sleep(Duration::from_millis(200)).await;
    transaction.commit().await.expect("a commit");
    for follower in followers {
        assert_eq!(follower.await.expect("the task"), [1, 2, 3, 4]);
    }
}
