//! Snapshots: they are taken in without waiting, and written with the appends that come next.

use std::collections::BTreeMap;

use es_core::{
    recorded::{Position, StreamId, StreamVersion},
    store::{KeptSnapshot, NewSnapshot, ReadStream, StoreError},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use crate::{
    error,
    row::{natural, signed, text, unreadable},
    store::Parts,
};

/// How many snapshots may wait. A further one is dropped: the next command on its stream brings a newer.
const MOST: usize = 1_024;

/// Snapshots that wait to be written, of each stream the newest.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    newest: BTreeMap<StreamId, NewSnapshot>,
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    /// Gives up all of them.
    pub(crate) fn drop_all(&mut self) {
        self.newest.clear();
    }

    pub(crate) fn take_in(&mut self, snapshot: NewSnapshot) {
        // Versions of different histories do not compare: what came last is of the later one.
        let is_newer = |other: &NewSnapshot| other.version <= snapshot.version || other.history != snapshot.history;
        match self.newest.get(&snapshot.stream) {
            Some(other) if !is_newer(other) => {}
            None if self.newest.len() >= MOST => tracing::debug!("a snapshot was dropped"),
            _ => drop(self.newest.insert(snapshot.stream.clone(), snapshot)),
        }
    }
}

/// Writes what waits, in a transaction that is open. A failure costs only time at the next load, so it is told to operators
/// and no one else.
///
/// # Errors
/// Of those alone with which SQLite ends the transaction, and all that is in it.
pub(crate) async fn write(connection: &mut SqliteConnection, pending: &mut Pending) -> Result<(), sqlx::Error> {
    for snapshot in std::mem::take(&mut pending.newest).into_values() {
        let written = sqlx::query(include_str!("sql/snapshot.sql"))
            .bind(snapshot.stream.stream_type())
            .bind(snapshot.stream.id())
            .bind(signed(snapshot.version.get()))
            .bind(signed(snapshot.position.get()))
            .bind(snapshot.fingerprint)
            .bind(&snapshot.state)
            .bind(snapshot.history.map(|history| history.to_string()))
            .execute(&mut *connection)
            .await;
        if let Err(error) = written {
            tracing::warn!(stream = %snapshot.stream, version = %snapshot.version, %error, "a snapshot was not written");
            if error::ends_transaction(&error) {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The snapshot of a stream as it stands, whatever its fingerprint.
pub(crate) async fn kept(parts: &Parts, stream: &StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
    ReadStream::new(stream.clone()).check()?;
    let query =
        "select version, position, fingerprint, state from es_snapshots where stream_type = ?1 and stream_id = ?2";
    let row = sqlx::query(query)
        .bind(stream.stream_type())
        .bind(stream.id())
        .fetch_optional(parts.connections.reading()?)
        .await
        .map_err(|source| error::store_error("looking for a snapshot", source))?;
    row.as_ref().map(snapshot).transpose().map_err(unreadable)
}

fn snapshot(row: &SqliteRow) -> Result<KeptSnapshot, sqlx::Error> {
    let (version, position) = (StreamVersion::new(natural(row, 0)?), Position::new(natural(row, 1)?));
    Ok(KeptSnapshot::new(version, position, text(row, 2)?.to_owned(), text(row, 3)?.as_bytes().to_vec()))
}
