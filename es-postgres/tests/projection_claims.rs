//! Who owns a shard.

use std::{collections::BTreeSet, time::Duration};

use es_core::projection::{EngineInfo, ProjectionId, ProjectionStore as _};
use es_postgres::PostgresStore;
use es_tests::database::Database;
use futures_util::future::join_all;

use crate::{
    projection_support::{
        LAMPS, LAMPS_2, LONG, MAILS, begin, claim, engine, mails, moved, open_with, read_model, shard,
    },
    support::{open, raw, run},
};

pub(crate) async fn of_many_claims_one_succeeds_and_epochs_rise(database: Database) {
    let store = open_with(&database, &[mails(1)]).await;
    let stores = [store.clone(), open(&database).await, open(&database).await];
    let (mut epochs, mut connection) = (Vec::new(), raw(&database).await);
    for round in 0..20 {
        let engines: Vec<_> = (0..12).map(|number| engine(&format!("{round}/{number}"), LONG)).collect();
        let claims =
            engines.iter().zip(stores.iter().cycle()).map(|(engine, store)| store.claim(engine, shard(MAILS, 0)));
        let claims = join_all(claims).await.into_iter().map(|claim| claim.expect("an answer"));
        let won: Vec<_> = claims.flatten().collect();
        // All may have met a claim that was under way and was theirs to skip, but for that one.
        assert_eq!(won.len(), 1, "{won:?}");
        epochs.push(won[0].epoch);
        if round % 2 == 0 {
            store.release(&won[0]).await.expect("a release");
        } else {
            run(&mut connection, "update es.projection_shards set expires_at = clock_timestamp()").await;
        }
    }
    assert!(epochs.is_sorted_by(|one, next| one < next), "{epochs:?}");
}

pub(crate) async fn a_claim_is_taken_over_when_its_lease_has_run_out_and_not_before(database: Database) {
    let store = open_with(&database, &[mails(1)]).await;
    let (owner, other) = (engine("owner", LONG), engine("other", LONG));
    let mut connection = raw(&database).await;
    let held = claim(&store, &owner, shard(MAILS, 0)).await;
    assert_eq!(store.claim(&other, held.shard).await.expect("an answer"), None);
    // A moment before the end, by the server's clock, and at it.
    run(&mut connection, "update es.projection_shards set expires_at = clock_timestamp() + interval '1 minute'").await;
    assert_eq!(store.claim(&other, held.shard).await.expect("an answer"), None);
    run(&mut connection, "update es.projection_shards set expires_at = clock_timestamp()").await;
    // Run out, but renewed before anybody else came; a batch renews it too.
    store.keep_alive(&owner, &[held]).await.expect("a roster");
    assert_eq!(store.claim(&other, held.shard).await.expect("an answer"), None);
    run(&mut connection, "update es.projection_shards set expires_at = clock_timestamp()").await;
    assert!(store.advance(&held, &moved(&store, 0, 1).await).await.expect("an answer"));
    assert_eq!(store.claim(&other, held.shard).await.expect("an answer"), None);
    run(&mut connection, "update es.projection_shards set expires_at = clock_timestamp()").await;
    let taken = claim(&store, &other, held.shard).await;
    assert_eq!((taken.epoch, taken.position.get()), (held.epoch + 1, 1));
    // The new owner's lease has its full length.
    assert_eq!(store.claim(&owner, held.shard).await.expect("an answer"), None);
    // Who claims what is his has a new claim, and the older one is void.
    let again = claim(&store, &other, held.shard).await;
    assert!(again.epoch > taken.epoch);
    assert!(!store.advance(&taken, &moved(&store, 1, 2).await).await.expect("an answer"));
    assert!(store.advance(&again, &moved(&store, 1, 2).await).await.expect("an answer"));
}

pub(crate) async fn nobody_waits_for_an_open_transaction_and_nobody_claims_its_shard(database: Database) {
    let store = open_with(&database, &[mails(2)]).await;
    let (owner, other) = (engine("owner", LONG), engine("other", LONG));
    let held = [claim(&store, &owner, shard(MAILS, 0)).await, claim(&store, &owner, shard(MAILS, 1)).await];
    let transaction = begin(&store, &held[0], 0, 1).await;
    // As if the lease had run out while it is open: the row says so, but it is locked.
    let expired = EngineInfo::new(owner.id, "owner".to_owned(), vec![MAILS], Duration::from_millis(1));
    store.keep_alive(&expired, &held).await.expect("nobody is waited for");
    assert_eq!(store.claim(&other, held[0].shard).await.expect("nobody is waited for"), None);
    assert_eq!(store.claim(&owner, held[0].shard).await.expect("nobody is waited for"), None);
    while store.claim(&other, held[1].shard).await.expect("an answer").is_none() {}
    // Another projection's batch does not meet the first.
    store.commit(transaction).await.expect("a commit");
    let roster = store.keep_alive(&other, &[]).await.expect("a roster");
    let owners: Vec<_> = roster.shards.iter().map(|shard| shard.owner.as_ref().expect("an owner").1.as_str()).collect();
    assert_eq!(owners, ["owner", "other"]);
}

