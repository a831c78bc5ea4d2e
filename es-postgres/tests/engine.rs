//! What an engine promises, on the real server: the rules that it keeps on every store, and what only a server shows.

use es_core::{
    engine::ProjectionEngine,
    prelude::*,
    projection::{Advance, EngineInfo, ProjectionHandlers, ProjectionId, Rows, ShardId},
};
use es_postgres::{PgContext, PostgresConfig, PostgresStore};
use es_tests::database::Database;
use sqlx::Executor as _;

use crate::{
    engines::{self, Contents, Filled, filled, happen, pot, rows},
    support::{raw, until_one_waits},
};

/// A store of the role that owns the tables: engines make theirs themselves.
async fn owner(database: &Database) -> PostgresStore {
    let store = PostgresStore::connect(database.url()).await.expect("the database is there");
    store.migrate().await.expect("it can be migrated");
    store
}

macro_rules! on_postgres {
    ($($module:ident::$test:ident($($argument:expr)?),)+) => {
        $(pub(crate) async fn $test(database: Database) {
            engines::$module::$test(&owner(&database).await $(, $argument)?).await;
        })+
    };
}

on_postgres! {
    batches::a_batch_may_have_more_rows_than_a_statement_takes(),
    deploying::a_new_version_that_has_stopped_is_not_healthy(),
    deploying::an_older_program_is_told_that_a_newer_version_has_taken_over(),
    deploying::what_is_set_for_nothing_is_refused(),
    deploying::a_reactor_is_waited_for_only_by_name(),
    deploying::other_handlers_need_another_version(),
    deploying::what_was_before_it_began_is_not_missed(),
    following::rows_follow_the_events(),
    following::handlers_see_each_event_once_and_in_order(),
    following::it_begins_where_it_is_told(),
    following::it_begins_now(),
    following::whoever_waits_in_vain_is_told_why(),
    following::the_status_says_how_it_goes(),
    following::a_paused_projection_stands_still(),
    following::what_is_tried_again_and_again_is_shown(),
    following::two_of_a_name_are_refused(),
    following::what_nobody_has_prepared_is_not_controlled(),
    following::one_reader_serves_all_at_the_end_of_the_events(),
    poison::one_that_stops_stops_alone_and_goes_on_when_resumed(),
    poison::a_panic_is_a_failure(),
    poison::what_is_skipped_is_kept_to_be_seen(),
    poison::what_is_parked_holds_up_its_key_and_is_redriven_in_order(),
    poison::a_commit_that_is_refused_comes_to_the_policy(),
    poison::a_redrive_of_what_never_passes_ends(),
    poison::a_row_that_cannot_be_read_is_no_events_fault(),
    poison::a_parked_key_holds_up_only_its_own_shard_and_key(),
    reacting::each_event_is_delivered_under_its_id(),
    reacting::what_cannot_be_delivered_stops_or_waits_with_its_key(),
    reacting::nothing_is_delivered_again_by_a_rebuild(),
    taken_over::what_another_engine_has_parked_holds_up_its_key(),
    taken_over::what_another_engine_has_delivered_is_not_delivered_again(),
    together::shards_are_spread_evenly_and_handed_over(),
    together::who_knows_another_division_leaves_it_to_others(),
    together::a_job_keeps_what_it_has_and_nobody_counts_on_it(),
    together::a_job_leaves_shards_to_whoever_owns_them_and_waits_for_the_end(),
    together::a_job_says_what_is_in_its_way(),
    versions::a_new_version_takes_over_when_it_is_complete(),
    versions::a_job_makes_a_new_version_the_active_one(),
    versions::whoever_reads_another_version_is_told_which(),
    parked::what_is_parked_is_applied_once_and_in_order(24),
    storm::nothing_is_lost_or_applied_twice(30),
}

/// Writes down on which connection each event came.
#[derive(Projection, Debug)]
#[projection(name = "tracker")]
struct Tracker;

#[event_handler]
impl Tracker {
    async fn filled(&self, _: &Filled, envelope: &Envelope, context: &mut PgContext<'_>) -> Result<(), sqlx::Error> {
        sqlx::query("insert into tracked values ($1, $2, pg_backend_pid())")
            .bind(envelope.stream.id())
            .bind(envelope.version.get().cast_signed())
            .execute(context.connection())
            .await?;
        Ok(())
    }
}

const TRACKER: ShardId = ShardId { projection: ProjectionId { name: "tracker", version: 1 }, shard: 0 };

