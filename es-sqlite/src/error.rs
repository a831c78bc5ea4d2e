//! What SQLite says, in the words of the store. Errors are told apart by their codes, never by text.

use std::{error::Error, path::Path};

use es_core::store::{Misconfigured, StoreError, Unavailable};
use sqlx::error::DatabaseError;

/// SQLite's result codes, <https://www.sqlite.org/rescode.html>; of extended ones the lowest byte.
pub(crate) mod code {
    pub(crate) const ERROR: i32 = 1;
    pub(crate) const PERM: i32 = 3;
    pub(crate) const BUSY: i32 = 5;
    pub(crate) const LOCKED: i32 = 6;
    pub(crate) const NOMEM: i32 = 7;
    pub(crate) const READONLY: i32 = 8;
    pub(crate) const INTERRUPT: i32 = 9;
    pub(crate) const IOERR: i32 = 10;
    pub(crate) const CORRUPT: i32 = 11;
    pub(crate) const FULL: i32 = 13;
    pub(crate) const CANTOPEN: i32 = 14;
    pub(crate) const PROTOCOL: i32 = 15;
    pub(crate) const SCHEMA: i32 = 17;
    pub(crate) const TOOBIG: i32 = 18;
    pub(crate) const CONSTRAINT: i32 = 19;
    pub(crate) const MISMATCH: i32 = 20;
    pub(crate) const AUTH: i32 = 23;
    pub(crate) const NOTADB: i32 = 26;
}

/// The result code of an error, where SQLite itself has said it.
pub(crate) fn code_of(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error().and_then(DatabaseError::code)?;
    code.parse::<i32>().ok().map(|code| code & 0xff)
}

/// Whether the error is of a connection that is of no use any more.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => true,
        _ => matches!(code_of(error), Some(code::IOERR | code::CORRUPT | code::NOTADB | code::NOMEM)),
    }
}

/// Whether, after this answer to a `commit`, the transaction may be in the file nevertheless. Its last page may stand in the log
/// already when something fails, be it the disk or memory: nobody sees it now, but whoever opens the file after a crash will.
/// A disk that is full has no room for that page.
pub(crate) fn is_uncertain(error: &sqlx::Error) -> bool {
    let not_stored = [code::ERROR, code::BUSY, code::LOCKED, code::READONLY, code::FULL, code::CONSTRAINT];
    code_of(error).is_none_or(|code| !not_stored.contains(&code))
}

/// Whether, with this answer to a statement, SQLite may have ended the transaction that it was in.
pub(crate) fn ends_transaction(error: &sqlx::Error) -> bool {
    is_lost(error) || code_of(error) == Some(code::FULL)
}

/// An answer that is not the one hoped for, as the store's error.
pub(crate) fn store_error(doing: &'static str, source: sqlx::Error) -> StoreError {
    if matches!(source, sqlx::Error::PoolClosed) {
        return Unavailable::closed(source).into();
    }
    if matches!(source, sqlx::Error::PoolTimedOut) {
        let reason = format!("all connections that read were busy while {doing}; allow more of them, or try later");
        return Unavailable::new(reason, source).into();
    }
    let reason = match code_of(&source) {
        Some(code::BUSY | code::LOCKED | code::PROTOCOL) => {
            format!(
                "another writer had the file for too long while {doing}; a SQLite file has one at a time: end its \
                 transaction, or try later"
            )
        }
        Some(code::FULL) => format!("the disk is full, while {doing}; make room, and try again"),
        Some(code::IOERR) => format!("the disk could not be read or written while {doing}: {source}"),
        Some(code::NOMEM) => format!("there was no memory while {doing}"),
        Some(code::READONLY | code::PERM | code::AUTH | code::CANTOPEN | code::NOTADB | code::CORRUPT) => {
            return Misconfigured::new(format!("while {doing}: {}", words(&source)), Some(source.into())).into();
        }
        None if is_lost(&source) => format!("the connection was lost while {doing}: {source}"),
        // The tables were there when it was opened.
        Some(code::ERROR) if is_of_no_table(&source) => {
            let reason = format!(
                "while {doing}: {}; somebody has changed the file since it was opened, or removed a table of it: open it anew, or \
                 restore it",
                words(&source)
            );
            return Misconfigured::new(reason, Some(source.into())).into();
        }
        _ => return StoreError::Backend { doing, source: source.into() },
    };
    Unavailable::new(reason, source).into()
}

/// SQLite has one code for all that is wrong with a statement, so this one is told by its text.
fn is_of_no_table(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().starts_with("no such table: es_"))
}

/// What went wrong, in SQLite's own words.
pub(crate) fn words(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

/// A file that could not be opened.
pub(crate) fn cannot_open(path: &Path, source: sqlx::Error) -> StoreError {
    let path = path.display();
    let reason = match code_of(&source) {
        Some(code::NOTADB | code::CORRUPT) => format!(
            "`{path}` is no SQLite database, or a damaged one: {}; nothing of it was changed; name another file, or restore \
             this one",
            words(&source)
        ),
        Some(code::CANTOPEN | code::PERM) => format!(
            "`{path}` cannot be opened: {}; see that its folder is there, and that files in it can be made and written",
            words(&source)
        ),
        Some(code::READONLY) => {
            format!(
                "`{path}` cannot be written: {}; see that it can, and its folder, and the files beside it whose names go on with `-wal` and \
                 `-shm`",
                words(&source)
            )
        }
        _ => return store_error("opening the file", source),
    };
    Misconfigured::new(reason, Some(source.into())).into()
}

/// A store that was closed.
pub(crate) fn closed(source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    Unavailable::closed(source).into()
}