pub(crate) async fn who_leaves_gives_all_back(database: Database) {
    let store = open_with(&database, &[mails(2)]).await;
    let (owner, other) = (engine("owner", LONG), engine("other", LONG));
    store.keep_alive(&owner, &[]).await.expect("a roster");
    let held = [claim(&store, &owner, shard(MAILS, 0)).await, claim(&store, &owner, shard(MAILS, 1)).await];
    let transaction = begin(&store, &held[0], 0, 1).await;
    let leaving = tokio::spawn({
        let (store, id) = (store.clone(), owner.id);
        async move { store.leave(id).await }
    });
    // What is not in use is free at once, and what is as soon as it ends.
    let mut claimed = None;
    while claimed.is_none() {
        claimed = store.claim(&other, held[1].shard).await.expect("an answer");
    }
    assert_eq!(store.claim(&other, held[0].shard).await.expect("an answer"), None);
    store.commit(transaction).await.expect("a commit");
    leaving.await.expect("the task").expect("it leaves");
    assert_eq!(claim(&store, &other, held[0].shard).await.position.get(), 1);
    let roster = store.keep_alive(&other, &[]).await.expect("a roster");
    assert_eq!(roster.engines, [(other.id, vec![MAILS])]);
}

pub(crate) async fn a_roster_tells_who_is_there_and_where_all_stand(database: Database) {
    let store = open_with(&database, &[mails(2), read_model(LAMPS)]).await;
    crate::projection_support::prepare(&database, &[read_model(LAMPS_2)]).await;
    let lamps = |version| ProjectionId { name: "lamps", version };
    let with = |label: &str, projections: &[ProjectionId], lease| {
        EngineInfo::new(engine("", LONG).id, label.to_owned(), projections.to_vec(), lease)
    };
    let mut first = with("first", &[lamps(2), MAILS], LONG);
    let second = with("second", &[lamps(1), MAILS], LONG);
    let dead = with("dead", &[MAILS], Duration::from_millis(1));
    store.keep_alive(&dead, &[]).await.expect("a roster");
    store.keep_alive(&second, &[]).await.expect("a roster");
    let held = claim(&store, &first, shard(MAILS, 1)).await;
    assert!(store.advance(&held, &moved(&store, 0, 7).await).await.expect("an answer"));
    let roster = loop {
        let roster = store.keep_alive(&first, &[held]).await.expect("a roster");
        if roster.engines.len() == 2 {
            break roster;
        }
    };
    let engines: BTreeSet<_> = roster.engines.into_iter().collect();
    assert_eq!(engines, BTreeSet::from([(first.id, first.projections.clone()), (second.id, vec![MAILS])]));
    let shards: Vec<_> = roster.shards.iter().map(|state| (state.shard, state.position.get(), state.applied)).collect();
    assert_eq!(shards, [(shard(lamps(2), 0), 0, 0), (shard(MAILS, 0), 0, 0), (shard(MAILS, 1), 7, 7)]);
    assert_eq!(roster.shards[2].owner, Some((first.id, "first".to_owned())));
    assert_eq!(roster.shards[0].owner, None);
    assert_eq!(roster.active, [lamps(1), MAILS]);
    // Asked for by itself it has the older versions too, and leaves out what is not there.
    let unknown = ProjectionId { name: "unknown", version: 1 };
    let roster = store.roster(&[lamps(2), unknown]).await.expect("a roster");
    let shards: Vec<_> = roster.shards.iter().map(|state| state.shard).collect();
    assert_eq!(shards, [shard(lamps(1), 0), shard(lamps(2), 0)]);
    assert_eq!(roster.active, [lamps(1)]);
    // What an engine runs may change.
    first.projections = vec![MAILS];
    let roster = store.keep_alive(&first, &[]).await.expect("a roster");
    assert_eq!(roster.shards.len(), 2);
    let rows: i64 = sqlx::query_scalar("select count(*) from es.projection_engines where label = 'dead'")
        .fetch_one(&mut raw(&database).await)
        .await
        .expect("a count");
    assert_eq!(rows, 0, "it was removed");
    let closed: PostgresStore = store.clone();
    store.close().await;
    assert!(closed.claim(&first, shard(MAILS, 0)).await.expect_err("it is closed").is_closed());
}
