//! Versions of a read model, one behind the other, built and switched to under constant writes, with readers who never stop
//! to look, in every isolation that there is, and with statements that were prepared before.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use es_core::{
    engine::{ProjectionEngine, RunningEngine},
    prelude::*,
    store::{Append, NewEvent},
};
use es_postgres::PostgresStore;
use es_tests::server::Server;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, FromRow as _, PgConnection};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    account::{AccountEvent, AccountId, Moved, account_id, movement},
    dice::Dice,
    reader::reconnect,
    tally::Tally,
    transactions::code,
    witness::{Witness, one_more},
};

const ACCOUNTS: u64 = 12;
/// How long a version may take to become the active one.
const PATIENCE: Duration = Duration::from_mins(1);

/// A version, which leaves its number in its rows.
macro_rules! version {
    ($name:ident, $version:literal) => {
        #[derive(ReadModel, Clone, Debug, PartialEq)]
        #[read_model(table = "sums", version = $version)]
        struct $name {
            #[read_model(key)]
            id: AccountId,
            events: i64,
            made_by: i32,
        }

        #[event_handler(covers(AccountEvent))]
        impl $name {
            fn moved(&mut self, _: &Moved) {
                self.events += 1;
                self.made_by = $version;
            }
        }
    };
}

version!(First, 1);
version!(Second, 2);
version!(Third, 3);
version!(Fourth, 4);

/// All in one view of the data: how many rows there are, how many events they have, of the least and of the greatest version;
/// and of the active version, which it is, and how many accounts and events it has taken in.
const LOOK: &str = "
    select rows.number, rows.events, rows.least, rows.greatest, taken.active, taken.accounts, taken.events
    from (select count(*) as number, coalesce(sum(events), 0)::bigint as events, min(made_by) as least,
                 max(made_by) as greatest from sums) as rows,
         (select known.active, count(distinct stream_id) as accounts, count(events.position) as events
          from es.projections as known
          join es.projection_shards as shards on shards.name = known.name and shards.version = known.active
          left join es.events as events on events.position <= shards.position
          where known.name = 'sums' group by known.active) as taken";

type Look = (i64, i64, Option<i32>, Option<i32>, i32, i64, i64);

/// What is wrong with a look; `last` is how many events the one before it has seen.
fn wrong(look: Look, last: i64) -> Option<&'static str> {
    let (number, events, lowest, highest, active, accounts, taken) = look;
    if (number, events) != (accounts, taken) {
        Some("the rows are not a fold of what was taken in")
    } else if number > 0 && (lowest, highest) != (Some(active), Some(active)) {
        Some("rows are not of the active version")
    } else if events < last {
        Some("an event was seen, and is not seen any more")
    } else {
        None
    }
}

/// Who looks, until it is told to stop.
struct Looker {
    url: String,
    isolation: &'static str,
    prepared: bool,
    goes_on: Arc<AtomicBool>,
    witness: Arc<Witness>,
}

impl Looker {
    async fn look(self) -> u64 {
        let mut connection = reconnect(&self.url).await;
        connection.execute(AssertSqlSafe(format!("prepare look as {LOOK}"))).await.expect("it can be prepared");
        let (mut looks, mut last) = (0, 0);
        while self.goes_on.load(Ordering::Relaxed) && self.witness.accusation().is_none() {
            looks += self.transaction(&mut connection, &mut last).await.unwrap_or_else(|error| {
                let isolation = self.isolation;
                // Its version was removed behind it, and it is told so.
                if isolation != "read committed" && code(&error).as_deref() == Some("40001") {
                    one_more(&self.witness.counts.conflicts);
                } else {
                    self.witness.accuse(format_args!("a reader in {isolation} has failed: {error}"));
                }
                0
            });
        }
        looks
    }

    /// Some looks in one transaction.
    async fn transaction(&self, connection: &mut PgConnection, last: &mut i64) -> Result<u64, sqlx::Error> {
        let isolation = self.isolation;
        let mut transaction =
            connection.begin_with(AssertSqlSafe(format!("begin isolation level {isolation}"))).await?;
        let mut before = None;
        for _ in 0..3 {
            let sql = if self.prepared { "execute look" } else { LOOK };
            let look = Look::from_row(&sqlx::raw_sql(sql).fetch_one(&mut *transaction).await?)?;
            if let Some(what) = wrong(look, *last) {
                self.witness.accuse(format_args!("in {isolation}: {what}: {look:?} behind {last}"));
            }
            *last = look.1;
            if isolation != "read committed" && before.replace(look).is_some_and(|before| before != look) {
                self.witness.accuse(format_args!("in {isolation} two looks of one transaction differ: {look:?}"));
            }
        }
        transaction.rollback().await?;
        Ok(3)
    }
}

