//! Where the bank is, and the bank that is open.

use std::{env, path::PathBuf};

use ::bank::{databases::Database, domain::Account, projections};
use es_core::{Repository, store::EventStore as _};

use super::failure::Failure;

/// The file in which a bank is kept where nothing else is said, in the folder in which the program is started.
const FILE: &str = "bank.db";

/// Where a bank is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a SQLite file.
    File(PathBuf),
    /// On a PostgreSQL server.
    Server(String),
}

impl Place {
    /// What was said, or what the environment says, or the usual file.
    pub(super) fn choose(said: Option<String>) -> Result<Self, Failure> {
        let url = said.or_else(|| env::var("DATABASE_URL").ok()).filter(|url| !url.is_empty());
        url.map_or_else(|| Ok(Self::File(FILE.into())), |url| Self::of(&url))
    }

    /// What a URL names. It may hold a password, and so is not repeated.
    pub(super) fn of(url: &str) -> Result<Self, Failure> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Server(url.to_owned()));
        }
        match url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path)) {
            Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(Failure::broken(
                "a database is named as `sqlite:bank.db`, for a file, or as `postgres://user@host/database`, for a server",
            )),
        }
    }
}

/// A bank that is open.
#[derive(Debug)]
pub(super) struct Bank<D: Database> {
    /// Its database.
    pub(super) database: D,
    /// The accounts in it.
    pub(super) accounts: Repository<Account, D::Store>,
}

impl<D: Database> Bank<D> {
    pub(super) fn new(database: D) -> Self {
        Self { accounts: database.store().repository(), database }
    }

    pub(super) fn store(&self) -> &D::Store {
        self.database.store()
    }

    /// Brings a projection up to date.
    pub(super) async fn catch_up(&self, projection: &str) -> Result<(), Failure> {
        Ok(projections::catch_up(&self.database, projection).await?)
    }
}
