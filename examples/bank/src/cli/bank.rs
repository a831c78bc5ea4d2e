//! The connections: the store of the events, and a pool for what is made of them.

use std::{env, time::Duration};

use ::bank::{domain::Account, projections};
use es_core::{Repository, store::EventStore as _};
use es_postgres::PostgresStore;
use sqlx::{PgPool, postgres::PgPoolOptions};

use super::failure::Failure;

/// A bank that is open.
#[derive(Debug)]
pub(super) struct Bank {
    /// The events.
    pub(super) store: PostgresStore,
    /// The accounts in it.
    pub(super) accounts: Repository<Account, PostgresStore>,
    /// For SQL about what is made of the events, in the same database.
    pub(super) pool: PgPool,
}

impl Bank {
    /// Connects, and creates the tables where they are missing.
    pub(super) async fn open(database_url: Option<String>) -> Result<Self, Failure> {
        let url = database_url.or_else(|| env::var("DATABASE_URL").ok()).filter(|url| !url.is_empty());
        let Some(url) = url else {
            return Err(Failure::broken(
                "no database is named: start it as `scripts/bank`, which brings its own, or set DATABASE_URL to a \
                 PostgreSQL database such as postgres://localhost/bank",
            ));
        };
        let store = PostgresStore::connect_with(&url, projections::config()).await?;
        store.migrate().await?;
        let options = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(10));
        let pool = options.connect_lazy(&url)?;
        projections::migrate(&pool).await?;
        Ok(Self { accounts: store.repository(), store, pool })
    }

    /// Brings a projection up to date.
    pub(super) async fn catch_up(&self, projection: &str) -> Result<(), Failure> {
        Ok(projections::catch_up(&self.store, projection).await?)
    }

    /// Waits for what is still being written, and closes the connections.
    pub(super) async fn close(self) {
        self.pool.close().await;
        self.store.close().await;
    }
}