/// One event after the other, to some account.
async fn write(store: PostgresStore, goes_on: Arc<AtomicBool>, mut dice: Dice) {
    let mut token = 0;
    while goes_on.load(Ordering::Relaxed) {
        token += 1;
        let id = account_id(u32::try_from(dice.roll(ACCOUNTS)).unwrap_or(0));
        let event = NewEvent::encode(&AccountEvent::Moved(movement(token)), Metadata::at(Utc::now()));
        let append = Append::new(StreamId::new("account", id), Expected::Any, vec![event.expect("it can be encoded")]);
        store.append(append).await.expect("an append");
        sleep(Duration::from_millis(dice.within(0..6))).await;
    }
}

/// Builds four versions so many times, each time in a database of its own.
///
/// # Panics
/// At the first failure; the server's folder is kept then.
pub async fn run(rounds: u64, seed: u64) -> Option<Tally> {
    let server = Server::start()?;
    let (began, witness) = (Instant::now(), Arc::new(Witness::default()));
    let (mut looks, mut events) = (0, 0);
    for round in 1..=rounds {
        let name = format!("round_{round}");
        let create = AssertSqlSafe(format!("create database {name}"));
        server.connect().await.execute(create).await.expect("a database");
        let url = format!("{}{name}", server.url().trim_end_matches("postgres"));
        looks += one_round(&url, Dice::of(seed, round), &witness).await;
        let stored: i64 = sqlx::query_scalar("select count(*) from es.events")
            .fetch_one(&mut reconnect(&url).await)
            .await
            .expect("a look");
        events += usize::try_from(stored).unwrap_or(0);
        witness.check();
        println!("round {round} of {rounds}: {stored} events");
    }
    Some(Tally::new(began, events, &witness).with("looks", looks))
}

async fn one_round(url: &str, mut dice: Dice, witness: &Arc<Witness>) -> u64 {
    let store = PostgresStore::connect(url).await.expect("the server is there");
    store.migrate().await.expect("it can be migrated");
    let first = start::<First>(&store).await;
    let goes_on = Arc::new(AtomicBool::new(true));
    let writer = tokio::spawn(write(store.clone(), Arc::clone(&goes_on), dice.clone()));
    let mut lookers = JoinSet::new();
    for isolation in ["read committed", "repeatable read", "serializable"] {
        for prepared in [false, true] {
            let (goes_on, witness) = (Arc::clone(&goes_on), Arc::clone(witness));
            lookers.spawn(Looker { url: url.to_owned(), isolation, prepared, goes_on, witness }.look());
        }
    }
    let second = replace::<Second>(&store, first, &mut dice, witness).await;
    let third = replace::<Third>(&store, second, &mut dice, witness).await;
    let fourth = replace::<Fourth>(&store, third, &mut dice, witness).await;
    goes_on.store(false, Ordering::Relaxed);
    writer.await.expect("the writer");
    fourth.shutdown().await;
    let looks = lookers.join_all().await.iter().sum();
    store.close().await;
    looks
}

async fn start<R: ReadModel>(store: &PostgresStore) -> RunningEngine<PostgresStore> {
    ProjectionEngine::new(store).batch_size(50).read_model::<R>().start().await.expect("an engine")
}

/// Builds the next version, and ends the one before it some time behind the switch.
async fn replace<R: ReadModel>(
    store: &PostgresStore,
    old: RunningEngine<PostgresStore>,
    dice: &mut Dice,
    witness: &Witness,
) -> RunningEngine<PostgresStore> {
    sleep(Duration::from_millis(dice.within(50..400))).await;
    let new = start::<R>(store).await;
    let begun = Instant::now();
    let id = es_core::projection::ProjectionId { name: R::TABLE, version: R::VERSION };
    while !store.roster(&[id]).await.expect("a roster").active.contains(&id) {
        assert!(begun.elapsed() < PATIENCE, "{id} does not become the active one");
        witness.check();
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_millis(dice.within(0..200))).await;
    // Whoever still runs the old one finds it gone.
    if dice.one_in(2) {
        new.controls().drop_older(R::TABLE).await.expect("it can be dropped");
    }
    old.shutdown().await;
    new
}

#[cfg(test)]
mod tests {
    use super::{Look, wrong};

    #[test]
    fn each_wrong_look_is_found() {
        let right: Look = (2, 7, Some(2), Some(2), 2, 2, 7);
        assert_eq!((wrong(right, 7), wrong((0, 0, None, None, 1, 0, 0), 0)), (None, None));
        for look in [(0, 0, None, None, 2, 2, 7), (2, 6, right.2, right.3, 2, 2, 7), (2, 7, Some(1), Some(2), 2, 2, 7)]
        {
            assert!(wrong(look, 0).is_some(), "{look:?}");
        }
        assert!(wrong(right, 8).is_some());
    }
}
