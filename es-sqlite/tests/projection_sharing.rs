//! Several processes that share the shards of projections on one file.

use std::{collections::HashMap, time::Duration};

use es_core::{
    engine::{ProjectionEngine, RunningEngine},
    prelude::*,
};
use es_sqlite::{SqliteContext, SqliteStore, sqlx};

use crate::{
    engines::{self, Contents, Filled, filled, fold_from_zero, happen, pot, rows},
    projection_support::{number, raw, run},
    support::File,
};

/// Writes down each event that it sees.
#[derive(Projection, Debug)]
#[projection(name = "tracker", shards = 3)]
struct Tracker;

#[event_handler]
impl Tracker {
    async fn filled(
        &self,
        _: &Filled,
        envelope: &Envelope,
        context: &mut SqliteContext<'_>,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("insert into tracked (pot, version) values ($1, $2)")
            .bind(envelope.stream.id())
            .bind(envelope.version.get().cast_signed())
            .execute(&mut *context.connection().await?)
            .await?;
        Ok(())
    }
}

fn definition(store: &SqliteStore, label: &str) -> ProjectionEngine<SqliteStore> {
    let definition = engines::engine(store).label(label).batch_size(7).projection(Tracker);
    definition.read_model::<Contents>().shards(3)
}

async fn with_tracked(file: &File) -> SqliteStore {
    let store = file.open().await;
    // Seen twice it would be refused; and the number says in which order.
    let table = "create table tracked (number integer primary key, pot text, version integer, unique (pot, version))";
    run(&mut raw(file).await, table).await;
    store
}

/// That each event was seen once, and those of a pot in their order.
async fn is_whole(file: &File, store: &SqliteStore, events: i64) {
    assert_eq!(rows(store).await, fold_from_zero(store).await);
    let mut connection = raw(file).await;
    assert_eq!(number(&mut connection, "select count(*) from tracked").await, events);
    let wrong = "select count(*) from (
                     select version - row_number() over (partition by pot order by number) as difference from tracked
                 ) where difference <> 0";
    assert_eq!(number(&mut connection, wrong).await, 0, "they are out of order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_shards_and_nothing_is_lost_or_doubled() {
    let file = File::new();
    let (one, two) = (with_tracked(&file).await, file.open().await);
    let first = definition(&one, "one").start().await.expect("an engine");
    let second = definition(&two, "two").start().await.expect("an engine");
    let mut last = Position::START;
    let mut owners: HashMap<String, u32> = HashMap::new();
    for turn in 0..300 {
        let store = if turn % 2 == 0 { &one } else { &two };
        last = happen(store, &pot(turn % 13), [filled(1), filled(2)]).await;
        if turn % 20 == 0 {
            let status = first.status().await.expect("a status");
            let shards = status.projections.iter().flat_map(|projection| &projection.shards);
            for (_, label) in shards.filter_map(|shard| shard.state.owner.clone()) {
                *owners.entry(label).or_default() += 1;
            }
        }
    }
    for running in [&first, &second] {
        running.wait_for(last).timeout(Duration::from_mins(1)).await.expect("they come so far");
    }
    assert!(owners.contains_key("one") && owners.contains_key("two"), "{owners:?}");
    first.shutdown().await;
    second.shutdown().await;
    is_whole(&file, &one, 600).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_that_are_cut_off_in_the_midst_leave_nothing_half_done() {
    let file = File::new();
    let store = with_tracked(&file).await;
    let processes = [file.open().await, file.open().await, file.open().await];
    let mut engines: Vec<RunningEngine<SqliteStore>> = Vec::new();
    let mut last = Position::START;
    for round in 0..25_usize {
        while engines.len() < 3 {
            // One of them does not even know that another one of its process is there.
            let process = &processes[(round + engines.len()) % 3];
            let definition = definition(process, "one of many").lease(Duration::from_millis(100));
            engines.push(definition.start().await.expect("an engine"));
        }
        for turn in 0..12 {
            last = happen(&store, &pot((turn + round) % 7), [filled(1)]).await;
        }
        drop(engines[0].wait_for(last).timeout(Duration::from_millis(20)).await);
        engines.remove(round % 3).abort();
    }
    for running in engines {
        running.wait_for(last).timeout(Duration::from_mins(1)).await.expect("they come so far");
        running.shutdown().await;
    }
    is_whole(&file, &store, 300).await;
}
