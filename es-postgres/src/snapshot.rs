//! Snapshots, written off the command's path by a bounded queue and one task that empties it; and looked at as they stand.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use es_core::{
    recorded::{Position, StreamId, StreamVersion},
    store::{KeptSnapshot, NewSnapshot, ReadStream, StoreError},
};
use sqlx::{Row as _, postgres::PgRow};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

use crate::{
    connections::Failure,
    error,
    row::{self, signed, unreadable, unsigned},
    store::Parts,
};

/// How many snapshots may wait. A further one is dropped: the next command on its stream brings a newer.
const QUEUE: usize = 1_024;
/// The most of them in a statement.
const BATCH: usize = 128;
/// How long the writer waits behind a statement for more. Nobody waits for it.
const PAUSE: Duration = Duration::from_millis(20);

/// The way into the queue.
#[derive(Debug)]
pub(crate) struct SnapshotWriter {
    queue: mpsc::Sender<Request>,
    /// The other end, until the task takes it.
    waiting: Mutex<Option<mpsc::Receiver<Request>>>,
}

#[derive(Debug)]
enum Request {
    Write(NewSnapshot),
    Flush(oneshot::Sender<()>),
}

impl SnapshotWriter {
    pub(crate) fn new() -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        Self { queue, waiting: Mutex::new(Some(waiting)) }
    }

    /// Starts the task. It ends when the last clone of the store is dropped.
    pub(crate) fn start(&self, parts: &Arc<Parts>) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            tokio::spawn(write_all(Arc::downgrade(parts), waiting));
        }
    }

    pub(crate) fn take_in(&self, snapshot: NewSnapshot) {
        if let Err(error) = self.queue.try_send(Request::Write(snapshot)) {
            tracing::debug!(%error, "a snapshot was dropped");
        }
    }

    pub(crate) async fn flush(&self) {
        let (done, finished) = oneshot::channel();
        if self.queue.send(Request::Flush(done)).await.is_ok() {
            let _ = finished.await;
        }
    }
}

async fn write_all(parts: Weak<Parts>, mut waiting: mpsc::Receiver<Request>) {
    let mut requests = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut requests, BATCH).await > 0 {
        // Of a stream the newest is enough. Sorted, as the statement wants them.
        let mut newest: BTreeMap<StreamId, NewSnapshot> = BTreeMap::new();
        let mut flushed = Vec::new();
        for request in requests.drain(..) {
            match request {
                Request::Write(snapshot) => {
                    // Versions of different histories do not compare: what came last is of the later one.
                    let is_newer =
                        |other: &NewSnapshot| other.version <= snapshot.version || other.history != snapshot.history;
                    if newest.get(&snapshot.stream).is_none_or(is_newer) {
                        newest.insert(snapshot.stream.clone(), snapshot);
                    }
                }
                Request::Flush(done) => flushed.push(done),
            }
        }
        if !newest.is_empty() {
            let Some(parts) = parts.upgrade() else { return };
            write(&parts, &newest.into_values().collect::<Vec<_>>()).await;
        }
        for done in flushed {
            let _ = done.send(());
        }
        sleep(PAUSE).await;
    }
}

/// Writes snapshots of different streams. A failure costs only time at the next load, so it is told to operators and no one
/// else; but one that the database refuses must not keep the others from being kept.
async fn write(parts: &Parts, snapshots: &[NewSnapshot]) {
    let Err(failure) = send(parts, snapshots).await else { return };
    if let (Failure::Refused(_), [_, _, ..]) = (&failure, snapshots) {
        for snapshot in snapshots {
            if let Err(failure) = send(parts, std::slice::from_ref(snapshot)).await {
                tracing::warn!(stream = %snapshot.stream, version = %snapshot.version, ?failure, "a snapshot was not written");
            }
        }
        return;
    }
    let stream = snapshots.first().map(|snapshot| &snapshot.stream);
    tracing::warn!(first = ?stream, snapshots = snapshots.len(), ?failure, "snapshots were not written");
}

async fn send(parts: &Parts, snapshots: &[NewSnapshot]) -> Result<(), Failure> {
    match try_send(parts, snapshots).await {
        // Nobody knew that the connection was dead; the next is a new one.
        Err(Failure::Lost(_)) => try_send(parts, snapshots).await,
        answer => answer,
    }
}

/// The server may have got another history since a snapshot was taken: there, its events may be lost, and others stand at
/// their versions.
async fn try_send(parts: &Parts, snapshots: &[NewSnapshot]) -> Result<(), Failure> {
    let lease = parts.connections.lease().await.map_err(Failure::NotSent)?;
    let history = lease.history();
    let fits = |snapshot: &&NewSnapshot| snapshot.history.is_none_or(|known| known == history);
    let snapshots: Vec<_> = snapshots.iter().filter(fits).collect();
    let stream_types: Vec<_> = snapshots.iter().map(|snapshot| snapshot.stream.stream_type()).collect();
    let stream_ids: Vec<_> = snapshots.iter().map(|snapshot| snapshot.stream.id()).collect();
    let versions: Vec<_> = snapshots.iter().map(|snapshot| signed(snapshot.version.get())).collect();
    let positions: Vec<_> = snapshots.iter().map(|snapshot| signed(snapshot.position.get())).collect();
    let fingerprints: Vec<_> = snapshots.iter().map(|snapshot| snapshot.fingerprint).collect();
    let states: Vec<_> = snapshots.iter().map(|snapshot| snapshot.state.as_str()).collect();
    let query = sqlx::query(parts.statements.snapshot.clone())
        .bind(&stream_types)
        .bind(&stream_ids)
        .bind(&versions)
        .bind(&positions)
        .bind(&fingerprints)
        .bind(&states);
    lease.fetch(query).await.map(drop)
}

/// The snapshot of a stream as it stands, whatever its fingerprint.
pub(crate) async fn kept(parts: &Parts, stream: &StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
    ReadStream::new(stream.clone()).check()?;
    let rows = parts
        .connections
        .fetch(|| sqlx::query(parts.statements.kept_snapshot.clone()).bind(stream.stream_type()).bind(stream.id()))
        .await
        .map_err(|failure| error::store_error("looking for a snapshot", failure))?;
    rows.first().map(snapshot).transpose().map_err(unreadable)
}

fn snapshot(row: &PgRow) -> Result<KeptSnapshot, sqlx::Error> {
    let (version, position) = (unsigned(row.try_get(0)?), unsigned(row.try_get(1)?));
    let state = row::json(row, 3)?.unwrap_or_default();
    let fingerprint: String = row.try_get(2)?;
    Ok(KeptSnapshot::new(StreamVersion::new(version), Position::new(position), fingerprint, state))
}
