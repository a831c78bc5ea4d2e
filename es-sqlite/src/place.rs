//! Where the file is: what a path may be, and whether it still leads to the file that was opened.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use es_core::store::{Misconfigured, StoreError, Unavailable};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::time::sleep;

use crate::error::{self, code};

/// Refuses what names no file, and gives the path from the root on: it leads to the same file wherever the process goes.
pub(crate) fn check_path(path: &Path) -> Result<PathBuf, StoreError> {
    let refuse = |reason: String| Err(Misconfigured::new(reason, None).into());
    let text = path.to_string_lossy();
    if text.is_empty() || text.contains(":memory:") {
        return refuse(
            "it needs the path of a file, such as `bank.db`; for a store in memory take `MemoryStore`".into(),
        );
    }
    // SQLite itself takes the second for a URL, whose parameters can switch off all that keeps events safe.
    if let Some(scheme) = ["sqlite:", "file:"].into_iter().find(|scheme| text.starts_with(scheme)) {
        return refuse(format!("it takes a path, not a URL: leave out `{scheme}`"));
    }
    if path.to_str().is_none_or(|text| text.contains('\0')) {
        return refuse(format!(
            "`{text}` cannot be a path for SQLite, which takes UTF-8 without NUL; name it otherwise"
        ));
    }
    if path.is_dir() {
        return refuse(format!("`{text}` is a folder; name a file in it"));
    }
    std::path::absolute(path).map_err(|source| {
        let reason = format!("`{text}` leads nowhere: {source}; give the path from the root on");
        Misconfigured::new(reason, Some(source.into())).into()
    })
}

/// How often a file that cannot be read is looked at.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// How the name of the log goes on that SQLite keeps beside a file.
const LOG: &str = "-wal";

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Refuses to begin anew beside the log of a file that is gone: SQLite would throw it away, with the events in it.
pub(crate) fn check_log(path: &Path) -> Result<(), StoreError> {
    let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    if length(path) > 0 || length(&beside(path, LOG)) == 0 {
        return Ok(());
    }
    let path = path.display();
    let reason = format!(
        "`{path}` is missing or empty, and `{path}{LOG}` is there, in which events may be that belong to it; put the file back, \
         or move `{path}{LOG}` away to begin anew; nothing was changed"
    );
    Err(Misconfigured::new(reason, None).into())
}

/// Refuses a file of another program. Reads, and changes nothing.
pub(crate) async fn check_owner(path: &Path, options: &SqliteConnectOptions) -> Result<(), StoreError> {
    // Of an empty file nobody is the owner, and one that is being made may be locked for a moment.
    if fs::metadata(path).map_or(true, |metadata| metadata.len() == 0) {
        return Ok(());
    }
    let counted = match look(path, options).await {
        // Its last writer was killed, and left what only one who may write can undo. Any reader has it undone.
        Err(source) if error::code_of(&source) == Some(code::READONLY) => count_tables(options).await,
        counted => counted,
    };
    let (tables, ours) = counted.map_err(|source| error::cannot_open(path, source))?;
    if tables > 0 && ours == 0 {
        let reason = format!(
            "`{}` is the database of another program: it has tables, and none of them are ours; nothing of it was changed; name \
             another file, or open it with `SqliteConfig::beside_other_tables`, if they are to be in one file",
            path.display()
        );
        return Err(Misconfigured::new(reason, None).into());
    }
    Ok(())
}

/// Counts the tables. Even who only reads makes files beside the one that it reads, and leaves them there; so it is read as if
/// nobody else wrote, as long as there are none.
async fn look(path: &Path, options: &SqliteConnectOptions) -> Result<(i64, i64), sqlx::Error> {
    let options = options.clone().read_only(true);
    let mut again = LOOKS;
    while [LOG, "-journal"].iter().all(|suffix| !beside(path, suffix).exists()) {
        let counted = count_tables(&options.clone().immutable(true)).await;
        again -= 1;
        if counted.is_ok() || again == 0 {
            return counted;
        }
        // Somebody may have come just now.
        sleep(PAUSE).await;
    }
    count_tables(&options).await
}

/// How many tables there are, and how many of them are the list of our migrations.
async fn count_tables(options: &SqliteConnectOptions) -> Result<(i64, i64), sqlx::Error> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let names =
        "select count(*), count(*) filter (where name = 'es_migrations') from sqlite_schema where type = 'table'";
    let counted = sqlx::query_as(names).fetch_one(&mut connection).await;
    let _ = connection.close().await;
    counted
}

/// What tells one file from another that has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    place: (u64, u64),
    /// The number of a file that is gone is given to a new one.
    made: Option<SystemTime>,
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            #[cfg(unix)]
            place: {
                use std::os::unix::fs::MetadataExt as _;
                (metadata.dev(), metadata.ino())
            },
            made: metadata.created().ok(),
        })
    }
}

/// A file that was opened. It stays open when its name is taken away, and whatever is written then nobody else can see, and is
/// gone with the process: so it is looked whether the name still leads to it.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    path: PathBuf,
    identity: Identity,
}

impl Opened {
    /// Remembers the file that is there.
    pub(crate) fn at(path: &Path) -> Result<Self, StoreError> {
        let identity = Identity::of(path).map_err(|source| absent(path, source))?;
        Ok(Self { path: path.to_owned(), identity })
    }

    /// The log that SQLite keeps beside a file, as it is now.
    pub(crate) fn log_of(path: &Path) -> Result<Self, StoreError> {
        Self::at(&beside(path, LOG))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is still there.
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`] where the name leads to no file, or to another.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let found = Identity::of(&self.path).map_err(|source| absent(&self.path, source))?;
        if found == self.identity {
            return Ok(());
        }
        let reason = format!(
            "`{}` is not the file that was opened: another was put in its place while it was in use; close the store, see which \
             of them is the right one, and open that",
            self.path.display()
        );
        Err(Misconfigured::new(reason, None).into())
    }
}

fn absent(path: &Path, source: io::Error) -> StoreError {
    let path = path.display();
    if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        let reason = format!(
            "`{path}` was removed or renamed while it was in use, and what is written now nobody else would see; put it back, or \
             close the store and open the file that it is to use"
        );
        return Misconfigured::new(reason, Some(source.into())).into();
    }
    Unavailable::new(format!("it cannot be seen whether `{path}` is still there: {source}"), source).into()
}
