//! What every store shows, on the real server.

use es_core::recorded::StreamId;
use es_postgres::PostgresStore;
use es_tests::database::{Database, DatabaseTest};

use crate::{
    stores::{self, Home, of_any_database, of_any_store},
    support::{count, open, open_with, raw, run},
};

impl Home for Database {
    type Store = PostgresStore;

    async fn open(&self) -> PostgresStore {
        open(self).await
    }

    async fn flush(store: &PostgresStore) {
        store.flush().await;
    }
}

/// Runs statements past the rules that refuse to change events.
async fn by_force(database: &Database, sql: &str) {
    run(&mut raw(database).await, &format!("alter table es.events disable trigger all; {sql}")).await;
}

impl stores::Database for Database {
    const SORTS_GROUPS: bool = true;
    const OWNED: bool = true;

    async fn owner(&self) -> PostgresStore {
        PostgresStore::connect(self.url()).await.expect("the database is there")
    }

    async fn insert(&self, stream: &StreamId, schema: (&str, u32), payload: &str, metadata: &str) -> u64 {
        let position: i64 = sqlx::query_scalar(
            "insert into es.events
                 (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
             values ($1, $2, 2, $3, $4, gen_random_uuid(), $5::text::jsonb, $6::text::jsonb) returning position",
        )
        .bind(stream.stream_type())
        .bind(stream.id())
        .bind(schema.0)
        .bind(schema.1.cast_signed())
        .bind(payload)
        .bind(metadata)
        .fetch_one(&mut raw(self).await)
        .await
        .expect("an insert");
        position.unsigned_abs()
    }

    async fn spoil_events(&self, before: u64) {
        by_force(self, &format!("update es.events set payload = '1' where version < {before}")).await;
    }

    async fn lose_event(&self, version: u64) {
        by_force(self, &format!("delete from es.events where version = {version}")).await;
    }

    async fn refuse_snapshots(&self, version: u64) {
        run(&mut raw(self).await, &format!("alter table es.snapshots add check (version <> {version})")).await;
    }

    async fn open_with_connections(&self, connections: u8) -> PostgresStore {
        open_with(self, |config| config.max_connections(connections.into())).await
    }

    async fn count(&self, id: &str) -> u64 {
        count(&mut raw(self).await, id).await.unsigned_abs()
    }

    async fn batches(&self, version: u64) -> u64 {
        let batches = sqlx::query_scalar("select count(distinct xmin::text) from es.events where version = $1");
        let batches: i64 = batches.bind(version.cast_signed()).fetch_one(&mut raw(self).await).await.expect("a count");
        batches.unsigned_abs()
    }

    async fn groups(&self) -> Option<u64> {
        let several =
            "select count(*) from (select from es.events group by xmin::text having count(distinct stream_id) > 1) g";
        let several: i64 = sqlx::query_scalar(several).fetch_one(&mut raw(self).await).await.expect("a count");
        Some(several.unsigned_abs())
    }

    async fn insert_others(&self, events: u32) {
        let many = format!(
            "insert into es.events (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
             select 'test', 'others', number, 'Other', 1, gen_random_uuid(), '{{}}', '{{}}'
             from generate_series(1, {events}) as number"
        );
        run(&mut raw(self).await, &many).await;
    }

    async fn assert_unguarded(&self) {
        let guarded =
            "select exists (select from pg_trigger where tgname = 'events_inline_guard' and tgenabled <> 'D')";
        let guarded: bool = sqlx::query_scalar(guarded).fetch_one(&mut raw(self).await).await.expect("a look");
        assert!(!guarded);
    }

    async fn limit_piles(&self, carried: u32) {
        let limit = format!("alter table piles_v1 add constraint \"it is full\" check (carried < {carried})");
        run(&mut raw(self).await, &limit).await;
    }
}

macro_rules! on_postgres {
    ($($module:ident::$test:ident,)+) => {
        vec![$(DatabaseTest::new(
            concat!(stringify!($module), "::", stringify!($test)),
            module_path!(),
            |database| Box::pin(async move { stores::$module::$test(&database).await }),
        )),+]
    };
}

pub(crate) fn tests() -> Vec<DatabaseTest> {
    [of_any_store!(on_postgres), of_any_database!(on_postgres)].into_iter().flatten().collect()
}

pub(crate) async fn every_path_reads_what_every_version_stored(database: Database) {
    let store = open(&database).await;
    crate::versions::every_path_reads_what_every_version_stored(&store, || store.flush()).await;
}
