//! What every store shows, on a file.

use std::time::Duration;

use es_core::recorded::StreamId;
use es_sqlite::{SqliteConfig, SqliteStore};

use crate::{
    projection_support::number,
    stores::{self, Database, Home, of_any_database, of_any_store},
    support::{File, run},
};

impl Home for File {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        File::open(self).await
    }

    async fn flush(store: &SqliteStore) {
        store.flush().await;
    }
}

impl Database for File {
    const SORTS_GROUPS: bool = false;
    const OWNED: bool = false;

    async fn owner(&self) -> SqliteStore {
        self.open().await
    }

    async fn insert(&self, stream: &StreamId, schema: (&str, u32), payload: &str, metadata: &str) -> u64 {
        let position: i64 = sqlx::query_scalar(
            "insert into es_events
                 (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata, recorded_at)
             values (?1, ?2, 2, ?3, ?4, randomblob(16), ?5, ?6, 1) returning position",
        )
        .bind(stream.stream_type())
        .bind(stream.id())
        .bind(schema.0)
        .bind(schema.1)
        .bind(payload)
        .bind(metadata)
        .fetch_one(&mut self.raw().await)
        .await
        .expect("an insert");
        position.unsigned_abs()
    }

    async fn spoil_events(&self, before: u64) {
        let spoil = format!("update es_events set payload = '1' where version < {before}");
        run(&mut self.raw().await, &format!("drop trigger es_events_are_not_updated; {spoil}")).await;
    }

    async fn lose_event(&self, version: u64) {
        let lose = format!("delete from es_events where version = {version}");
        run(&mut self.raw().await, &format!("drop trigger es_events_are_not_deleted; {lose}")).await;
    }

    async fn refuse_snapshots(&self, version: u64) {
        let rule = format!(
            "create trigger rule before insert on es_snapshots when new.version = {version}
             begin select raise(abort, 'not this one'); end"
        );
        run(&mut self.raw().await, &rule).await;
    }

    /// Of those that read: one writes, however many there are.
    async fn open_with_connections(&self, connections: u8) -> SqliteStore {
        let config = SqliteConfig::new().readers(connections.into()).acquire_timeout(Duration::from_secs(2));
        self.open_with(config).await
    }

    async fn count(&self, id: &str) -> u64 {
        File::count(self, id).await
    }

    async fn batches(&self, version: u64) -> u64 {
        let batches = sqlx::query_scalar("select count(distinct recorded_at) from es_events where version = ?1");
        let batches: i64 = batches.bind(version.cast_signed()).fetch_one(&mut self.raw().await).await.expect("a count");
        batches.unsigned_abs()
    }

    /// A transaction takes all groups that wait.
    async fn groups(&self) -> Option<u64> {
        None
    }

    async fn insert_others(&self, events: u32) {
        let many = format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < {events})
             insert into es_events (position, stream_type, stream_id, version, event_type, schema_version, event_id, payload,
                                    metadata, recorded_at)
             select i, 'test', 'others', i, 'Other', 1, randomblob(16), '{{}}', '{{}}', 1 from n"
        );
        run(&mut self.raw().await, &many).await;
    }

    async fn assert_whole(&self) {
        let holes = "select count(*) from (
                         select version - row_number() over (partition by stream_type, stream_id order by position) as hole,
                                position - row_number() over (order by position) as further from es_events
                     ) where hole <> 0 or further <> 0";
        assert_eq!(number(&mut self.raw().await, holes).await, 0);
    }

    async fn limit_piles(&self, carried: u32) {
        let limit = format!(
            "create trigger full before update on piles_v1 when new.carried >= {carried}
             begin select raise(abort, 'it is full'); end"
        );
        run(&mut self.raw().await, &limit).await;
    }
}

macro_rules! on_sqlite {
    ($($module:ident::$test:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            stores::$module::$test(&File::new()).await;
        })+
    };
}

of_any_store!(on_sqlite);
of_any_database!(on_sqlite);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_path_reads_what_every_version_stored() {
    let file = File::new();
    let store = file.open().await;
    crate::versions::every_path_reads_what_every_version_stored(&store, || store.flush()).await;
}
