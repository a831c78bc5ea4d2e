//! What the tests share: files, and stores on them.

use es_sqlite::{SqliteConfig, SqliteStore};
use tempfile::TempDir;

/// A folder with one file in it, which is gone with it.
pub(crate) struct File {
    folder: TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("events.db")
    }

    /// Another store on the file, as another process would have one.
    pub(crate) async fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path()).await.expect("the file can be opened")
    }

    pub(crate) async fn open_with(&self, config: SqliteConfig) -> SqliteStore {
        SqliteStore::open_with(self.path(), config).await.expect("the file can be opened")
    }
}