/// As behind a pooler that gives each transaction another session: a claim is nothing but what its row says.
pub(crate) async fn nothing_is_needed_of_a_session_but_within_a_transaction(database: Database) {
    let store = owner(&database).await;
    let mut connection = raw(&database).await;
    connection.execute("create table tracked (pot text, version bigint, pid integer)").await.expect("a table");
    let last = happen(&store, &pot(0), (0..20).map(filled)).await;
    ProjectionEngine::new(&store).projection(Tracker).prepare().await.expect("it is made ready");
    let info = EngineInfo::new(
        es_core::projection::EngineId::random(),
        "pooled".to_owned(),
        vec![TRACKER.projection],
        std::time::Duration::from_mins(1),
    );
    let single = || async {
        let config = PostgresConfig::new().max_connections(1);
        PostgresStore::connect_with(database.url(), config).await.expect("the database is there")
    };
    let mut claim = single().await.claim(&info, TRACKER).await.expect("an answer").expect("nobody has it");
    let page = store.read_page(&es_core::store::ReadAll::after(Position::START)).await.expect("a page");
    for (turn, stored) in page.events.iter().enumerate() {
        let fresh = single().await;
        let advance = Advance::new(claim.position, stored.position, 1, fresh.history().await.expect("a history"));
        let mut transaction = fresh.begin(&claim, &advance).await.expect("an answer").expect("the claim holds");
        let handled = ProjectionHandlers::handle_stored(&Tracker, stored, &mut fresh.context(&mut transaction)).await;
        handled.expect("it can be handled");
        fresh.commit(transaction).await.expect("a commit");
        fresh.close().await;
        // Another one says that the engine is alive, and renews the claim now and then.
        let fresh = single().await;
        fresh.keep_alive(&info, &[claim]).await.expect("a roster");
        claim = if turn % 5 == 4 {
            fresh.claim(&info, TRACKER).await.expect("an answer").expect("it is ours")
        } else {
            es_core::projection::Claim::new(claim.shard, claim.engine, claim.epoch, stored.position, claim.lease)
        };
        fresh.close().await;
    }
    assert_eq!(claim.position, last);
    let (events, sessions): (i64, i64) = sqlx::query_as("select count(*), count(distinct pid) from tracked")
        .fetch_one(&mut connection)
        .await
        .expect("a look");
    assert_eq!((events, sessions), (20, 20));
}

/// Each connection is ended by the server as soon as it has nothing to do; the engine goes on with others.
pub(crate) async fn an_engine_whose_connections_are_ended_all_the_time_misses_nothing(database: Database) {
    let store = owner(&database).await;
    let mut connection = raw(&database).await;
    connection
        .execute("create table tracked (pot text, version bigint, pid integer, unique (pot, version))")
        .await
        .expect("a table");
    let url = format!("{}?application_name=victim", database.url());
    let followed = PostgresStore::connect(&url).await.expect("the database is there");
    let engine = engines::engine(&followed).batch_size(3).projection(Tracker).shards(2);
    let running = engine.read_model::<Contents>().shards(2).start().await.expect("an engine");
    let mut last = Position::START;
    for round in 0..60 {
        last = happen(&store, &pot(round % 5), [filled(1), filled(2)]).await;
        let end = "select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = current_database() and application_name = 'victim'";
        connection.execute(end).await.expect("they can be ended");
        // Some are ended in the midst of what they do, some while they wait.
        if round % 3 == 0 {
            running.wait_for(last).timeout(std::time::Duration::from_mins(1)).await.expect("it comes so far");
        }
    }
    running.wait_for(last).timeout(std::time::Duration::from_mins(1)).await.expect("it comes so far");
    running.shutdown().await;
    let (events, sessions): (i64, i64) = sqlx::query_as("select count(*), count(distinct pid) from tracked")
        .fetch_one(&mut connection)
        .await
        .expect("a look");
    assert_eq!(events, 120);
    assert!(sessions > 19, "only {sessions} connections were used");
    let mut expected = Rows::<Contents>::new();
    expected.catch_up(&store).await.expect("a fold");
    for row in rows(&store).await {
        assert_eq!(expected.get(&row.id), Some(&row));
    }
}

/// The owner's row is the one that is locked, and it is looked at again behind the lock.
pub(crate) async fn who_waits_behind_a_newer_claim_does_not_pass_the_fence(database: Database) {
    let store = owner(&database).await;
    ProjectionEngine::new(&store).projection(Tracker).prepare().await.expect("it is made ready");
    let late = crate::projection_support::engine("late", crate::projection_support::LONG);
    let late = store.claim(&late, TRACKER).await.expect("an answer").expect("nobody has it");
    let advance = Advance::new(Position::START, Position::new(3), 3, store.history().await.expect("a history"));
    // A claim that is not committed yet.
    let mut newer = raw(&database).await;
    newer
        .execute("begin; update es.projection_shards set engine = gen_random_uuid(), epoch = epoch + 1")
        .await
        .expect("a claim");
    let begins = tokio::spawn({
        let store = store.clone();
        async move { store.begin(&late, &advance).await.map(|transaction| transaction.is_some()) }
    });
    until_one_waits(&mut raw(&database).await).await;
    newer.execute("commit").await.expect("a commit");
    assert!(!begins.await.expect("the task").expect("an answer"), "the newer claim had not been there when it began");
}
